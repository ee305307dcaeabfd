"""New pieces that no text is ever tokenized into, and pieces of the base that were moved or lost.

In SentencePiece BPE, a piece needs two halves that are pieces, down to its characters. Examines the files as
repaired by `scores`, so that pieces that are only hidden by ranks are not reported twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first
from vocabx.commands.doctor.new_tokens import merge_products
from vocabx.commands.doctor.ordinary import is_split, made_ordinary, without
from vocabx.commands.doctor.view import with_model
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer, byte_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.from_sentencepiece import spec_of, splits
from vocabx.tokenizer.sentencepiece_model import LAST, Kind, is_unused, lacks_bytes, parse_model

_STAY = "They stay and waste one row each"
_NEED = f"{_STAY}: to be reachable they need further tokens, and those need rows."
_CAUSES = {
    "dead-merges": ("Never produced, because no merge makes it", "They get merges.", True),
    "half-dead": (
        "Produced by SentencePiece but never by tokenizers, because a character in it is not a piece",
        f"SentencePiece no longer produces them, so that both tokenize alike. {_STAY}.",
        True,
    ),
    "dead-characters": ("Never produced, because a character in it is not a piece", _NEED, False),
    "dead-halves": ("Never produced, because no two pieces make it", _NEED, False),
    "dead-words": ("Never produced, because the pre-tokenizer splits it", f"{_STAY}.", False),
    "dead": ("Never produced, because its text is tokenized into other pieces", f"{_STAY}.", False),
}


def check_pieces(files: CheckpointFiles) -> list[Finding]:
    """Find new pieces that can never be produced, by cause, and moved or lost pieces of the base."""
    tokenizer = files.tokenizer
    if tokenizer is None:
        return []
    repaired, apart = _unmerged(files)[1], _apart(files)
    by_cause: dict[str, list[int]] = {name: [] for name in _CAUSES}
    alive = _alive(tokenizer)
    for index in _dead(files):
        if index in repaired:
            by_cause["dead-merges"].append(index)
        elif index in apart:
            by_cause["half-dead"].append(index)
        else:
            by_cause[_cause(tokenizer, index, alive)].append(index)
    findings = [_finding(tokenizer, name, ids) for name, ids in by_cause.items() if ids]
    return [*findings, *_base_findings(files, tokenizer), *_lost_bytes(tokenizer)]


def repair_pieces(files: CheckpointFiles) -> CheckpointFiles:
    """The files with merges for pieces that lack only these, or without pieces only SentencePiece makes."""
    tokenizer, repaired = _unmerged(files)
    if tokenizer is not None and repaired:
        return files.rewritten(tokenizer, files.model)
    apart = _apart(files)
    if tokenizer is None or not apart:
        return files
    proto = parse_model(files.model or b"")
    for index in apart:
        # The library splits unused pieces again at the end, so nothing may be merged after them.
        proto.pieces[index].type, proto.pieces[index].score = Kind.UNUSED, 2 * LAST
    model = proto.SerializeToString()
    made = with_model(tokenizer, model, spec_of(proto, add_bos=True, add_eos=False))
    return files if made is None else files.rewritten(made, model)


def _finding(tokenizer: FastTokenizer, name: str, ids: Sequence[int]) -> Finding:
    says, remedy, repairable = _CAUSES[name]
    sentence = f"{says}: {counted(len(ids), 'new piece')}."
    return Finding(name, "wrong", sentence, len(ids), first(map(tokenizer.describe, ids)), remedy, repairable)


def _apart(files: CheckpointFiles) -> frozenset[int]:
    """New pieces that only SentencePiece makes, because a character in them is not a piece."""
    if not files.led_by_model or not isinstance(files.tokenizer, SentencePieceTokenizer):
        return frozenset()
    pieces, known = files.proto.pieces, files.tokenizer.pieces().keys()
    ids = (index for index in files.new.ids if index < len(pieces) and pieces[index].type == Kind.NORMAL)
    return frozenset(index for index in ids if not known >= set(pieces[index].piece))


def _dead(files: CheckpointFiles) -> list[int]:
    tokenizer = files.tokenizer
    assert tokenizer is not None
    return [
        index
        for index in files.new.ids
        if index in tokenizer.token_bytes
        and byte_of(tokenizer.id_to_piece[index]) is None
        and (not tokenizer.reaches(index) or is_split(tokenizer, tokenizer.token_bytes[index]))
    ]


@lru_cache(maxsize=1)
def _unmerged(files: CheckpointFiles) -> tuple[FastTokenizer | None, frozenset[int]]:
    """The tokenizer with merges for the dead pieces that lack only these, and the ids of those pieces."""
    tokenizer = files.tokenizer
    if tokenizer is None or files.led_by_model or not tokenizer.needs_parts:
        return tokenizer, frozenset()
    products = merge_products(tokenizer)
    ids = [index for index in _dead(files) if tokenizer.id_to_piece[index] not in products]
    if not ids:
        return tokenizer, frozenset()
    wanted = {tokenizer.token_bytes[index]: index for index in ids}
    made, repaired = made_ordinary(without(tokenizer, ids), wanted)
    kept = {piece: index for piece, index in made.spec["model"]["vocab"].items() if not is_unused(piece)} | {
        tokenizer.id_to_piece[index]: index for index in (*ids, *tokenizer.unused_ids)
    }
    vocabulary = dict(sorted(kept.items(), key=lambda item: item[1]))
    return replace(made, spec={**made.spec, "model": {**made.spec["model"], "vocab": vocabulary}}), repaired


def _alive(tokenizer: FastTokenizer) -> Collection[str]:
    """The pieces of SentencePiece BPE that can be built from characters, ranks aside."""
    if not isinstance(tokenizer, SentencePieceTokenizer):
        return ()
    alive: set[str] = set()
    pieces = (tokenizer.id_to_piece[index] for index in tokenizer.token_bytes)
    for piece in sorted((piece for piece in pieces if byte_of(piece) is None), key=len):
        if len(piece) == 1 or splits(piece, alive):
            alive.add(piece)
    return alive


def _cause(tokenizer: FastTokenizer, index: int, alive: Collection[str]) -> str:
    piece, token = tokenizer.id_to_piece[index], tokenizer.token_bytes[index]
    if is_split(tokenizer, token):
        return "dead-words"
    if isinstance(tokenizer, SentencePieceTokenizer) and piece not in alive:
        return "dead-halves" if all(character in alive for character in piece) else "dead-characters"
    if isinstance(tokenizer, ByteLevelTokenizer):
        known = tokenizer.known_bytes
        if not any(token[:n] in known and token[n:] in known for n in range(1, len(token))):
            return "dead-halves"
    return "dead"


def _base_findings(files: CheckpointFiles, tokenizer: FastTokenizer) -> Iterable[Finding]:
    base = files.base
    if base is None:
        return
    moved = [p for p, index in base.vocabulary.items() if tokenizer.vocabulary.get(p, index) != index]
    if moved:
        sentence = (
            f"With another id than in the base, so with another token's row: {counted(len(moved), 'token')}."
        )
        remedy = "Extend the base again: new tokens go after its own."
        yield Finding("base-ids", "fatal", sentence, len(moved), first(moved), remedy)
    lost = [i for i in base.token_bytes if base.reaches(i) and not _still_reached(base, tokenizer, i)]
    if lost:
        sentence = f"No longer produced: {counted(len(lost), 'piece')} of the base."
        remedy = "Extend the base again: its merges or scores must come first and stay unchanged."
        yield Finding("base-lost", "wrong", sentence, len(lost), first(map(base.describe, lost)), remedy)


def _lost_bytes(tokenizer: FastTokenizer) -> Iterable[Finding]:
    if lacks_bytes(tokenizer.spec):
        sentence = "Byte fallback is stated, but there are no tokens for bytes: unknown characters are lost."
        remedy = (
            "train_new_from_iterator loses them: train with the pieces <0x00> to <0xFF> among the special "
            "tokens, and make these ordinary pieces afterwards."
        )
        yield Finding("lost-bytes", "wrong", sentence, 256, remedy=remedy)


def _still_reached(base: FastTokenizer, tokenizer: FastTokenizer, index: int) -> bool:
    now = tokenizer.vocabulary.get(base.id_to_piece[index])
    return now is not None and tokenizer.reaches(now)
