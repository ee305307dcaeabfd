"""Unigram (T5, XLM-R): pieces with log-probabilities; a word gets the segmentation with the highest sum.

A new piece gets the logarithm of its share of the corpus, raised where its own text would otherwise be split
into other pieces, lowered where it would break a longer piece of the base, and never below the base's lowest,
from which the penalty of unknown characters is derived. Base pieces keep their scores, so a word without a
new piece has the same possible segmentations as before.
Scores are rounded to float32, the precision of the .model file.
"""

import copy
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from vocabx.tokenizer.families.sentencepiece_bpe import byte_of
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer, Ids
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import (
    SPACE,
    is_unused,
    model_of,
    parse_model,
    special_names,
    unexpressed,
    unused_piece,
    with_pieces,
)

# The largest rounding error: SentencePiece sums in float32 over the whole text.
_ROUNDING = 1e-2
_MARGIN = 0.1
_ROUNDS = 20


@dataclass(frozen=True)
class UnigramTokenizer(FastTokenizer):
    """A Unigram tokenizer.

    Attributes:
        model: the bytes of the .model file, or None when the base has none.
        added: new pieces that `model` does not contain yet, each with its id and score.
    """

    model: bytes | None = field(default=None, repr=False)
    added: tuple[tuple[str, int, float], ...] = field(default=(), repr=False)

    family: ClassVar[str] = "Unigram"
    needs_parts: ClassVar[bool] = False
    appends_rules: ClassVar[bool] = True
    mixes: ClassVar[bool] = False

    def pieces(self) -> Mapping[str, int]:  # noqa: D102
        return {piece: index for index, (piece, _) in enumerate(self.spec["model"]["vocab"])}

    def piece_to_bytes(self, piece: str) -> bytes | None:  # noqa: D102
        if is_unused(piece):
            return None
        byte = byte_of(piece) if self.spec["model"].get("byte_fallback") else None
        return piece.replace(SPACE, " ").encode() if byte is None else bytes([byte])

    def bytes_to_piece(self, token: bytes) -> str | None:  # noqa: D102
        try:
            return token.decode().replace(" ", SPACE)
        except UnicodeDecodeError:
            return None

    def assemble(self, parts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:  # noqa: D102
        return [(b"", b"".join(parts))]

    def rules(self) -> list[Any]:  # noqa: D102
        vocabulary: list[Any] = self.spec["model"]["vocab"]
        return vocabulary

    @property
    def unknown_id(self) -> int | None:  # noqa: D102
        index: int | None = self.spec["model"].get("unk_id")
        return index

    def canonical(self, text: str) -> str:
        """`text` normalized, with runs of white space as one space and none at the ends."""
        return " ".join(self.normal(text).replace(SPACE, " ").split())

    def atoms(self, texts: Sequence[str]) -> tuple[Ids, Ids]:  # noqa: D102
        unknown, first = self.unknown_id, self.size
        ids: list[int] = []
        words: list[int] = []
        for number, encoding in enumerate(self.rust.encode_batch(texts, add_special_tokens=False)):
            for index, token, word in zip(encoding.ids, encoding.tokens, encoding.word_ids, strict=True):
                # The token of an unknown run is its text, with spaces as ▁.
                atoms = [first + ord(c) for c in token] if index == unknown else [index]
                ids += atoms
                words += [(number << 32) + (-1 if word is None else word)] * len(atoms)
        return np.array(ids, dtype=np.int64), np.array(words, dtype=np.int64)

    def atom_bytes(self, atom: int) -> bytes | None:  # noqa: D102
        return self.token_bytes.get(atom) if atom < self.size else self.piece_to_bytes(chr(atom - self.size))

    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:  # noqa: D102
        counts: dict[str, int] = {}
        for merge in merges:
            piece = self.bytes_to_piece(merge.token)
            if piece and piece not in self.vocabulary:
                counts[piece] = counts.get(piece, 0) + merge.count
        scores = self._scores(counts)
        added = [(piece, first_id + n, scores[piece]) for n, piece in enumerate(counts)]
        spec = copy.copy(self.spec)
        vocabulary = [*self._filled(first_id), *([piece, score] for piece, _, score in added)]
        spec["model"] = {**self.spec["model"], "vocab": vocabulary}
        return type(self)(spec, self.model, (*self.added, *added))

    def padded(self, rows: int) -> Self:  # noqa: D102
        spec = copy.copy(self.spec)
        spec["model"] = {**self.spec["model"], "vocab": self._filled(max(rows, self.size))}
        return replace(self, spec=spec)

    def _filled(self, size: int) -> list[Any]:
        """The pieces with their scores, up to the id `size`.

        Ids are positions in the list: ids without a token are filled with a piece that no text contains. An
        added token outside the list would get its id from the length of the list when it is read again.
        """
        vocabulary = list(self.spec["model"]["vocab"])
        lowest = min(self._real.values(), default=0.0)
        names = {token["id"]: token["content"] for token in self.spec["added_tokens"]}
        gaps = range(len(vocabulary), size)
        return [*vocabulary, *([names.get(n) or unused_piece(n), lowest] for n in gaps)]

    @cached_property
    def _real(self) -> dict[str, float]:
        """The scores of pieces of text: those of bytes and placeholders are meaningless."""
        fallback = self.spec["model"].get("byte_fallback")
        added = {token["content"] for token in self.spec["added_tokens"]}
        vocabulary: list[tuple[str, float]] = self.spec["model"]["vocab"]
        return {
            piece: score
            for piece, score in vocabulary
            if not is_unused(piece) and piece not in added and not (fallback and byte_of(piece) is not None)
        }

    def _scores(self, counts: Mapping[str, int]) -> dict[str, float]:
        lowest = min(self._real.values(), default=0.0)
        total = max(1, sum(counts.values()))
        known, scores = dict(self._real), {}
        for piece in sorted(counts, key=lambda piece: (len(piece), -counts[piece], piece)):
            share = math.log(max(1, counts[piece]) / total) + _jitter(piece)
            split = _best_split(piece, known)[0] + _MARGIN + _jitter(piece)
            known[piece] = scores[piece] = _rounded(max(share, lowest + _jitter(piece), split))
        return self._lowered(scores, lowest)

    def _lowered(self, scores: dict[str, float], lowest: float) -> dict[str, float]:
        """`scores`, lowered where new pieces would displace an old piece from its own text."""
        characters = {character for piece in scores for character in piece} - {SPACE}
        at_risk = [piece for piece in self._real if len(piece) > 1 and not characters.isdisjoint(piece)]
        known = {**self._real, **scores}

        def displaced(piece: str) -> bool:
            best, parts = _best_split(piece, known)
            new = [part for part in parts if part in scores and scores[part] > lowest]
            if best <= self._real[piece] - _MARGIN or not new:
                return False
            excess = (best - self._real[piece] + 2 * _MARGIN) / len(new)
            for part in dict.fromkeys(new):
                known[part] = scores[part] = _rounded(max(lowest, scores[part] - excess))
            return True

        for _ in range(_ROUNDS):
            # Scores only fall, so an old piece that is not displaced now never will be.
            at_risk = [piece for piece in at_risk if displaced(piece)]
        return scores

    def tied(self, one: Sequence[int], other: Sequence[int]) -> bool:
        """Whether two segmentations of a text score the same up to rounding."""
        vocabulary = self.spec["model"]["vocab"]
        sums = [sum(vocabulary[index][1] for index in ids) for ids in (one, other)]
        return bool(abs(sums[0] - sums[1]) < _ROUNDING)

    def special_names(self) -> dict[str, str]:  # noqa: D102
        return {} if self.model is None else special_names(parse_model(self.model))

    def companions(self) -> dict[str, bytes]:
        """The .model; nothing where none can express the tokenizer."""
        return {} if self._file is None else {MODEL_NAME: self._file}

    @cached_property
    def _file(self) -> bytes | None:
        if self.model is None and unexpressed(self.spec):
            return None
        base = parse_model(self.model) if self.model else None
        proto = (
            model_of(self.spec)
            if base is None
            else with_pieces(base, self.added, self.named, self.spec["added_tokens"])
        )
        data: bytes = proto.SerializeToString()
        return data


def _best_split(piece: str, scores: Mapping[str, float]) -> tuple[float, list[str]]:
    """The best segmentation of `piece` into two pieces or more: its sum of scores, and the pieces."""
    # For each prefix the sum of its best segmentation, and where the last piece of that begins.
    sums, begins = [0.0], [0]
    for end in range(1, len(piece) + 1):
        highest, begin = -math.inf, -1
        for start in range(end == len(piece), end):
            score = scores.get(piece[start:end])
            if score is not None and sums[start] + score > highest:
                highest, begin = sums[start] + score, start
        sums.append(highest)
        begins.append(begin)
    parts: list[str] = []
    end = len(piece)
    while end > 0:
        parts.insert(0, piece[begins[end] : end] if begins[end] >= 0 else "")
        end = begins[end]
    return sums[-1], parts


def _rounded(score: float) -> float:
    return float(np.float32(score))


def _jitter(piece: str) -> float:
    """A small positive value that differs between pieces: rounding would decide between equal sums."""
    return zlib.crc32(piece.encode()) / 2**32 / 20
