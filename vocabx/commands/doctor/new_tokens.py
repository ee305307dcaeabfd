"""Which pieces are new: those that the base lacks or, without a base, those that were evidently added.

Only additions that leave a trace can be inferred. New pieces that score below all others, as in vocabx and in
careful recipes, look like the base's own: they are not found, and nothing is wrong with them.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from vocabx.commands.doctor.ordinary import is_split
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.sentencepiece_model import LAST, SPACE, Family, Kind, is_unused, parse_model


@dataclass(frozen=True)
class NewTokens:
    """The new pieces.

    Attributes:
        ids: ids of the new pieces, ascending.
        inferred: how they were distinguished from the base's, "" if there was a base to compare with.
    """

    ids: tuple[int, ...]
    inferred: str = ""

    @cached_property
    def known(self) -> frozenset[int]:
        """The ids as a set."""
        return frozenset(self.ids)


def find_new(tokenizer: FastTokenizer | None, model: bytes | None, base: FastTokenizer | None) -> NewTokens:
    """The pieces of `tokenizer` that `base` lacks, or that seem to have been added.

    Args:
        tokenizer: the tokenizer that takes precedence, None if there is none.
        model: the SentencePiece model, if that takes precedence.
        base: the tokenizer of the base, None if unknown.
    """
    if tokenizer is None:
        return NewTokens(())
    if base is not None:
        return NewTokens(
            _ids(
                tokenizer, (p for p in tokenizer.vocabulary if p not in base.vocabulary and not is_unused(p))
            )
        )
    proto = None if model is None else parse_model(model)
    if proto is not None:
        found, how = _by_score(proto), "pieces from the first whose score jumps above the scores before it"
    else:
        found, how = _by_merges(tokenizer), "pieces after all others that are merged before them"
        if not found:
            found, how = _without_merges(tokenizer), "pieces after all others that no merge makes"
    plain = [token["content"] for token in plain_added(tokenizer) if not is_ordinary(tokenizer, token, proto)]
    ways = [how] * bool(found) + ["added tokens that are not special"] * bool(plain)
    return NewTokens(_ids(tokenizer, [*found, *plain]), "; ".join(ways) or "none found without a base")


def plain_added(tokenizer: FastTokenizer) -> list[dict[str, Any]]:
    """Added tokens that are words: not special, and neither markup such as <tool_call> nor white space."""
    return [
        token
        for token in tokenizer.spec["added_tokens"]
        if not token.get("special") and is_word(token["content"])
    ]


def is_ordinary(tokenizer: FastTokenizer, token: dict[str, Any], proto: Any) -> bool:
    """Whether an added token is also a piece of the model with the same id, so it need not be an added token.

    Args:
        tokenizer: the tokenizer that takes precedence.
        token: the entry of tokenizer.json.
        proto: the SentencePiece model if that takes precedence, else None.
    """
    piece, index = token["content"], token["id"]
    if proto is not None:
        return index < len(proto.pieces) and bool(proto.pieces[index].type == Kind.NORMAL)
    known = tokenizer.pieces().get(piece) == index and tokenizer.piece_to_bytes(piece) is not None
    return known and tokenizer.reaches(index)


def is_word(content: str) -> bool:
    """Whether `content` is ordinary text, not markup such as <think> or [INST]."""
    text = content.replace(SPACE, " ").strip()
    marked = bool(text) and not _is_letter(text[0]) and not _is_letter(text[-1])
    return any(map(_is_letter, text)) and not marked


def _is_letter(character: str) -> bool:
    # A word may also end in a vowel sign, which is a combining mark.
    return unicodedata.category(character)[0] in "LMN"


def is_real(piece: str, score: float, bpe: bool) -> bool:
    """Whether the score of a piece has an effect.

    In BPE no merge makes a single character, and white space ranks last, whatever was learned.
    """
    return not bpe or (score > LAST / 10 and bool(piece.strip(SPACE)) and len(piece) > 1)


def merge_products(tokenizer: FastTokenizer) -> dict[str, int]:
    """Each piece that a merge makes, with the rank of its first merge; white space is left out."""
    products: dict[str, int] = {}
    for rank, merge in enumerate(tokenizer.spec["model"].get("merges") or ()):
        piece = merge.replace(" ", "", 1) if isinstance(merge, str) else merge[0] + merge[1]
        if piece.strip(SPACE):
            products.setdefault(piece, rank)
    return products


def _ids(tokenizer: FastTokenizer, pieces: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({tokenizer.vocabulary[piece] for piece in pieces if piece in tokenizer.vocabulary}))


def _by_score(proto: Any) -> list[str]:
    """The pieces from the first whose score jumps above half of those before, or the last with score 0."""
    normal = [(p.piece, p.score) for p in proto.pieces if p.type == Kind.NORMAL]
    if proto.trainer_spec.model_type == Family.BPE:
        real = [n for n, (piece, score) in enumerate(normal) if is_real(piece, score, bpe=True)]
        # Pieces below all of the base's may be in any order, so only a jump above half of the others counts.
        jumps = (real[n] for n in range(1, len(real)) if normal[real[n]][1] > normal[real[n // 2]][1])
        start = next(jumps, len(normal))
        # Single characters directly before it were added along with it.
        while (
            start < len(normal)
            and len(normal[start - 1][0]) == 1
            and normal[start - 1][1] >= normal[start][1]
        ):
            start -= 1
    else:
        start = len(normal)
        while start and normal[start - 1][1] == 0:
            start -= 1
    return [piece for piece, _ in normal[start:]] if start else []


def _without_merges(tokenizer: FastTokenizer) -> list[str]:
    """The last pieces that no merge makes, as after a union of two tokenizers that loses one's merges.

    Single characters, which in a byte-level tokenizer are bytes, need no merge.
    """
    if not tokenizer.needs_parts:
        return []
    products = merge_products(tokenizer)
    last = max((tokenizer.vocabulary.get(piece, -1) for piece in products), default=-1)
    # RoBERTa ends in words that were made up to fill its vocabulary; its pre-tokenizer splits them.
    return [
        piece
        for index, token in tokenizer.token_bytes.items()
        if index > last and len(piece := tokenizer.id_to_piece[index]) > 1 and not is_split(tokenizer, token)
    ]


def _by_merges(tokenizer: FastTokenizer) -> list[str]:
    """The last pieces that are merged before all others, from the first such piece on."""
    products: Mapping[str, int] = merge_products(tokenizer)
    pieces = sorted(products, key=lambda piece: tokenizer.vocabulary.get(piece, -1))
    ranks = [products[piece] for piece in pieces]
    least = list(accumulate(ranks, min))
    greatest = list(accumulate(reversed(ranks), max))[::-1]
    boundary = next((n for n in range(1, len(pieces)) if greatest[n] < least[n - 1]), None)
    if boundary is None:
        return []
    vocabulary = tokenizer.pieces()
    return [piece for piece, index in vocabulary.items() if index >= vocabulary[pieces[boundary]]]
