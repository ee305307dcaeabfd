"""SentencePiece `.model` files: reads them, and builds the one that matches a tokenizer.json.

Covers BPE (Llama 2, Mistral, Gemma) and Unigram (T5, XLM-R), not SentencePiece's word and character models.
In a .model the position of a piece is its id.
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vocabx.errors import TokenizerError

if TYPE_CHECKING:
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

SPACE = "▁"
BYTES = frozenset(f"<0x{byte:02X}>" for byte in range(256))
# Runs of spaces, a leading space, and trailing spaces or their marker, which SentencePiece also strips there.
SPACE_PATTERNS = (" {2,}", r"\A ", rf"[ {SPACE}]+\z")
_UNUSED = re.compile(r"<vocabx([ ÿ])unused\1\d+>")
# The score of runs of spaces in the .model files of Llama 2 and Mistral: below all others.
LAST = -1e9


class Kind(IntEnum):
    """The type of a piece, with its number in the file."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Family(IntEnum):
    """The type of a model, with its number in the file."""

    UNIGRAM = 1
    BPE = 2


def read_model(path: Path) -> "ModelProto":
    """Read a SentencePiece .model file.

    Raises:
        TokenizerError: the file is missing, empty, damaged, or neither BPE nor Unigram.
    """
    from google.protobuf.message import DecodeError
    from sentencepiece import SentencePieceProcessor

    try:
        data = path.read_bytes()
    except OSError as error:
        raise TokenizerError(f"{path} cannot be read ({error.strerror}): check the path") from None
    if not data:
        raise TokenizerError(f"{path} is empty: download the file again")
    try:
        model = parse_model(data)
    except DecodeError:
        raise TokenizerError(
            f"{path} is damaged or not a SentencePiece model: download the file again"
        ) from None
    # The settings come after the pieces, and a file truncated between two pieces can still be parsed.
    if not (model.pieces and model.HasField("trainer_spec") and model.HasField("normalizer_spec")):
        raise TokenizerError(f"{path} is truncated or not a SentencePiece model: download the file again")
    if model.trainer_spec.model_type not in tuple(Family):
        raise TokenizerError(
            f"{path} is a SentencePiece word or character model: pass one of type BPE or Unigram"
        )
    try:
        SentencePieceProcessor(model_proto=data)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise TokenizerError(f"{path} is damaged ({reason}): download the file again") from None
    return model


def parse_model(data: bytes) -> "ModelProto":
    """Parse the bytes of a .model file that is known to be complete."""
    model = _empty()
    model.ParseFromString(data)
    return model


def _empty() -> "ModelProto":
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    return ModelProto()


def unused_piece(index: int, space: str = " ") -> str:
    """The placeholder at an id without a token. It matches no text, in which ▁ replaces every space.

    Args:
        index: the id.
        space: a character that no text becomes: of the alphabet of bytes, ÿ, since UTF-8 has no byte 0xFF. A
            space is not in that alphabet, and outlines-core refuses a vocabulary that goes beyond it.
    """
    return f"<vocabx{space}unused{space}{index}>"


def is_unused(piece: str) -> bool:
    """Whether `piece` is only a placeholder for its id."""
    return piece[:1] == "<" and _UNUSED.fullmatch(piece) is not None


def lacks_bytes(spec: Mapping[str, Any]) -> bool:
    """Whether a tokenizer.json states byte fallback and lacks the pieces of bytes, as after a new training.

    `train_new_from_iterator` of transformers keeps the setting and loses them: a character that is no piece
    becomes the unknown token, or disappears.
    """
    model = spec["model"]
    if not model.get("byte_fallback"):
        return False
    ids = _ids(model["vocab"])
    return not any(piece in ids for piece in BYTES)


