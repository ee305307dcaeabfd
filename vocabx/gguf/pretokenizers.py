"""The name by which llama.cpp knows the pre-tokenizer of a byte-level tokenizer.

A name stands for a list of cuts in llama.cpp's source, and for whether a whole word that is a token is taken
before any merge. Both are read off tokenizer.json and looked up in assets/pretokenizers.toml.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from vocabx.errors import TokenizerError

_DIGITS = "digits"
_GPT2 = "gpt2"
_INSTEAD = "pass --pre NAME to write a name all the same: llama.cpp will then cut text in its way"


@dataclass(frozen=True)
class Cuts:
    """What happens to text before merges.

    Attributes:
        steps: in their order, "digits" or the name of a pattern in the table.
        whole_words: whether a word that is a token is taken before any merge.
    """

    steps: tuple[str, ...]
    whole_words: bool


@cache
def _table() -> dict[str, Any]:
    text = (files("vocabx.assets") / "pretokenizers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def known() -> dict[str, Cuts]:
    """What each name that vocabx can tell means."""
    return {
        name: Cuts(tuple(meant["steps"]), bool(meant["whole_words"]))
        for name, meant in _table()["names"].items()
    }


def pattern_of(step: str) -> str:
    """The pattern that a step of `Cuts` other than "digits" stands for."""
    return str(_table()["patterns"][step])


def name_of(spec: dict[str, Any]) -> str:
    """The name of a byte-level tokenizer's pre-tokenizer.

    Args:
        spec: the parsed tokenizer.json.

    Raises:
        TokenizerError: llama.cpp has no name for it, or normalises in no such way.
    """
    normalizer = spec.get("normalizer")
    # Text is in the composed form nearly always, so Qwen's models are exported without it everywhere.
    if normalizer is not None and normalizer.get("type") != "NFC":
        raise TokenizerError(
            f"llama.cpp has nothing for the tokenizer's normalizer ({normalizer.get('type')}): {_INSTEAD}"
        )
    steps = _steps(spec.get("pre_tokenizer"))
    whole_words = bool(spec["model"].get("ignore_merges"))
    for name, cuts in known().items():
        if steps is not None and cuts == Cuts(steps, whole_words):
            return name
    raise TokenizerError(
        "llama.cpp has no name that vocabx knows for the tokenizer's pre-tokenizer (one that --pretokenizer "
        f"adapt widened has none): {_INSTEAD}"
    )


def _steps(component: dict[str, Any] | None) -> tuple[str, ...] | None:
    """The steps of a pre-tokenizer that ends in the byte alphabet, or None where one of them is not known."""
    parts = (component or {}).get("pretokenizers", [component]) or [None]
    steps = []
    for part in parts[:-1]:
        step = _step(part)
        if step is None:
            return None
        steps.append(step)
    match parts[-1]:
        case {"type": "ByteLevel", "add_prefix_space": False, **rest}:
            return (*steps, _GPT2) if rest.get("use_regex", True) else tuple(steps)
    return None


def _step(part: dict[str, Any]) -> str | None:
    match part:
        case {"type": "Digits", "individual_digits": True}:
            return _DIGITS
        case {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}:
            # The patterns match all of a text, so that to drop what they do not match drops nothing.
            if (behavior, invert) in (("Isolated", False), ("Removed", True)):
                return next((name for name, known in _table()["patterns"].items() if known == pattern), None)
    return None
