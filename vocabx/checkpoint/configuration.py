"""Vocabulary size and tying in config.json, everywhere that transformers 4 and 5 write them.

A multimodal model has the settings of its language model in `text_config`. Whether its embeddings are tied,
transformers 4 reads there, and transformers 5 at the top level.
"""

from pathlib import Path
from typing import Any

from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture
from vocabx.checkpoint.model_directory import read_object
from vocabx.checkpoint.size_settings import with_settings
from vocabx.errors import BaseModelError

_TIE = "tie_word_embeddings"


def read_config(directory: Path) -> dict[str, Any]:
    """Read the config.json of a directory.

    Raises:
        BaseModelError: if it is missing or damaged.
    """
    return read_object(directory / "config.json")


def stated_rows(config: dict[str, Any]) -> int | None:
    """The number of rows of the embedding matrices, or None if it is left to the model type."""
    rows = said_rows(config)
    return rows if type(rows) is int else None


def said_rows(config: dict[str, Any], default: Any = None) -> Any:
    """The entry for the number of rows, whatever its type; `default` if there is none."""
    return config_of_text(config).get("vocab_size", config.get("vocab_size", default))


def rows_by_configuration(directory: Path) -> int | None:
    """The number of rows in the config.json of a directory, None if there is no entry or no file."""
    try:
        return stated_rows(read_config(directory))
    except BaseModelError:
        return None


def with_rows(
    config: dict[str, Any], rows: int, tied: bool, found: Architecture | None = None
) -> dict[str, Any]:
    """A configuration of the same model with another number of rows.

    Args:
        config: the configuration; not modified.
        rows: number of rows of the embedding matrices.
        tied: whether input embeddings and lm_head share one matrix. Written wherever a version of
            transformers reads it, except for T5, where `tie_word_embeddings` means something else and stays.
        found: the architecture; one found by building the class keeps what it says of tying unless that
            changes.
    """
    resized = with_size(config, rows, found)
    return (
        resized
        if found is not None and found.built and found.tied == tied
        else with_tie(resized, tied, found)
    )


def with_size(config: dict[str, Any], rows: int, found: Architecture | None = None) -> dict[str, Any]:
    """A configuration with `rows` wherever it states the vocabulary size, and at least once."""
    if found is not None and found.built:
        return with_settings(config, (*found.sizes, *found.cuts), rows)
    text = _text_config(config)
    if text is None:
        return {**config, "vocab_size": rows}
    result = {**config, "text_config": {**text, "vocab_size": rows}}
    return {**result, "vocab_size": rows} if "vocab_size" in config else result


def with_tie(config: dict[str, Any], tied: bool, found: Architecture | None = None) -> dict[str, Any]:
    """A configuration with `tied` set; unchanged for T5, which cannot express it."""
    architecture = found or ARCHITECTURES.get(_kind(config))
    if architecture is not None and not architecture.says_tied:
        return config
    text = _text_config(config)
    result = {**config, _TIE: tied}
    return result if text is None else {**result, "text_config": {**text, _TIE: tied}}


def is_tied(config: dict[str, Any], has_output: bool, found: Architecture | None = None) -> bool:
    """Whether input embeddings and lm_head are tied, according to a configuration and its model types.

    If the top level and `text_config` contradict each other, and for T5, which cannot express it, they are
    tied if no lm_head is stored.

    Args:
        config: the configuration.
        has_output: whether the lm_head is stored.
        found: the architecture; by default that of the table of known types. One found by building the class
            has decided already.
    """
    architecture = found or ARCHITECTURES.get(_kind(config))
    if architecture is not None and architecture.built:
        # Of two that are stored with different values, transformers ties neither to the other.
        return architecture.tied and not has_output
    if architecture is not None and not architecture.says_tied:
        return not has_output
    top = _tie_of(config, architecture is not None and architecture.tied)
    text = _text_config(config)
    inner = ARCHITECTURES.get(_kind(text)) if text is not None else None
    below = top if text is None else _tie_of(text, top if inner is None else inner.tied)
    return top if top == below else not has_output


def config_of_text(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the language model: text_config if there is one, else the whole configuration."""
    text = _text_config(config)
    return config if text is None else text


def _text_config(config: dict[str, Any]) -> dict[str, Any] | None:
    text = config.get("text_config")
    return text if isinstance(text, dict) else None


def _kind(config: dict[str, Any]) -> str:
    return str(config.get("model_type", ""))


def _tie_of(config: dict[str, Any], default: bool) -> bool:
    stated = config.get(_TIE)
    return default if stated is None else bool(stated)
