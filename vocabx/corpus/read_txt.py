"""Reads .txt files, which have no records: a document is a run of non-blank lines, split at 8 KB."""

from collections.abc import Iterable, Iterator

from vocabx.corpus.passages import passages

BLOCK = 8192


def text_blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield the documents of a text.

    Args:
        lines: the text in parts that end with a newline, or are parts of a longer line.
    """
    block: list[str] = []
    size = 0
    for line in _short(lines):
        blank = not line.strip()
        if not blank:
            block.append(line)
            size += len(line)
        if block and (blank or size >= BLOCK):
            yield "".join(block)
            block, size = [], 0
    if block:
        yield "".join(block)


def _short(lines: Iterable[str]) -> Iterator[str]:
    """The lines, those of more than 8 KB split where `passages` splits."""
    rest = ""
    for line in lines:
        line = rest + line
        rest = ""
        if len(line) > BLOCK or not line.endswith("\n"):
            *parts, line = passages(line, BLOCK)
            yield from parts
            # What follows may belong to its last sentence.
            if not line.endswith("\n"):
                rest = line
                continue
        yield line
    if rest:
        yield rest
