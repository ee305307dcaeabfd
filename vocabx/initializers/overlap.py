"""Which new tokens equal an old one: the same text in any notation, or the same except for case."""

from collections.abc import Sequence


def overlapping(
    tokens: Sequence[bytes], old_tokens: Sequence[bytes | None], fold_case: bool = True
) -> dict[int, int]:
    """The old token that each new token equals, new row to old row; the lowest id if there are several.

    Tokens are compared by their bytes in running text, so the alphabet of byte-level BPE, ▁ and ## do not
    matter, but a leading space does.

    Args:
        tokens: the new tokens.
        old_tokens: the old tokens; None for one that stands for no text.
        fold_case: whether a token without an exact match may match in lower case.
    """
    exact: dict[bytes, int] = {}
    folded: dict[bytes, int] = {}
    for index, token in enumerate(old_tokens):
        if token:
            exact.setdefault(token, index)
            folded.setdefault(_lower(token), index)
    found = {}
    for row, token in enumerate(tokens):
        match = exact.get(token)
        if match is None and fold_case:
            match = folded.get(_lower(token))
        if match is not None:
            found[row] = match
    return found


def _lower(token: bytes) -> bytes:
    try:
        return token.decode().lower().encode()
    except UnicodeDecodeError:
        return token
