"""Turning tokens with an id into ordinary tokens of the model with the same id, and back.

In families that build tokens from parts, a token needs two halves that are tokens. Tokens that would need an
intermediate token without an id are left alone, and so are those that the pre-tokenizer splits. No rule is
added for tokens that were ordinary before, so text without the new ones is tokenized as before.
"""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vocabx.tokenizer.alphabet import split_unfinished
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import Kind, is_unused, parse_model, unused_piece

# There are no counts for these tokens; earlier ones are assumed to be more frequent (Zipf's law).
_ZIPF = 10**6


def made_ordinary(start: FastTokenizer, wanted: Mapping[bytes, int]) -> tuple[FastTokenizer, frozenset[int]]:
    """Add the tokens `wanted` with their ids to `start`, as far as they can be built.

    Args:
        start: a tokenizer that never tokenizes text into them.
        wanted: tokens by the bytes they stand for, with their ids, most frequent first.

    Returns:
        The tokenizer, and the ids of those of `wanted` that it now has.
    """
    # Shorter tokens first, since longer ones may be built from them.
    pending = sorted((token for token in wanted if _can_be_made(start, token)), key=len)
    made: dict[bytes, list[Merge]] = {}
    current = start
    while pending:
        ways = _ways(current, pending, made)
        current, fresh = _reached(start, made, ways)
        if not fresh:
            break
        made |= fresh
        pending = [token for token in pending if token not in made]
    ids = {piece: wanted[token] for token in made if (piece := start.bytes_to_piece(token)) is not None}
    return _renumbered(start, current, ids), frozenset(ids.values())


def without(tokenizer: FastTokenizer, ids: Collection[int]) -> FastTokenizer:
    """`tokenizer` without the tokens `ids`, to see how text was tokenized before they were added."""
    gone = {tokenizer.id_to_piece[index] for index in ids if index in tokenizer.id_to_piece}
    spec = copy.copy(tokenizer.spec)
    spec["model"] = model = dict(spec["model"])
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] not in gone]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {piece: index for piece, index in model["vocab"].items() if piece not in gone}
    else:
        model["vocab"] = [[unused_piece(n) if piece in gone else piece, score]
                          for n, (piece, score) in enumerate(model["vocab"])]  # fmt: skip
    if model.get("merges"):
        model["merges"] = [merge for merge in model["merges"] if not gone.intersection(parts_of(merge))]
    bare = replace(tokenizer, spec=spec)
    held = getattr(tokenizer, "model", None)
    return bare if held is None else replace(bare, model=_emptied(held, gone))  # type: ignore[call-arg]


def _emptied(model: bytes, gone: Collection[str]) -> bytes:
    """The SentencePiece model with the pieces `gone` replaced by unused placeholders."""
    proto = parse_model(model)
    for piece in proto.pieces:
        if piece.piece in gone:
            piece.type, piece.score = Kind.UNUSED, 0.0
    data: bytes = proto.SerializeToString()
    return data


def with_pieces(model: bytes, added: Iterable[tuple[str, int, float]]) -> bytes:
    """The SentencePiece model with each of `added` as an ordinary piece with its id and score."""
    proto = parse_model(model)
    for piece, index, score in sorted(added, key=lambda new: new[1]):
        for hole in range(len(proto.pieces), index + 1):
            proto.pieces.add(piece=unused_piece(hole), type=Kind.UNUSED)
        entry = proto.pieces[index]
        entry.piece, entry.score, entry.type = piece, score, Kind.NORMAL
    proto.trainer_spec.vocab_size = len(proto.pieces)
    data: bytes = proto.SerializeToString()
    return data


def parts_of(merge: Any) -> tuple[str, str, str]:
    """The two parts of a merge, and its result."""
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return left, right, left + right


def is_split(tokenizer: FastTokenizer, token: bytes) -> bool:
    """Whether the pre-tokenizer splits the text of `token`, so that no text yields it."""
    splitter = tokenizer.rust.pre_tokenizer
    return splitter is not None and _is_text(token) and len(splitter.pre_tokenize_str(token.decode())) > 1


def _is_text(token: bytes) -> bool:
    try:
        return bool(token.decode().strip())
    except UnicodeDecodeError:
        return False


def _can_be_made(start: FastTokenizer, token: bytes) -> bool:
    if token in start.known_bytes or start.bytes_to_piece(token) is None:
        return False
    if not _is_text(token):
        # The beginning of a character, from which byte-level tokenizers build whole ones.
        whole, rest = split_unfinished(token)
        return bool(rest) and (not whole or _is_text(whole))
    return start.keeps(token.decode()) and not is_split(start, token)


def _reaches(tokenizer: FastTokenizer, token: bytes) -> bool:
    index = tokenizer.vocabulary.get(tokenizer.bytes_to_piece(token) or "")
    return index is not None and tokenizer.reaches(index)