def with_pieces(
    model: "ModelProto",
    added: Iterable[tuple[str, int, float]],
    size: int = 0,
    tokens: Iterable[Mapping[str, Any]] = (),
) -> "ModelProto":
    """A copy of `model` with new pieces after its own; added tokens and placeholders fill all other ids.

    Args:
        model: the base's.
        added: (piece, id, score) of each new piece; ids are at least the number of old pieces.
        size: the number of pieces that the copy shall have at least.
        tokens: the added tokens of tokenizer.json; of interest are those that the model lacks.
    """
    longer = _empty()
    longer.CopyFrom(model)
    known = {piece.piece for piece in longer.pieces}
    between = {token["id"]: token for token in tokens if token["content"] not in known}
    for text, index, score in sorted(added, key=lambda piece: piece[1]):
        _add_placeholders(longer, index, between)
        longer.pieces.add(piece=text, score=score, type=Kind.NORMAL)
    _add_placeholders(longer, size, between)
    longer.trainer_spec.vocab_size = len(longer.pieces)
    return longer


def _add_placeholders(
    model: "ModelProto", until: int, tokens: Mapping[int, Mapping[str, Any]] = MappingProxyType({})
) -> None:
    for index in range(len(model.pieces), until):
        if (token := tokens.get(index)) is None:
            model.pieces.add(piece=unused_piece(index), score=0.0, type=Kind.UNUSED)
        else:
            kind = Kind.CONTROL if token["special"] else Kind.USER_DEFINED
            model.pieces.add(piece=token["content"], score=0.0, type=kind)


def piece_scores(model: "ModelProto") -> dict[str, float]:
    """The score of each piece that can occur in tokenized text, except bytes."""
    kinds = (Kind.NORMAL, Kind.USER_DEFINED)
    return {piece.piece: piece.score for piece in model.pieces if piece.type in kinds}


def special_names(model: "ModelProto") -> dict[str, str]:
    """The special tokens by role, e.g. "bos_token"."""
    trainer = model.trainer_spec
    return {
        f"{role}_token": model.pieces[index].piece
        for role in ("unk", "bos", "eos", "pad")
        if 0 <= (index := getattr(trainer, f"{role}_id")) < len(model.pieces)
    }


def model_of(spec: dict[str, Any], scores: Mapping[str, float] | None = None) -> "ModelProto":
    """The .model with the pieces of a tokenizer.json, each at its id.

    SentencePiece merges any two pieces whose concatenation is a piece. So it agrees with a tokenizer.json
    that lists every such merge, and all merges of a piece in one place, as those made from a .model do.

    Args:
        spec: the parsed tokenizer.json; BPE over characters, or Unigram.
        scores: scores of pieces, e.g. those of the base's .model. The others are ranked after these: in BPE
            by the order of the merges; in Unigram they have the scores of `spec`.

    Raises:
        TokenizerError: `spec` is of another family, or no .model can reproduce it.
    """
    model = _pieces_of(spec, scores)
    _describe_normalizer(model.normalizer_spec, spec)
    return model


def ranked_scores(spec: dict[str, Any]) -> dict[str, float]:
    """The score of each piece that can occur in tokenized text, by the order of a tokenizer.json's merges.

    They exist whether or not a .model can express the rest of the tokenizer.
    """
    return piece_scores(_pieces_of(spec, None, required=False))


def unexpressed(spec: dict[str, Any]) -> str:
    """Why no .model can express a tokenizer.json, or ""."""
    try:
        _unknown(spec["model"], _family(spec["model"]))
        _describe_normalizer(_empty().normalizer_spec, spec)
    except TokenizerError as error:
        return str(error)
    return ""


