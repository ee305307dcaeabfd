"""The settings that a base's tokenizer class implies, to state them once the class is no longer named."""

import tomllib
from collections.abc import Container
from importlib.resources import files
from typing import Any

# Classes that imply nothing.
_PLAIN = ("", "PreTrainedTokenizer", "TokenizersBackend")


def implied_by(class_name: str, vocabulary: Container[str] | None = None) -> dict[str, Any]:
    """Settings of tokenizer_config.json that a class of transformers stands for.

    Args:
        class_name: as the base's configuration states it, "" if it does not.
        vocabulary: the existing tokens; settings that name others are left out. None to leave out none.
    """
    text = (files("vocabx.assets") / "tokenizer_classes.toml").read_text(encoding="utf-8")
    settings: dict[str, Any] = tomllib.loads(text).get(_short(class_name).removesuffix("Tokenizer"), {})
    return {
        key: value
        for key, value in settings.items()
        if vocabulary is None or not key.endswith("_token") or value in vocabulary
    }


def is_plain(class_name: str) -> bool:
    """Whether a class implies nothing."""
    return _short(class_name) in _PLAIN


def _short(class_name: str) -> str:
    return class_name.removesuffix("Fast")
