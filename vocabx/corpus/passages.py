"""Splits a document into passages at sentence ends. Lossless: the passages concatenated are the text."""

import re
from collections.abc import Iterator

import regex

# Unicode's white space. This module uses the standard library's engine where it can, which skips to the next
# possible end many times as fast.
_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NO_NEWLINE = _SPACE.replace(r"\t-\r", r"\t\x0b-\r")
_MARKS = r"\n。！？!?।॥…۔؟"
# A sentence ends with its closing punctuation. A full stop ends one only before white space: not in 3.14.
_END = re.compile(
    rf"[{_MARKS}.](?:(?<!\.)[{_MARKS}]*|(?<=\.)(?=[{_SPACE}]))[」』”’）)\]\"']*[{_NO_NEWLINE}]*"
)
# Characters before the limit among which most passages find the end of a sentence.
_NEAR = 128
_LAST_BLANK = regex.compile(r"(?r)\s")


def sentences(text: str) -> Iterator[str]:
    """Split `text` after each sentence and each line."""
    start = 0
    for end in _ends(text):
        yield text[start:end]
        start = end


def passages(text: str, limit: int) -> list[str]:
    """Split `text` at sentence ends into passages of at most `limit` UTF-8 bytes, in linear time.

    A sentence longer than the limit is split at white space, or between characters if there is none.
    """
    if len(text) <= limit and len(text.encode()) <= limit:
        return [text] if text else []
    out: list[str] = []
    # The passage that is being made begins at `first` and ends so far at `start`, where a sentence begins.
    first = start = 0
    full = True
    while start < len(text):
        if not full:
            # What a long sentence leaves is followed by as many sentences as fit.
            start = _last_end(text, start, _fitting(text, first, limit))
            full = True
        elif (end := _last_end(text, start, _fitting(text, start, limit))) > start:
            if start > first:
                out.append(text[first:start])
            first, start = start, end
        else:
            first, start = _split_long(text, first, start, limit, out)
            full = False
    if start > first:
        out.append(text[first:])
    return out


def _ends(text: str, start: int = 0) -> Iterator[int]:
    """Where the sentences of `text` from `start` on end, the end of the text among them."""
    end = start
    for match in _END.finditer(text, start):
        end = match.end()
        yield end
    if end < len(text):
        yield len(text)


def _fitting(text: str, start: int, limit: int) -> int:
    """The end of the longest part of `text` from `start` that has at most `limit` bytes."""
    # Most text that is not ASCII fills the limit with fewer characters.
    for characters in (2 * limit // 5, limit):
        part = text[start : start + characters]
        encoded = part.encode()
        if len(encoded) >= limit:
            return start + len(encoded[:limit].decode(errors="ignore"))
    return start + len(part)


def _last_end(text: str, start: int, window: int) -> int:
    """The last end of a sentence after `start` and up to `window`, or `start` if there is none."""
    if window == len(text):
        return window
    looked_at = _NEAR
    while True:
        # From anywhere on, the same ends are found, but for one that `begin` would be in the middle of.
        begin = max(start, window - looked_at)
        found = start
        # A full stop needs to see what follows; what goes on behind the limit ends behind it.
        for match in _END.finditer(text, begin, window + 1):
            if match.end() <= window:
                found = match.end()
        if found > start or begin == start:
            return found
        looked_at *= 4


def _split_long(text: str, first: int, start: int, limit: int, out: list[str]) -> tuple[int, int]:
    """Add to `out` what a sentence at `start` that is over the limit fills.

    Returns where the passage after that begins, and where it ends so far: at the end of the sentence.
    """
    size = len(text[first:start].encode())
    end = next(_ends(text, start))
    for piece, length in _split(text[start:end], limit):
        if size and size + length > limit:
            out.append(text[first:start])
            first, size = start, 0
        size += length
        start += len(piece)
    return first, end


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
