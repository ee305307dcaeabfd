"""One step of an extension: two tokens become one, or a character becomes a token."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Merge:
    """`left` and `right` become the token `left + right`; tokens are identified by their bytes.

    An empty `left` makes `right` a token without parts: a character for which the base falls back to bytes,
    or a piece of a family that needs no parts.

    Attributes:
        left, right: the parts.
        count: how often the merge applies in the corpus, 0 without a corpus.
    """

    left: bytes
    right: bytes
    count: int

    @property
    def token(self) -> bytes:
        """The bytes of the resulting token."""
        return self.left + self.right
