"""SentencePiece BPE with byte fallback (Llama 2, Mistral, Gemma): pieces of characters, merged by score.

SentencePiece has pieces and scores: of all adjacent pairs whose concatenation is a piece, the one with
the highest score is merged. tokenizer.json states the same as merges: every split of every piece in two, by
descending score. New pieces score below the lowest real score of the base, each lower than the one before,
so they never outrank a base merge and never tie. A character that is not a piece falls back to bytes, so it
must be added as a piece before any longer piece may contain it.
"""

import copy
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer, without_holes
from vocabx.tokenizer.from_sentencepiece import splits
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import (
    SPACE,
    is_unused,
    model_of,
    parse_model,
    piece_scores,
    ranked_scores,
    special_names,
    unexpressed,
    with_pieces,
)

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
# Pieces of only white space have the score -1e9, which says nothing about the lowest real score.
_NOT_REAL = -1e8


@dataclass(frozen=True)
class SentencePieceTokenizer(FastTokenizer):
    """A SentencePiece BPE tokenizer.

    Attributes:
        model: the bytes of the .model file, or None when the base has none.
        added: new pieces that `model` does not contain yet, each with its id and score.
        ranked: the scores of the other pieces where the base has no model. They are fixed because the merges
            of `added` pieces would shift the ranks, and with them the scores of characters.
    """

    model: bytes | None = field(default=None, repr=False)
    added: tuple[tuple[str, int, float], ...] = field(default=(), repr=False)
    ranked: Mapping[str, float] | None = field(default=None, repr=False)

    family: ClassVar[str] = "SentencePiece BPE"
    needs_parts: ClassVar[bool] = True
    appends_rules: ClassVar[bool] = False
    mixes: ClassVar[bool] = False

    def pieces(self) -> Mapping[str, int]:  # noqa: D102
        vocabulary: dict[str, int] = self.spec["model"]["vocab"]
        return vocabulary

    def piece_to_bytes(self, piece: str) -> bytes | None:  # noqa: D102
        if is_unused(piece):
            return None
        byte = byte_of(piece)
        return piece.replace(SPACE, " ").encode() if byte is None else bytes([byte])

    def bytes_to_piece(self, token: bytes) -> str | None:  # noqa: D102
        try:
            return token.decode().replace(" ", SPACE)
        except UnicodeDecodeError:
            return None

    def assemble(self, parts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """One step to the whole character: bytes are never merged."""
        return [(b"", b"".join(parts))]

    def rules(self) -> list[Any]:  # noqa: D102
        merges: list[Any] = self.spec["model"]["merges"]
        return merges

    @cached_property
    def scores(self) -> dict[str, float]:
        """Score of each piece that may be merged.

        Added tokens are found in the text before any merge. Those that no merge of the base mentions, such as
        words that somebody added to it, are no pieces.
        """
        base = self.ranked
        if base is None:
            base = piece_scores(parse_model(self.model)) if self.model else ranked_scores(self.spec)
        apart = {token["content"] for token in self.spec["added_tokens"]}
        if not apart.isdisjoint(base):
            pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in self.rules())
            apart -= {piece for left, right in pairs for piece in (left, right, left + right)}
            base = {piece: score for piece, score in base.items() if piece not in apart}
        return {**base, **{piece: score for piece, _, score in self.added}}

    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:  # noqa: D102
        floor = math.floor(min((score for score in self.scores.values() if score > _NOT_REAL), default=0))
        pieces = (self.bytes_to_piece(merge.token) for merge in merges)
        fresh = dict.fromkeys(piece for piece in pieces if piece and piece not in self.vocabulary)
        added = [(piece, first_id + n, float(floor - 1 - n)) for n, piece in enumerate(fresh)]
        vocabulary = {**self.vocabulary, **{piece: index for piece, index, _ in added}}
        spec = copy.copy(self.spec)
        spec["model"] = model = dict(self.spec["model"])
        model["vocab"] = without_holes(vocabulary)
        model["merges"] = self._merges({piece: score for piece, _, score in added}, vocabulary)
        ranked = None if self.model else self.scores
        return type(self)(spec, self.model, (*self.added, *added), ranked)

    def _merges(self, new: Mapping[str, float], ids: Mapping[str, int]) -> list[Any]:
        """The base's merges in order, and every merge that the new pieces make possible."""
        scores = {**self.scores, **new}
        pairs: dict[str, list[tuple[str, str]]] = {}
        # Most pieces share no character with a new one, so they have no new part. Many share the space.
        characters = {character for piece in new for character in piece.strip(SPACE) or SPACE}
        for piece in scores:
            if characters.isdisjoint(piece):
                continue
            found = [pair for pair in splits(piece, scores) if any(p in new for p in (piece, *pair))]
            if found:
                pairs[piece] = sorted(found, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        return _interleaved(self.spec["model"]["merges"], pairs, scores)

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
            model_of(self.spec, self.scores)
            if base is None
            else with_pieces(base, self.added, self.named, self.spec["added_tokens"])
        )
        data: bytes = proto.SerializeToString()
        return data


def _interleaved(
    base: Sequence[Any], pairs: Mapping[str, list[tuple[str, str]]], scores: Mapping[str, float]
) -> list[Any]:
    """`base` with the new `pairs` of each piece after every merge whose piece scores no lower."""
    as_text = bool(base) and isinstance(base[0], str)
    waiting = sorted(pairs, key=lambda piece: scores[piece])
    merges: list[Any] = []

    def write(piece: str) -> None:
        merges.extend(" ".join(pair) if as_text else list(pair) for pair in pairs[piece])

    for merge in base:
        score = scores.get(merge.replace(" ", "", 1) if as_text else merge[0] + merge[1], -math.inf)
        while waiting and scores[waiting[-1]] > score:
            write(waiting.pop())
        merges.append(merge)
    for piece in reversed(waiting):
        write(piece)
    return merges


def byte_of(piece: str) -> int | None:
    """The byte of a piece such as <0x0A>, or None for any other piece."""
    found = _BYTE_PIECE.fullmatch(piece)
    return int(found[1], 16) if found else None
