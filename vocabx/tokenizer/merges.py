"""One step of an extension: two tokens become one, or a character becomes a token. Chooses nothing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Merge:
    """`left` and `right` become the token `left + right`, tokens told by the bytes they stand for.

    An empty `left` makes `right` a token as it stands, without parts: a character that the base spells in
    bytes, or a piece of a family that needs no parts.

    Attributes:
        left, right: the parts.
        count: how often the merge applies in the corpus, 0 when there was none.
    """

    left: bytes
    right: bytes
    count: int

    @property
    def token(self) -> bytes:
        """The bytes of the token that the merge makes."""
        return self.left + self.right
