"""New pieces that outrank the base's: appended with score 0, or merged before the base's merges.

The repair gives them strictly decreasing scores below the lowest of the base, in their existing order, and
regenerates the merges of tokenizer.json from the scores.
"""

import math
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import Any

from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first
from vocabx.commands.doctor.new_tokens import is_real, merge_products
from vocabx.commands.doctor.ordinary import parts_of, without
from vocabx.commands.doctor.probes import differing, probe_texts
from vocabx.commands.doctor.view import with_model
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import LAST, SPACE, Family, Kind, parse_model

_ZIPF = 10**6


def check_scores(files: CheckpointFiles) -> list[Finding]:
    """Find new pieces that outrank the base's or tie with each other, and report the consequences."""
    tokenizer, repaired_files = files.tokenizer, repair_scores(files).tokenizer
    if tokenizer is None or repaired_files is None or repaired_files is tokenizer:
        return []
    high, tied = _high(files)
    base = set(repaired_files.token_bytes) - files.new.known
    unmade = [index for index in files.new.ids if _only_reached_by(repaired_files, tokenizer, index)]
    lost = [index for index in sorted(base) if _only_reached_by(repaired_files, tokenizer, index)]
    differ = differing(files, tokenizer, probe_texts(files)) if files.led_by_model else []
    parts = [
        (high, f"Ranked above the base's: {counted(len(high), 'new piece')}"),
        (tied, f"tied with another: {len(tied):,}"),
        (unmade, f"never produced because of this: {counted(len(unmade), 'new piece')}"),
        (lost, f"no longer produced: {counted(len(lost), 'base piece')}"),
        (
            differ,
            f"tokenized differently by SentencePiece: {counted(len(differ), 'text')} made of them",
        ),
    ]
    sentence = "; ".join(words for found, words in parts if found)
    return [
        Finding(
            "scores",
            "wrong",
            f"{sentence[:1].upper()}{sentence[1:]}.",
            len({*high, *tied}),
            first(tokenizer.describe(index) for index in [*unmade, *lost, *high, *tied]),
            "They get strictly decreasing scores below the base's lowest, and tokenizer.json is regenerated "
            "from the scores." if files.led_by_model else "Their merges move after the base's.",
            repairable=True,
        )
    ]  # fmt: skip


@lru_cache(maxsize=1)
def repair_scores(files: CheckpointFiles) -> CheckpointFiles:
    """The files with new pieces ranked after the base's; the same object if they already are."""
    tokenizer = files.tokenizer
    if tokenizer is None or not any(_high(files)):
        return files
    if not files.led_by_model:
        return files.rewritten(_merged_last(tokenizer, files), files.model)
    scores = _lowered(files)
    proto = parse_model(files.model or b"")
    for index, score in scores.items():
        proto.pieces[index].score = score
    model = proto.SerializeToString()
    repaired = with_model(tokenizer, model, spec_of(proto, add_bos=True, add_eos=False))
    return files if repaired is None else files.rewritten(repaired, model)


def _only_reached_by(repaired_files: FastTokenizer, tokenizer: FastTokenizer, index: int) -> bool:
    if index not in repaired_files.token_bytes or index not in tokenizer.id_to_piece:
        return False
    return repaired_files.reaches(index) and not tokenizer.reaches(index)


def _is_unigram(proto: Any) -> bool:
    return bool(proto.trainer_spec.model_type == Family.UNIGRAM)


@lru_cache(maxsize=2)
def _high(files: CheckpointFiles) -> tuple[list[int], list[int]]:
    """The new pieces that outrank a piece of the base, and those that tie with another."""
    tokenizer, new = files.tokenizer, files.new.known
    if tokenizer is None or not new:
        return [], []
    if not files.led_by_model:
        return _merged_first(tokenizer, files), []
    scores = _scores(files.proto)
    base = [score for index, score in scores.items() if index not in new]
    if not base:
        return [], []
    unigram = _is_unigram(files.proto)
    # A log-probability of 0 would win over any other segmentation.
    bound = 0.0 if unigram else min(base)
    high = [index for index, score in scores.items() if index in new and score >= bound]
    uses = Counter(scores.values())
    tied = [index for index, score in scores.items() if index in new and uses[score] > 1]
    return high, [] if unigram else tied


def _scores(proto: Any) -> dict[int, float]:
    """The scores that decide between pieces, by id."""
    bpe = not _is_unigram(proto)
    return {
        index: piece.score
        for index, piece in enumerate(proto.pieces)
        if piece.type == Kind.NORMAL and is_real(piece.piece, piece.score, bpe)
    }


def _lowered(files: CheckpointFiles) -> dict[int, float]:
    """Lowered scores for the new pieces, by id."""
    normal = {n: piece.score for n, piece in enumerate(files.proto.pieces) if piece.type == Kind.NORMAL}
    order = sorted((n for n in normal if n in files.new.known), key=lambda n: (-normal[n], n))
    if not _is_unigram(files.proto):
        base = (score for n, score in normal.items() if n not in files.new.known and score > LAST / 10)
        floor = math.floor(min(base, default=0))
        return {n: float(floor - rank) for rank, n in enumerate(order, 1)}
    assert files.tokenizer is not None
    bare = without(files.tokenizer, order)
    tokens = (files.tokenizer.token_bytes[index] for index in order)
    extended: Any = bare.extended(
        [Merge(b"", token, max(1, _ZIPF // rank)) for rank, token in enumerate(tokens, 1)], bare.size
    )
    ids = files.tokenizer.vocabulary
    return {ids[piece]: score for piece, _, score in extended.added}


def _merged_first(tokenizer: FastTokenizer, files: CheckpointFiles) -> list[int]:
    """The new pieces that are merged before the last piece of the base."""
    ranks = {tokenizer.vocabulary.get(piece, -1): rank for piece, rank in merge_products(tokenizer).items()}
    last = max((rank for index, rank in ranks.items() if index not in files.new.known), default=-1)
    return [index for index, rank in ranks.items() if index in files.new.known and rank < last]


def _merged_last(tokenizer: FastTokenizer, files: CheckpointFiles) -> FastTokenizer:
    """The tokenizer with the merges of new pieces after the others."""
    new = {tokenizer.id_to_piece[index] for index in files.new.ids if index in tokenizer.id_to_piece}
    model, ids = tokenizer.spec["model"], tokenizer.vocabulary
    by_score = isinstance(tokenizer, SentencePieceTokenizer)

    def rank(merge: Any) -> tuple[int, int]:
        left, right, made = parts_of(merge)
        if by_score:
            # Unordered merges are ordered by id. White space comes last, whatever was learned.
            return (1, ids[made]) if made in new else (0 if made.strip(SPACE) else 2, 0)
        return int(not new.isdisjoint((left, right, made))), 0

    # Sorting is stable, so merges of equal rank keep their order.
    merges = sorted(model["merges"], key=rank)
    return replace(tokenizer, spec={**tokenizer.spec, "model": {**model, "merges": merges}})
