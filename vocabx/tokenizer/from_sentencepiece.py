"""A tokenizer.json from a SentencePiece model: the same ids for the same text.

SentencePiece joins the two neighbours whose joint piece scores best, whatever its halves. The tokenizers
library wants each such pair in a list, in order. Does not read files, and knows nothing of new tokens.
"""

from base64 import b64encode
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.sentencepiece_model import SPACE, SPACE_PATTERNS, Family, Kind

if TYPE_CHECKING:
    from sentencepiece.sentencepiece_model_pb2 import ModelProto


def splits(piece: str, known: Container[str]) -> list[tuple[str, str]]:
    """Every way to cut `piece` into two known halves, the shortest left half first."""
    return [
        (piece[:place], piece[place:])
        for place in range(1, len(piece))
        if piece[:place] in known and piece[place:] in known
    ]


def merges_by_score(scores: Mapping[str, float], ids: Mapping[str, int]) -> list[tuple[str, str]]:
    """The merges that cut as SentencePiece does by `scores`, best first.

    Of equal scores SentencePiece takes the leftmost pair, and a list cannot say so. Longest piece first
    does the same in runs of one character, where a piece grows from the left; those real models tie.

    Args:
        scores: of every piece that can be a part or a result of a merge, single characters included.
        ids: of the same pieces; order what else is equal.
    """
    best_first = sorted(scores, key=lambda piece: (-scores[piece], -len(piece), ids[piece]))
    return [
        pair
        for piece in best_first
        for pair in sorted(splits(piece, scores), key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    ]


def spec_of(model: "ModelProto", add_bos: bool, add_eos: bool) -> dict[str, Any]:
    """The parsed tokenizer.json that cuts text as SentencePiece cuts it with `model`.

    Literal special tokens in the text are the exception: they become that token, as in every tokenizer.json,
    and SentencePiece cuts them as text.

    Args:
        model: BPE or Unigram.
        add_bos: whether the template puts the beginning-of-sequence token, if there is one, before a text.
        add_eos: whether it puts the end-of-sequence token, if there is one, behind.

    Raises:
        TokenizerError: the model asks for what no tokenizer.json does.
    """
    if model.trainer_spec.treat_whitespace_as_suffix or not model.normalizer_spec.escape_whitespaces:
        raise TokenizerError(
            "the SentencePiece model does not mark the space before a word: no tokenizer.json cuts like it"
        )
    bpe = model.trainer_spec.model_type == Family.BPE
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added_tokens(model),
        "normalizer": _normalizer(model),
        "pre_tokenizer": None if bpe else _metaspace("never", split=not _spans_spaces(model)),
        "post_processor": _template(model, add_bos, add_eos),
        "decoder": _decoder(model),
        "model": _bpe(model) if bpe else _unigram(model),
    }


def _bpe(model: "ModelProto") -> dict[str, Any]:
    ids = {piece.piece: index for index, piece in enumerate(model.pieces)}
    scores = {piece.piece: piece.score for piece in model.pieces if piece.type == Kind.NORMAL}
    if model.normalizer_spec.add_dummy_prefix:
        # As added tokens these are not found: they are looked for before spaces are marked.
        user_defined = (piece.piece for piece in model.pieces if piece.type == Kind.USER_DEFINED)
        scores.update({text: float("inf") for text in user_defined if SPACE in text})
    lost = _lost_characters(scores, ids)
    scores.update(dict.fromkeys(lost.values(), float("-inf")))
    ids = {lost.get(text, text): index for text, index in ids.items()}
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": _unknown(model),
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.trainer_spec.byte_fallback,
        "ignore_merges": False,
        "vocab": ids,
        "merges": [list(pair) for pair in merges_by_score(scores, ids)],
    }


def _lost_characters(pieces: Iterable[str], ids: Mapping[str, int]) -> dict[str, str]:
    """Bytes that have to stand as their character, so that pieces can be made of it: Gemma's tab.

    SentencePiece joins characters that are no piece, the library does not. A byte of ASCII is all there is
    of its character, and part of no other.
    """
    used = {character for piece in pieces for character in piece if character.isascii()}
    named = {f"<0x{ord(character):02X}>": character for character in used - ids.keys()}
    return {byte: character for byte, character in named.items() if byte in ids}


