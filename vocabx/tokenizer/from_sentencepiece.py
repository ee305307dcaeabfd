"""A tokenizer.json from a SentencePiece model that gives the same ids for the same text.

SentencePiece merges the adjacent pair whose concatenation scores best, whatever its halves. The
tokenizers library needs each such pair in a list, in order.
"""

from base64 import b64encode
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.sentencepiece_model import SPACE, SPACE_PATTERNS, Family, Kind

if TYPE_CHECKING:
    from sentencepiece.sentencepiece_model_pb2 import ModelProto


def splits(piece: str, known: Container[str]) -> list[tuple[str, str]]:
    """Every split of `piece` into two known parts, the shortest left part first."""
    return [
        (left, right)
        for length in range(1, len(piece))
        if (left := piece[:length]) in known and (right := piece[length:]) in known
    ]


def merges_by_score(scores: Mapping[str, float], ids: Mapping[str, int]) -> list[tuple[str, str]]:
    """The merges that reproduce SentencePiece's segmentation by `scores`, best first.

    Among equal scores SentencePiece takes the leftmost pair, which a list of merges cannot express. Longest
    piece first has the same effect in runs of one character, where a piece grows from the left; these are the
    ties that real models have.

    Args:
        scores: of every piece that can be a part or a result of a merge, including single characters.
        ids: of the same pieces; they break remaining ties.
    """
    merges: list[tuple[str, str]] = []
    for piece in sorted(scores, key=lambda piece: (-scores[piece], -len(piece), ids[piece])):
        found = splits(piece, scores)
        if len(found) > 1:
            found.sort(key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        merges += found
    return merges


def spec_of(model: "ModelProto", add_bos: bool, add_eos: bool) -> dict[str, Any]:
    """The parsed tokenizer.json that tokenizes text as SentencePiece does with `model`.

    Literal special tokens in the text are the exception: as in every tokenizer.json they become that token,
    while SentencePiece tokenizes them as text.

    Args:
        model: BPE or Unigram.
        add_bos: whether the template adds the beginning-of-sequence token, if any, before a text.
        add_eos: whether it adds the end-of-sequence token, if any, after it.

    Raises:
        TokenizerError: no tokenizer.json can reproduce the model.
    """
    if model.trainer_spec.treat_whitespace_as_suffix or not model.normalizer_spec.escape_whitespaces:
        raise TokenizerError(
            "the SentencePiece model does not mark the space before a word, which no tokenizer.json can "
            "reproduce: pass a model that does"
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
        # As added tokens these would never match: added tokens are matched before spaces become ▁.
        user_defined = (piece.piece for piece in model.pieces if piece.type == Kind.USER_DEFINED)
        scores.update({text: float("inf") for text in user_defined if SPACE in text})
    renamed = _bytes_as_characters(scores, ids)
    scores.update(dict.fromkeys(renamed.values(), float("-inf")))
    ids = {renamed.get(text, text): index for text, index in ids.items()}
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


def _bytes_as_characters(pieces: Iterable[str], ids: Mapping[str, int]) -> dict[str, str]:
    """Byte pieces to rename to their ASCII character, so that merges can use it: Gemma's tab.

    SentencePiece merges characters that are not pieces, the library does not. An ASCII byte is a whole
    character and part of no other, so the renaming changes nothing else.
    """
    used = {character for piece in pieces for character in piece if character.isascii()}
    named = {f"<0x{ord(character):02X}>": character for character in used - ids.keys()}
    return {byte: character for byte, character in named.items() if byte in ids}


def _unigram(model: "ModelProto") -> dict[str, Any]:
    worst = min(piece.score for piece in model.pieces if piece.type == Kind.NORMAL)

    def score(piece: Any) -> float:
        # SentencePiece never matches the text of these pieces. The library would, unless their characters
        # score better. Unknown characters get a larger penalty too, but have no alternative anyway.
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
    """Whether a piece continues after a space, as runs of spaces do: then text must not split at spaces."""
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
            # The normalizer turns spaces into ▁, but would also add the prefix before the token.
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
        # This decoder drops every leading space.
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
