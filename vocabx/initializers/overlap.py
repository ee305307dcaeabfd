"""Which new tokens are old tokens under another spelling: the same text, or the same but for case."""

from collections.abc import Sequence


def overlapping(
    tokens: Sequence[bytes], old_tokens: Sequence[bytes | None], fold_case: bool = True
) -> dict[int, int]:
    """The old token that each new token is, new row to old row; the lowest id where there are several.

    Tokens are compared by the bytes of running text, so the alphabet of byte-level BPE, ▁ and ## do not
    matter; a space before a word does.

    Args:
        tokens: the new tokens.
        old_tokens: the old tokens; None for one that stands for no text.
        fold_case: whether a token without an equal may be one that is equal in lower case.
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
