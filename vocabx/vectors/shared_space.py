"""Two sets of word vectors brought into one space: what initializers compare tokens in."""

from dataclasses import dataclass

from vocabx.progress import Progress
from vocabx.vectors.align import Alignment, align
from vocabx.vectors.dictionary import Dictionary, identical_pairs
from vocabx.vectors.space import WordVectors


@dataclass(frozen=True)
class SharedSpace:
    """Word vectors of two languages that can be compared.

    Attributes:
        source: rotated into the space of the target, as are its vectors of any text.
        target: of the same width.
        alignment: how they were brought together; None where they came from one space.
        notes: what the user should know of it, one line each.
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
    """Bring source and target vectors into one space; the wider are reduced to the width of the others.

    Args:
        source, target: word vectors.
        dictionary: from words of the source to words of the target; None where the space is one already.
        seed: chooses the words that the alignment is measured on.
        progress: shows the stages, and the notes.

    Raises:
        VectorsError: the dictionary shares no word with the vectors, or vectors of one space have two widths.
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
        f"{alignment.precision_at_1:.1%} met a translation, which chance explains; use more text or a larger "
        "dictionary"
    )