def _pieces_of(
    spec: dict[str, Any], scores: Mapping[str, float] | None, required: bool = True
) -> "ModelProto":
    """The pieces and the trainer's settings; without an unknown token, where it is not `required`."""
    family = _family(spec["model"])
    unknown = _unknown(spec["model"], family) if required or spec["model"].get("unk_token") else ""
    added = {token["content"]: token for token in spec["added_tokens"]}
    ids = _ids(spec["model"]["vocab"]) | {text: token["id"] for text, token in added.items()}
    if spec["model"].get("byte_fallback"):
        ids = _with_all_bytes(ids)
    byte_fallback = bool(spec["model"].get("byte_fallback")) and ids.keys() >= BYTES
    made = _made(spec["model"])

    def kind(text: str) -> Kind:
        if text == unknown:
            return Kind.UNKNOWN
        if text in added:
            return Kind.CONTROL if added[text]["special"] else Kind.USER_DEFINED
        if byte_fallback and text in BYTES:
            return Kind.BYTE
        # SentencePiece would build a piece from any two parts, but no merge builds this one.
        if is_unused(text) or (family is Family.BPE and len(text) > 1 and text not in made):
            return Kind.UNUSED
        return Kind.NORMAL

    kinds = {text: kind(text) for text in ids}
    if family is Family.UNIGRAM:
        known = dict(spec["model"]["vocab"]) | dict(scores or {})
    else:
        known = _by_rank([text for text in ids if kinds[text] is Kind.NORMAL], made, ids, scores or {})
        # SentencePiece splits unused pieces again after all merges, so no other piece may rank below them.
        known |= {text: 2 * LAST for text in ids if kinds[text] is Kind.UNUSED}
    model = _empty()
    for index, text in sorted({index: text for text, index in ids.items()}.items()):
        _add_placeholders(model, index)
        model.pieces.add(piece=text, score=known.get(text, 0.0), type=kinds[text])
    trainer = model.trainer_spec
    trainer.model_type = family
    trainer.vocab_size = len(model.pieces)
    trainer.byte_fallback = byte_fallback
    trainer.unk_surface = " ⁇ "
    if unknown:
        trainer.unk_piece, trainer.unk_id = unknown, ids[unknown]
    _name_special(trainer, spec, {text: ids[text] for text in added if kinds[text] is Kind.CONTROL})
    return model


def _family(model: dict[str, Any]) -> Family:
    # Old files state no type.
    kind = model.get("type") or ("Unigram" if "unk_id" in model else "BPE")
    if kind not in ("Unigram", "BPE"):
        raise TokenizerError(
            f"a {kind} tokenizer has no SentencePiece model: pass a BPE or Unigram tokenizer"
        )
    return Family.UNIGRAM if kind == "Unigram" else Family.BPE


def _ids(vocab: dict[str, int] | list[list[Any]]) -> dict[str, int]:
    if isinstance(vocab, dict):
        return dict(vocab)
    return {text: index for index, (text, _) in enumerate(vocab)}


def _with_all_bytes(ids: dict[str, int]) -> dict[str, int]:
    """`ids` with byte pieces instead of the characters that replace them, such as Gemma's tab."""
    named = {chr(int(byte[3:5], 16)): byte for byte in BYTES - ids.keys() if byte < "<0x80>"}
    return {named.get(text, text): index for text, index in ids.items()}


def _unknown(model: dict[str, Any], family: Family) -> str:
    if family is Family.BPE and model.get("unk_token") is not None:
        return str(model["unk_token"])
    if family is Family.UNIGRAM and model.get("unk_id") is not None:
        return str(model["vocab"][model["unk_id"]][0])
    raise TokenizerError("the tokenizer has no unknown token, which a SentencePiece model must have")


def _made(model: dict[str, Any]) -> dict[str, bool]:
    """The results of merges in order of their first merge, and whether that is in the final run of spaces."""
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model.get("merges", ())]
    texts = [left + right for left, right in merges]
    spaces = len(texts)
    while spaces and not texts[spaces - 1].strip(SPACE):
        spaces -= 1
    made: dict[str, bool] = {}
    for place, text in enumerate(texts):
        made.setdefault(text, place >= spaces)
    return made