def _unigram(model: "ModelProto") -> dict[str, Any]:
    worst = min(piece.score for piece in model.pieces if piece.type == Kind.NORMAL)

    def score(piece: Any) -> float:
        # SentencePiece never takes the text of these for them. The library would, unless its characters
        # come cheaper. An unknown character then costs more too: it has no other cut anyway.
        never = piece.type in (Kind.BYTE, Kind.UNUSED)
        return float((len(piece.piece) + 1) * worst if never else piece.score)

    return {
        "type": "Unigram",
        "unk_id": next(index for index, piece in enumerate(model.pieces) if piece.type == Kind.UNKNOWN),
        "vocab": [[piece.piece, score(piece)] for piece in model.pieces],
        "byte_fallback": model.trainer_spec.byte_fallback,
    }


def _unknown(model: "ModelProto") -> str:
    return str(next(piece.piece for piece in model.pieces if piece.type == Kind.UNKNOWN))


def _spans_spaces(model: "ModelProto") -> bool:
    """Whether a piece goes on after a space, as runs of spaces do: then text cannot be cut at spaces."""
    return any(SPACE in piece.piece[1:] for piece in model.pieces if piece.type == Kind.NORMAL)


def _added_tokens(model: "ModelProto") -> list[dict[str, Any]]:
    kinds = (Kind.CONTROL, Kind.UNKNOWN, Kind.USER_DEFINED)
    prefix = model.normalizer_spec.add_dummy_prefix
    return [
        {
            "id": index,
            "content": piece.piece,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            # Spaces are marked by the normalizer, which would also put the prefix before the token.
            "normalized": piece.type == Kind.USER_DEFINED and SPACE in piece.piece and not prefix,
            "special": piece.type != Kind.USER_DEFINED,
        }
        for index, piece in enumerate(model.pieces)
        if piece.type in kinds
    ]


def _normalizer(model: "ModelProto") -> dict[str, Any]:
    settings = model.normalizer_spec
    parts: list[dict[str, Any]] = []
    if settings.precompiled_charsmap:
        charsmap = b64encode(settings.precompiled_charsmap).decode()
        parts.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    if settings.remove_extra_whitespaces:
        parts += [_replace(*pair) for pair in zip(SPACE_PATTERNS, (" ", "", ""), strict=True)]
    if settings.add_dummy_prefix:
        parts.append({"type": "Prepend", "prepend": SPACE})
    parts.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    return {"type": "Sequence", "normalizers": parts}


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _metaspace(prepend_scheme: str, split: bool) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": prepend_scheme, "split": split}


def _decoder(model: "ModelProto") -> dict[str, Any]:
    settings = model.normalizer_spec
    bytes_first = [{"type": "ByteFallback"}] if model.trainer_spec.byte_fallback else []
    if model.trainer_spec.model_type == Family.UNIGRAM and settings.remove_extra_whitespaces:
        # This one drops every space at the beginning.
        metaspace = _metaspace("always" if settings.add_dummy_prefix else "never", split=True)
        return {"type": "Sequence", "decoders": [*bytes_first, metaspace]} if bytes_first else metaspace
    mark = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    prefix = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if settings.add_dummy_prefix else []
    return {"type": "Sequence", "decoders": [mark, *bytes_first, {"type": "Fuse"}, *prefix]}


def _template(model: "ModelProto", add_bos: bool, add_eos: bool) -> dict[str, Any] | None:
    ids = {piece.piece: index for index, piece in enumerate(model.pieces) if piece.type == Kind.CONTROL}
    bos = [token for token in (model.trainer_spec.bos_piece,) if add_bos and token in ids]
    eos = [token for token in (model.trainer_spec.eos_piece,) if add_eos and token in ids]
    if not (bos or eos):
        return None

    def around(name: str, kind: int) -> list[dict[str, Any]]:
        text = {"Sequence": {"id": name, "type_id": kind}}
        before, after = ([{"SpecialToken": {"id": t, "type_id": kind}} for t in side] for side in (bos, eos))
        return [*before, text, *after]

    return {
        "type": "TemplateProcessing",
        "single": around("A", 0),
        "pair": [*around("A", 0), *around("B", 1)],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in (*bos, *eos)},
    }
