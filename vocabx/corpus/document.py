"""A document: what every reader of text yields."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A text, its source, and the bytes of the source read up to its end."""

    text: str
    source: str
    bytes_read: int