def _by_rank(
    texts: Iterable[str], made: Mapping[str, bool], ids: Mapping[str, int], scores: Mapping[str, float]
) -> dict[str, float]:
    """The given scores; below the lowest of them, or from -1 on, descending scores by rank and then by id."""
    last = {text for text, spaces in made.items() if spaces}
    if last:
        last.add(SPACE)
    known = {text: float(scores[text]) for text in texts if text in scores}
    lowest = min((score for score in known.values() if score > LAST), default=0.0)
    rank = {text: place for place, text in enumerate(made)}
    rest = sorted(
        (text for text in texts if text not in known), key=lambda text: (rank.get(text, len(rank)), ids[text])
    )
    ranked = [text for text in rest if text not in last]
    known.update({text: LAST for text in rest if text in last})
    known.update({text: lowest - place for place, text in enumerate(ranked, 1)})
    return known


# The usual names, for tokenizers whose template does not state the special tokens.
_NAMES = {
    "bos": ("<s>", "<bos>", "<|startoftext|>", "<|begin_of_text|>", "[CLS]"),
    "eos": ("</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>", "[SEP]"),
    "pad": ("<pad>", "[PAD]"),
}


def _name_special(trainer: Any, spec: dict[str, Any], control: Mapping[str, int]) -> None:
    before, after = _template(spec.get("post_processor"))
    for role, first in (("bos", before), ("eos", after), ("pad", [])):
        names = [name for name in (*first, *_NAMES[role]) if name in control]
        setattr(trainer, f"{role}_id", control[names[0]] if names else -1)
        setattr(trainer, f"{role}_piece", names[0] if names else _NAMES[role][0])


def _template(post_processor: dict[str, Any] | None) -> tuple[list[str], list[str]]:
    """The special tokens before and after a single text."""
    before: list[str] = []
    after: list[str] = []
    side = before
    for part in _parts(post_processor):
        for item in part.get("single", ()):
            if "Sequence" in item:
                side = after
            else:
                side.append(item["SpecialToken"]["id"])
    return before, after


def _describe_normalizer(normalizer: Any, spec: dict[str, Any]) -> None:
    normalizer.name = "identity"
    normalizer.precompiled_charsmap = b""
    normalizer.add_dummy_prefix = False
    normalizer.remove_extra_whitespaces = False
    normalizer.escape_whitespaces = True
    for part in (*_parts(spec.get("normalizer")), *_parts(spec.get("pre_tokenizer"))):
        match part:
            case {"type": "Prepend", "prepend": "▁"}:
                normalizer.add_dummy_prefix = True
            case {"type": "Metaspace", "prepend_scheme": scheme}:
                normalizer.add_dummy_prefix |= scheme != "never"
            case {"type": "Metaspace"}:
                normalizer.add_dummy_prefix |= part.get("add_prefix_space", True)
            case {"type": "Precompiled", "precompiled_charsmap": charsmap}:
                normalizer.precompiled_charsmap = b64decode(charsmap or "")
                # The name is informative only. This is the one of T5 and XLM-R.
                normalizer.name = "nmt_nfkc" if charsmap else "identity"
            case {"type": "WhitespaceSplit" | "Strip"}:
                normalizer.remove_extra_whitespaces = True
            case {"type": "Replace", "pattern": {"Regex": pattern}} if pattern in SPACE_PATTERNS:
                normalizer.remove_extra_whitespaces = True
            case {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}:
                pass
            case {"type": "Split", "pattern": {"String": " "}}:
                pass  # Gemma's; the normalizer has already replaced all spaces.
            case _:
                raise TokenizerError(f"no SentencePiece model can express the tokenizer's {part['type']}")


def _parts(component: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """A component of the tokenizer, with sequences flattened."""
    if component is None:
        return
    if component["type"] != "Sequence":
        yield component
        return
    for key in ("normalizers", "pretokenizers", "processors"):
        for part in component.get(key, ()):
            yield from _parts(part)
