"""Cutting of a document into passages at sentence ends. Loses nothing: the passages joined are the text."""

import regex

_SENTENCE = regex.compile(r"[^\n。！？!?]*[\n。！？!?]+[」』”’）)]*|[^\n。！？!?]+")


def passages(text: str, limit: int) -> list[str]:
    """Cut `text` at sentence ends into passages of at most `limit` UTF-8 bytes.

    A sentence longer than the limit is cut between characters.
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
    if len(sentence.encode()) <= limit:
        return [sentence]
    step = limit // 4  # No character is longer than four bytes.
    return [sentence[i : i + step] for i in range(0, len(sentence), step)]