def _ways(
    current: FastTokenizer, tokens: Sequence[bytes], made: Mapping[bytes, Sequence[Merge]]
) -> dict[bytes, list[Merge]]:
    """The merges that build each of `tokens` from its current pieces and shorter ones of `tokens`."""
    ways: dict[bytes, list[Merge]] = {}
    known = set(made)
    for token in tokens:
        count = max(1, _ZIPF // (len(known) + 1))
        pairs = _pairs(current, token, known)
        if pairs:
            ways[token] = [Merge(left, right, count) for left, right in pairs]
            known.add(token)
    return ways


def _pairs(current: FastTokenizer, token: bytes, made: Collection[bytes]) -> list[tuple[bytes, bytes]]:
    # In families without byte merges, a character becomes a token directly.
    is_character = (
        _is_text(token) and len(token.decode()) == 1 and current.assemble([token]) == [(b"", token)]
    )
    if is_character or not current.needs_parts:
        return [(b"", token)]
    pieces = (current.rust.id_to_token(index) or "" for index in current.tokenize(token))
    parts = [current.piece_to_bytes(piece) or b"" for piece in pieces]
    return _tree(parts, made) or [] if b"".join(parts) == token else []


def _reached(
    start: FastTokenizer, made: Mapping[bytes, list[Merge]], ways: Mapping[bytes, list[Merge]]
) -> tuple[FastTokenizer, dict[bytes, list[Merge]]]:
    """`start` with `made` and those of `ways` that become reachable, and the latter."""
    kept = dict(ways)
    while True:
        extended = start.extended([*_flat(made), *_flat(kept)], start.size)
        lost = {token for token in kept if not _reaches(extended, token)}
        if not lost:
            return extended, kept
        kept = {
            token: way for token, way in kept.items() if lost.isdisjoint(_tokens(way)) and token not in lost
        }


def _tokens(way: Sequence[Merge]) -> set[bytes]:
    return {token for merge in way for token in (merge.left, merge.right)}


def _tree(parts: Sequence[bytes], made: Collection[bytes]) -> list[tuple[bytes, bytes]] | None:
    """Binary merges that join `parts` through tokens of `made` only, None if there are none."""
    found: dict[tuple[int, int], list[tuple[bytes, bytes]]] = {(n, n + 1): [] for n in range(len(parts))}
    for width in range(2, len(parts) + 1):
        for start in range(len(parts) - width + 1):
            end = start + width
            joined = b"".join(parts[start:end])
            if width < len(parts) and joined not in made:
                continue
            for middle in range(start + 1, end):
                if (start, middle) in found and (middle, end) in found:
                    pair = (b"".join(parts[start:middle]), b"".join(parts[middle:end]))
                    found[start, end] = [*found[start, middle], *found[middle, end], pair]
                    break
    return found.get((0, len(parts)))


def _flat(ways: Mapping[bytes, Sequence[Merge]]) -> Iterable[Merge]:
    return (merge for way in ways.values() for merge in way)


def _renumbered(start: FastTokenizer, extended: FastTokenizer, ids: Mapping[str, int]) -> FastTokenizer:
    """`extended` with its new pieces at `ids`."""
    spec = copy.copy(extended.spec)
    spec["model"] = model = dict(spec["model"])
    if isinstance(model["vocab"], dict):
        taken = set(ids.values())
        vocabulary = {
            piece: ids.get(piece, index)
            for piece, index in model["vocab"].items()
            if not (is_unused(piece) and index in taken)
        }
        model["vocab"] = dict(sorted(vocabulary.items(), key=lambda item: item[1]))
    else:
        model["vocab"] = _listed(start, dict(model["vocab"]), ids)
    if not hasattr(extended, "added"):
        return replace(extended, spec=spec)
    added = sorted(((piece, ids[piece], score) for piece, _, score in extended.added), key=lambda new: new[1])
    return replace(extended, spec=spec, added=tuple(added))  # type: ignore[call-arg]


def _listed(start: FastTokenizer, scores: Mapping[str, float], ids: Mapping[str, int]) -> list[list[Any]]:
    """The vocabulary of `start` as a list indexed by id, with the pieces `ids` at their ids."""
    vocabulary = [list(entry) for entry in start.spec["model"]["vocab"]]
    lowest = min(score for _, score in vocabulary)
    held = {index: piece for piece, index in start.vocabulary.items()} | {
        index: piece for piece, index in ids.items()
    }
    missing = range(len(vocabulary), max(held) + 1)
    vocabulary += [[held.get(n, unused_piece(n)), lowest] for n in missing]
    for piece, index in ids.items():
        vocabulary[index] = [piece, scores[piece]]
    return vocabulary
