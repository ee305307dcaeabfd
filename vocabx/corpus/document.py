"""A document: what every reader of text yields."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A text, its source, and the bytes of the source read up to its end.

    Attributes:
        text: the text.
        source: where it comes from.
        bytes_read: of the source, up to the end of this document.
        learn_only: whether tokens are learned from it and nothing of it is held out, because it is no running
            text and stands beside some.
    """

    text: str
    source: str
    bytes_read: int
    learn_only: bool = False
    part: bool = False
