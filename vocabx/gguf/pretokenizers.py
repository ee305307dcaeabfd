"""llama.cpp's name of the pre-tokenizer of a byte-level tokenizer.

A name stands for a list of splitting steps in llama.cpp's source, and for whether a word that is a token is
taken before any merge. Both are read from tokenizer.json and looked up in assets/pretokenizers.toml.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.splits import DIGITS, splits_of

_INSTEAD = "pass --pre NAME to write a name anyway: llama.cpp will then split text its own way"


@dataclass(frozen=True)
class PreTokenizer:
    """How text is split before merges.

    Attributes:
        steps: the steps in order, each "digits" or the name of a pattern in the asset.
        whole_words: whether a word that is a token is taken before any merge.
    """

    steps: tuple[str, ...]
    whole_words: bool


@cache
def _table() -> dict[str, Any]:
    text = (files("vocabx.assets") / "pretokenizers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def known() -> dict[str, PreTokenizer]:
    """The pre-tokenizers that vocabx recognizes, by llama.cpp's name."""
    return {
        name: PreTokenizer(tuple(entry["steps"]), bool(entry["whole_words"]))
        for name, entry in _table()["names"].items()
    }


def pattern_of(step: str) -> str:
    """The pattern of a step of `PreTokenizer` other than "digits"."""
    return str(_table()["patterns"][step])


def name_of(spec: dict[str, Any]) -> str:
    """The name of a byte-level tokenizer's pre-tokenizer.

    Args:
        spec: the parsed tokenizer.json.

    Raises:
        TokenizerError: if llama.cpp has no name for it, or lacks its normalizer.
    """
    normalizer = spec.get("normalizer")
    # Almost all text is composed already, so Qwen models are commonly exported without NFC.
    if normalizer is not None and normalizer.get("type") != "NFC":
        raise TokenizerError(
            f"llama.cpp does not support the tokenizer's normalizer ({normalizer.get('type')}): {_INSTEAD}"
        )
    steps = _steps(spec.get("pre_tokenizer"))
    whole_words = bool(spec["model"].get("ignore_merges"))
    for name, pre_tokenizer in known().items():
        if steps is not None and pre_tokenizer == PreTokenizer(steps, whole_words):
            return name
    raise TokenizerError(
        "the tokenizer's pre-tokenizer has no name in llama.cpp that vocabx knows (one widened with "
        f"--pretokenizer adapt has none): {_INSTEAD}"
    )


def _steps(component: dict[str, Any] | None) -> tuple[str, ...] | None:
    """The steps of a pre-tokenizer that ends in the byte-level alphabet, or None if one is unknown."""
    splits = splits_of(component)
    names = {pattern: name for name, pattern in _table()["patterns"].items()} | {DIGITS: DIGITS}
    if splits is None or not all(split in names for split in splits):
        return None
    return tuple(names[split] for split in splits)
