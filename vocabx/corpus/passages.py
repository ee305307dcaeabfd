"""Splits a document into passages at sentence ends. Lossless: the passages concatenated are the text."""

import regex

# A sentence with its closing punctuation. A full stop ends one only before white space: not in 3.14.
_END = r"(?:[\n。！？!?।॥…۔؟]+|\.(?=\s))[」』”’）)\]\"']*[^\S\n]*"
_SENTENCE = regex.compile(rf"[^\n]*?{_END}|[^\n]+")
_BLANK = regex.compile(r"\s")


def passages(text: str, limit: int) -> list[str]:
    """Split `text` at sentence ends into passages of at most `limit` UTF-8 bytes.

    A sentence longer than the limit is split at white space, or between characters if there is none.
    """
    if len(text.encode()) <= limit:
        return [text] if text else []
    out: list[str] = []
    current: list[str] = []
    size = 0
    for sentence in _SENTENCE.findall(text):
        for piece in _split(sentence, limit):
            length = len(piece.encode())
            if current and size + length > limit:
                out.append("".join(current))
                current, size = [], 0
            current.append(piece)
            size += length
    if current:
        out.append("".join(current))
    return out


def _split(sentence: str, limit: int) -> list[str]:
    """Split a long sentence after the last white space within the limit, or between characters."""
    out: list[str] = []
    while len(sentence.encode()) > limit:
        head = sentence.encode()[:limit].decode(errors="ignore")
        blanks = [match.end() for match in _BLANK.finditer(head)]
        end = blanks[-1] if blanks else len(head)
        out.append(sentence[:end])
        sentence = sentence[end:]
    return [*out, sentence] if sentence else out
