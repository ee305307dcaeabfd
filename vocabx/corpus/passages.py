"""Cutting of a document into passages at sentence ends. Loses nothing: the passages joined are the text."""

import regex

# A sentence with what closes it. A full stop ends one only before white space: 3.14 does not.
_END = r"(?:[\n。！？!?।॥…۔؟]+|\.(?=\s))[」』”’）)\]\"']*[^\S\n]*"
_SENTENCE = regex.compile(rf"[^\n]*?{_END}|[^\n]+")
_BLANK = regex.compile(r"\s")


def passages(text: str, limit: int) -> list[str]:
    """Cut `text` at sentence ends into passages of at most `limit` UTF-8 bytes.

    A sentence longer than the limit is cut at white space, or where there is none between characters.
    """
    out: list[str] = []
    current: list[str] = []
    size = 0
    for sentence in _SENTENCE.findall(text):
        for piece in _cut(sentence, limit):
            length = len(piece.encode())
            if current and size + length > limit:
                out.append("".join(current))
                current, size = [], 0
            current.append(piece)
            size += length
    if current:
        out.append("".join(current))
    return out


def _cut(sentence: str, limit: int) -> list[str]:
    """Cut a long sentence after the last white space that fits, or between characters."""
    out: list[str] = []
    while len(sentence.encode()) > limit:
        head = sentence.encode()[:limit].decode(errors="ignore")
        blanks = [match.end() for match in _BLANK.finditer(head)]
        end = blanks[-1] if blanks else len(head)
        out.append(sentence[:end])
        sentence = sentence[end:]
    return [*out, sentence] if sentence else out
