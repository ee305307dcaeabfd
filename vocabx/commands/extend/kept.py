"""What `learn` found, kept in a file, so that another extension by the same text need not learn again.

Kept are the sampled texts and the merges; the tokenizer is made of them again, and nothing is kept of which
that tokenizer differs from the one that was learned. Whoever names the file answers for what it depends on:
the base's tokenizer, the texts, and every option but those of initializers.
"""

import os
from pathlib import Path

import msgspec
import numpy as np

from vocabx.checkpoint.journal import sync
from vocabx.commands.extend.learn import Learned, learn
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan
from vocabx.corpus.sample import Corpus
from vocabx.progress import Progress
from vocabx.tokenizer.attainable import Attainable
from vocabx.tokenizer.extension import Extension
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.pretokenized import Boundaries
from vocabx.tokenizer.select import Selection

FORMAT = 1


class _Kept(msgspec.Struct, frozen=True):
    """The content of the file."""

    format: int
    adapted: bool
    first_id: int
    merges: tuple[Merge, ...]
    usage: tuple[int, ...]
    dropped: int
    further: tuple[Merge, ...]
    pieces: tuple[tuple[bytes, tuple[int, ...]], ...]
    unprotected: tuple[Merge, ...] | None
    attainable: tuple[Attainable, ...]
    target: Corpus
    base_language: Corpus
    each: tuple[Corpus, ...]
    boundaries: Boundaries
    protected: tuple[str, ...]


def keep_learned(path: Path, plan: VocabularyPlan, learned: Learned) -> None:
    """Write what was learned, unless it cannot be made again from that: tokens of a donor, or superwords."""
    extension = learned.extension
    adapted = plan.options.pretokenizer == "adapt"
    if extension.donor_merges is not None or plan.options.superwords:
        return
    start = _start(plan, adapted)
    again = start.extended(extension.selection.merges, extension.first_id)
    if not (_same(start, extension.start) and _same(again, extension.tokenizer)):
        return
    kept = _Kept(
        format=FORMAT,
        adapted=adapted,
        first_id=extension.first_id,
        merges=extension.selection.merges,
        usage=tuple(extension.selection.usage.tolist()),
        dropped=extension.selection.dropped,
        further=tuple(extension.further),
        pieces=tuple(extension.pieces.items()),
        unprotected=extension.unprotected,
        attainable=tuple(extension.attainable),
        target=learned.target,
        base_language=learned.base_language,
        each=learned.each,
        boundaries=learned.boundaries,
        protected=tuple(learned.protected),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(msgspec.json.encode(kept, order="deterministic"))
    sync(part)
    part.replace(path)


def read_learned(path: Path, plan: VocabularyPlan) -> Learned | None:
    """What was kept; None where there is nothing, or what does not fit."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    if kept.format != FORMAT or kept.first_id != plan.first_id:
        return None
    start = _start(plan, kept.adapted)
    tokenizer = start.extended(kept.merges, kept.first_id)
    extension = Extension(
        base=plan.tokenizer,
        tokenizer=tokenizer,
        start=start,
        first_id=kept.first_id,
        selection=Selection(kept.merges, np.array(kept.usage, dtype=np.int64), kept.dropped, tokenizer),
        further=kept.further,
        pieces=dict(kept.pieces),
        unprotected=kept.unprotected,
        attainable=kept.attainable,
    )
    return Learned(
        extension, kept.target, kept.base_language, kept.boundaries, list(kept.protected), kept.each
    )


def learned_or_kept(plan: VocabularyPlan, path: Path | None, progress: Progress) -> Learned:
    """What was kept in a file, or else what is learned now, and kept there.

    Args:
        plan: the plan.
        path: the file; None to learn and keep nothing.
        progress: receives the stages of learning, or a note that there are none.

    Raises:
        VocabxError: see `learn`.
    """
    found = None if path is None else read_learned(path, plan)
    if found is not None:
        progress.note("Text and new tokens are those of an earlier step, which read and learned the same.")
        return found
    learned = learn(plan, progress)
    if path is not None:
        keep_learned(path, plan, learned)
    return learned


def _start(plan: VocabularyPlan, adapted: bool) -> FastTokenizer:
    """What the merges are added to."""
    return plan.tokenizer.adapted(plan.alphabet) if adapted else plan.tokenizer


def _same(one: FastTokenizer, other: FastTokenizer) -> bool:
    return one.spec == other.spec and one.rules() == other.rules()
