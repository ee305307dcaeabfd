"""Splits a document into passages at sentence ends. Lossless: the passages concatenated are the text."""

from collections.abc import Iterator

import regex

# A sentence with its closing punctuation. A full stop ends one only before white space: not in 3.14.
_END = r"(?:[\n。！？!?।॥…۔؟]+|\.(?=\s))[」』”’）)\]\"']*[^\S\n]*"
_SENTENCE = regex.compile(rf"[^\n]*?{_END}|[^\n]+")
_LAST_BLANK = regex.compile(r"(?r)\s")


def sentences(text: str) -> Iterator[str]:
    """Split `text` after each sentence and each line."""
    return (match[0] for match in _SENTENCE.finditer(text))


def passages(text: str, limit: int) -> list[str]:
    """Split `text` at sentence ends into passages of at most `limit` UTF-8 bytes, in linear time.

    A sentence longer than the limit is split at white space, or between characters if there is none.
    """
    if len(text) <= limit and len(text.encode()) <= limit:
        return [text] if text else []
    out: list[str] = []
    current: list[str] = []
    size = 0
    for sentence in sentences(text):
        for piece, length in _split(sentence, limit):
            if current and size + length > limit:
                out.append("".join(current))
                current, size = [], 0
            current.append(piece)
            size += length
    if current:
        out.append("".join(current))
    return out


def _split(sentence: str, limit: int) -> Iterator[tuple[str, int]]:
    """A sentence with its bytes; a long one split after white space within the limit, or anywhere."""
    length = len(sentence.encode())
    start = 0
    while length > limit:
        # No more characters than bytes fit; copying all that remains would take quadratic time.
        head = sentence[start : start + limit].encode()[:limit].decode(errors="ignore")
        blank = _LAST_BLANK.search(head)
        piece = head[: blank.end()] if blank else head
        taken = len(piece.encode())
        yield piece, taken
        start += len(piece)
        length -= taken
    if start < len(sentence):
        yield sentence[start:], length
