"""Directories without a tokenizer.json, whose tokenizer a class of transformers makes of older files.

A SentencePiece model whose pieces have their own positions as ids is read without transformers; T5's class is
known to add sentinels after them. Other classes move ids, add language codes or normalize: their directories,
and those with vocab.json and merges.txt or vocab.txt, are converted by transformers itself.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocabx._util.loading import load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx._util.shorten import shortened
from vocabx.errors import BaseModelError, TokenizerError
from vocabx.tokenizer.class_templates import source_code
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import parse_model

# Files that hold a whole tokenizer, for those classes that read them.
_FILES = (
    ("vocab.json", "merges.txt"), ("vocab.txt",), ("sentencepiece.bpe.model",), ("spm.model",),
    ("spiece.model",), ("source.spm", "vocab.json"), ("tekken.json",),
)  # fmt: skip
_SENTINELS, _MOST_SENTINELS = 100, 100_000
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")
_T5 = ("t5", "mt5", "umt5", "longt5", "switch_transformers", "pix2struct", "udop")


def files_of(directory: Path) -> tuple[str, ...]:
    """The names of the files from which transformers can make a tokenizer; none where there are none."""
    there = (names for names in _FILES if all((directory / name).is_file() for name in names))
    return next(there, ())


def class_of(config: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """The class of a tokenizer without its suffix, by tokenizer_config.json or else config.json, or ""."""
    stated = str(config.get("tokenizer_class") or model.get("tokenizer_class") or "")
    kind = str(model.get("model_type") or "")
    return stated.removesuffix("Fast").removesuffix("Tokenizer") or ("T5" if kind in _T5 else kind)


def with_sentinels(spec: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A Unigram tokenizer with the sentinels that T5's class adds after its pieces, the last one first."""
    count = config.get("extra_ids", _SENTINELS)
    if type(count) is not int or not 0 <= count <= _MOST_SENTINELS:
        raise TokenizerError(
            f"extra_ids in tokenizer_config.json is {str(count)[:40]!r}: state a number up to "
            f"{_MOST_SENTINELS:,}"
        )
    first = len(spec["model"]["vocab"])
    known = {piece for piece, _ in spec["model"]["vocab"]}
    names = [f"<extra_id_{n}>" for n in reversed(range(count))]
    names = [name for name in names if name not in known]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": first + n, "content": name, **flags} for n, name in enumerate(names)]
    model = {**spec["model"], "vocab": [*spec["model"]["vocab"], *([name, 0.0] for name in names)]}
    return {**spec, "added_tokens": [*spec["added_tokens"], *added], "model": model}


def converted(directory: Path) -> dict[str, Any]:
    """The parsed tokenizer.json that transformers makes of a directory's files.

    Raises:
        TokenizerError: transformers cannot, or the class has no such form, or loses its codes of languages.
        MissingPackageError: transformers is not installed.
    """
    names = " and ".join(files_of(directory))
    try:
        with quiet_transformers("evaluate"):
            loaded = load_auto("AutoTokenizer", directory, "evaluate")
    except BaseModelError as error:
        reason = shortened(" ".join(str(error.__cause__).split()), 120) or type(error.__cause__).__name__
        raise TokenizerError(
            f"{directory} has no tokenizer.json, and transformers cannot make one of its {names} ({reason}): "
            "save the tokenizer with AutoTokenizer…save_pretrained and pass that directory"
        ) from None
    backend = getattr(loaded, "backend_tokenizer", None)
    if backend is None and type(loaded).__name__ == "M2M100Tokenizer":
        return _of_m2m100(loaded, directory)
    if backend is None:
        raise TokenizerError(
            f"{directory} has no tokenizer.json, and {type(loaded).__name__} cannot save one: its class does "
            "what no file can state, so vocabx cannot extend it"
        )
    spec: dict[str, Any] = json.loads(backend.to_str())
    code = source_code(type(loaded).__name__.removesuffix("Fast").removesuffix("Tokenizer"), {})
    if code and code not in backend.get_vocab():
        raise TokenizerError(
            f"{directory} has no tokenizer.json, and {type(loaded).__name__} makes no codes of languages of "
            f"its {names}, whose ids would be lost: save the tokenizer with AutoTokenizer…save_pretrained of "
            "transformers 4 and pass that directory"
        )
    return spec


def _of_m2m100(loaded: Any, directory: Path) -> dict[str, Any]:
    """The tokenizer.json of an M2M100 tokenizer, which transformers has no fast class for.

    Its pieces are those of a SentencePiece model, with the ids of vocab.json. The class gives codes of
    languages the ids after them.

    Raises:
        TokenizerError: a piece of the model has no id, so that its text is lost in a way that no
            tokenizer.json can state.
    """
    spec = spec_of(parse_model(loaded.sp_model.serialized_model_proto()), add_bos=False, add_eos=False)
    ids: dict[str, int] = dict(loaded.encoder)
    stated = {token["content"] for token in spec["added_tokens"]}
    lost = [piece for piece in spec["model"]["vocab"] if piece not in ids and piece not in stated]
    if lost or spec["model"]["type"] != "BPE":
        raise TokenizerError(
            f"{directory / 'vocab.json'} has no id for {lost[0] if lost else 'BPE'!r} of the SentencePiece "
            "model: download the base again"
        )
    special = {str(token): loaded.convert_tokens_to_ids(str(token)) for token in loaded.all_special_tokens}
    special |= loaded.lang_token_to_id
    added = [
        {"id": index, "content": content, **dict.fromkeys(_FLAGS, False), "special": True}
        for content, index in sorted(special.items(), key=lambda item: item[1])
    ]
    vocabulary = dict(sorted({**ids, **special}.items(), key=lambda item: item[1]))
    model = {**spec["model"], "vocab": vocabulary, "unk_token": str(loaded.unk_token)}
    return {**spec, "model": model, "added_tokens": added}
