"""Brings two sets of word vectors into one space, in which initializers compare tokens."""

from dataclasses import dataclass

from vocabx.progress import Progress
from vocabx.vectors.align import Alignment, align
from vocabx.vectors.dictionary import Dictionary, identical_pairs
from vocabx.vectors.space import WordVectors


@dataclass(frozen=True)
class SharedSpace:
    """Word vectors of two languages in one space.

    Attributes:
        source: rotated into the target's space, including its vectors of arbitrary text.
        target: word vectors of the same width.
        alignment: how they were aligned; None if they were in one space already.
        notes: what the user should know, one line each.
    """

    source: WordVectors
    target: WordVectors
    alignment: Alignment | None
    notes: tuple[str, ...]


def shared_space(
    source: WordVectors,
    target: WordVectors,
    dictionary: Dictionary | None,
    *,
    seed: int,
    progress: Progress,
) -> SharedSpace:
    """Bring source and target vectors into one space, reducing the wider ones to the width of the others.

    Args:
        source, target: word vectors.
        dictionary: from source words to target words; None if they are in one space already.
        seed: selects the words that the alignment is measured on.
        progress: reports the stages and the notes.

    Raises:
        VectorsError: the dictionary shares no word with the vectors.
    """
    notes: list[str] = []
    width = min(source.width, target.width)
    if source.width != target.width:
        wider = "source" if source.width > width else "target"
        notes.append(f"The {wider} word vectors were reduced to {width} columns, the width of the others")
        with progress.stage("Reducing word vectors"):
            source, target = _to_width(source, width), _to_width(target, width)
    alignment = None
    if dictionary is not None:
        with progress.stage("Aligning word vectors"):
            if dictionary.identical:
                dictionary = identical_pairs(source, target)
            alignment = align(source, target, dictionary.pairs, seed=seed)
            source = source.projected(alignment.rotation, f"{source.origin}, rotated by {dictionary.origin}")
        if not alignment.better_than_chance:
            notes.append(_doubt(alignment))
    for note in notes:
        progress.note(note)
    return SharedSpace(source, target, alignment, tuple(notes))


def _to_width(vectors: WordVectors, width: int) -> WordVectors:
    return vectors if vectors.width == width else vectors.reduced(width)


def _doubt(alignment: Alignment) -> str:
    return (
        f"The two sets of word vectors could not be shown to align: of {alignment.heldout:,} held-out words "
        f"{alignment.precision_at_1:.1%} were nearest to a translation, no more than by chance; use more "
        "text or a larger dictionary"
    )
