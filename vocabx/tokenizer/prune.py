"""Removes tokens of a base that nobody needs, so that as many new ones fit into the same vocabulary.

Only leaves are removed: tokens that no merge uses (leaf-based pruning, arXiv 2512.03989). A leaf that the
merges of a text make stays to the end, so that a text whose tokens hold no removed one is tokenized as
before. Leaves are taken in the order of how often a text holds them, the rarest first, and of these the
latest; the count of a leaf goes to its two parts, which may become leaves themselves. Atoms, added tokens and
tokens of scripts that are kept stay. What stays moves down, so that ids have no gaps; new tokens follow it.

Byte-level BPE and SentencePiece BPE.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import regex

from vocabx.errors import TokenizerError
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.fast import FastTokenizer, Ids
from vocabx.tokenizer.renumber import with_ids
from vocabx.tokenizer.sentencepiece_model import parse_model

_LETTER = regex.compile(r"\p{L}")


@dataclass(frozen=True)
class Pruned:
    """A base without some of its tokens.

    Attributes:
        base: as it was.
        tokenizer: without them; every other token has its id less the number of those removed before it.
        removed: their ids in `base`, ascending.
    """

    base: FastTokenizer
    tokenizer: FastTokenizer
    removed: tuple[int, ...]


def check_prunable(tokenizer: FastTokenizer) -> None:
    """Refuse a tokenizer of another family.

    Raises:
        TokenizerError: it is of one.
    """
    if not isinstance(tokenizer, ByteLevelTokenizer | SentencePieceTokenizer):
        raise TokenizerError(
            f"--prune is for byte-level BPE and SentencePiece BPE, and this is {tokenizer.family}: leave it "
            "out"
        )


def rarest_leaves(
    tokenizer: FastTokenizer, usage: Ids, scripts: Collection[str], count: int
) -> tuple[int, ...]:
    """The ids of leaves to remove, ascending.

    Args:
        tokenizer: the base.
        usage: how often a text holds each id.
        scripts: Unicode script names; a token with a letter of one of them, or without letters, is kept.
        count: how many to remove.

    Raises:
        TokenizerError: there are fewer, or the tokenizer is of another family.
    """
    check_prunable(tokenizer)
    merges = _merges(tokenizer)
    parts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    needed: dict[int, set[int]] = defaultdict(set)
    for left, right, made in merges:
        parts[made].append((left, right))
        needed[left].add(made)
        needed[right].add(made)
    foreign = _foreign(tokenizer, scripts)
    counts = {index: int(usage[index]) for index in foreign}
    heap = [(counts[index], -index) for index in foreign if parts[index] and not needed[index]]
    heapq.heapify(heap)
    removed: list[int] = []
    while heap and len(removed) < count:
        found, negative = heapq.heappop(heap)
        index = -negative
        removed.append(index)
        for number, pair in enumerate(parts[index]):
            for part in set(pair):
                needed[part].discard(index)
                if part in counts:
                    # Its text is made of the parts of the merge that comes first.
                    counts[part] += found if number == 0 else 0
                    if parts[part] and not needed[part]:
                        heapq.heappush(heap, (counts[part], -part))
    if len(removed) < count:
        raise TokenizerError(
            f"only {len(removed):,} tokens of the base can be removed, which are of scripts that neither the "
            f"language nor the base's text has: pass --prune of at most {len(removed):,}"
        )
    return tuple(sorted(removed))


def without(tokenizer: FastTokenizer, removed: Sequence[int]) -> Pruned:
    """`tokenizer` without the tokens of the ids `removed`, which must be leaves.

    Raises:
        TokenizerError: a merge of a token that stays needs one of them.
    """
    gone = {tokenizer.id_to_piece[index] for index in removed}
    rules = []
    for rule, (left, right, made) in zip(tokenizer.rules(), _pieces_of_rules(tokenizer), strict=True):
        if made in gone:
            continue
        if left in gone or right in gone:
            raise TokenizerError(f"the token {made!r} is built of one that is to be removed: keep both")
        rules.append(rule)
    kept = [index for index in sorted(tokenizer.id_to_piece) if tokenizer.id_to_piece[index] not in gone]
    below, ids = 0, {}
    ordered = sorted(removed)
    for index in kept:
        while below < len(ordered) and ordered[below] < index:
            below += 1
        ids[index] = index - below
    spec = with_ids(tokenizer, ids)
    spec["model"]["merges"] = rules
    if isinstance(tokenizer, SentencePieceTokenizer):
        model = None if tokenizer.model is None else _without_pieces(tokenizer.model, ordered, ids)
        # Without a model the scores follow the merges' ranks, which are to stay as they are.
        ranked = None if model else {p: s for p, s in tokenizer.scores.items() if p not in gone}
        return Pruned(tokenizer, SentencePieceTokenizer(spec, model, (), ranked), tuple(ordered))
    return Pruned(tokenizer, type(tokenizer)(spec), tuple(ordered))


def _without_pieces(data: bytes, removed: Sequence[int], ids: Mapping[int, int]) -> bytes:
    """A .model without the pieces at some ids."""
    model = parse_model(data)
    kept = [piece for index, piece in enumerate(model.pieces) if index not in set(removed)]
    copies = [type(piece).FromString(piece.SerializeToString()) for piece in kept]
    del model.pieces[:]
    model.pieces.extend(copies)
    trainer = model.trainer_spec
    trainer.vocab_size = len(copies)
    for role in ("unk", "bos", "eos", "pad"):
        index = getattr(trainer, f"{role}_id")
        setattr(trainer, f"{role}_id", ids.get(index, index))
    made: bytes = model.SerializeToString()
    return made


def _pieces_of_rules(tokenizer: FastTokenizer) -> Iterable[tuple[str, str, str]]:
    for rule in tokenizer.rules():
        left, right = rule.split(" ") if isinstance(rule, str) else rule
        yield left, right, left + right


def _merges(tokenizer: FastTokenizer) -> list[tuple[int, int, int]]:
    ids = tokenizer.vocabulary
    return [
        (ids[left], ids[right], ids[made])
        for left, right, made in _pieces_of_rules(tokenizer)
        if left in ids and right in ids and made in ids
    ]


def _foreign(tokenizer: FastTokenizer, scripts: Collection[str]) -> list[int]:
    """The ids of tokens that hold letters, and none of the scripts; parts of characters hold none."""
    own = regex.compile("[" + "".join(rf"\p{{scx={name}}}" for name in scripts) + "]")
    found = []
    for index, data in tokenizer.token_bytes.items():
        text = data.decode("utf-8", "ignore")
        if len(text.strip()) > 0 and _LETTER.search(text) and not own.search(text):
            found.append(index)
    return found
