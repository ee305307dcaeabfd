"""A seeded sample of a text from which nothing is learned: all of it is held out for measurements."""

import hashlib
from collections.abc import Sequence

from vocabx.corpus.clean import clean
from vocabx.corpus.passages import passages
from vocabx.corpus.scripts import letter_pattern
from vocabx.corpus.source import TextSource, note_left_out
from vocabx.errors import CorpusError
from vocabx.progress import Progress

_SECTION_BYTES = 3000


def draw_heldout(
    source: TextSource, scripts: Sequence[str], size: int, seed: int, title: str, progress: Progress
) -> tuple[str, ...]:
    """Draw distinct sections of up to 3,000 bytes, about `size` bytes in total (all of a shorter text).

    Each section gets a priority from a keyed hash of its content, and those with the lowest values are kept:
    one pass is enough, and the order of documents does not matter.

    Args:
        source: the text.
        scripts: Unicode script names; a section must contain a letter of one of them.
        size: UTF-8 bytes wanted.
        seed: changes which sections are drawn.
        title: of the stage.
        progress: reports the bytes read.

    Raises:
        CorpusError: the text contains no letter of the scripts.
    """
    in_script = letter_pattern(scripts)
    key = seed.to_bytes(8, "big", signed=True) + b"heldout"
    kept: dict[bytes, str] = {}
    held, position = 0, ("", 0)
    with progress.stage(title, source.bytes or None, "B") as advance:
        for document in source.open():
            before = position[1] if position[0] == document.source else 0
            position = (document.source, document.bytes_read)
            advance(document.bytes_read - before)
            for section in passages(clean(document.text), _SECTION_BYTES):
                priority = hashlib.blake2b(section.encode(), digest_size=8, key=key).digest()
                if in_script.search(section) and priority not in kept:
                    kept[priority] = section
                    held += len(section.encode())
            if held > 2 * size:
                kept, held = _lowest(kept, size)
    note_left_out(source, progress)
    if not kept:
        raise CorpusError(
            f"{source.description} holds no letter of {' or '.join(scripts)} script: check --lang and the "
            "text"
        )
    return tuple(_lowest(kept, size)[0].values())


def _lowest(kept: dict[bytes, str], size: int) -> tuple[dict[bytes, str], int]:
    """The sections of lowest priority value, in order, until they reach `size`; and their total bytes."""
    lowest: dict[bytes, str] = {}
    held = 0
    for priority in sorted(kept):
        if held >= size:
            break
        lowest[priority] = kept[priority]
        held += len(kept[priority].encode())
    return lowest, held
