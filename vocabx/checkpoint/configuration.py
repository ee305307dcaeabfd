"""What a config.json says of the tables, in all the places where transformers 4 and 5 write it.

A model that also sees or hears has its language model's settings in `text_config`. Version 4 reads there
whether the tables are tied, version 5 at the top.
"""

from pathlib import Path
from typing import Any

from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.model_directory import read_object
from vocabx.errors import BaseModelError

_TIE = "tie_word_embeddings"
_QUANTISED = ("quantization_config", "compression_config")


def read_config(directory: Path) -> dict[str, Any]:
    """Read the config.json of a directory.

    Raises:
        BaseModelError: there is none, or it is damaged.
    """
    return read_object(directory / "config.json")


def stated_rows(config: dict[str, Any]) -> int | None:
    """The height of the tables, or None where the configuration leaves it to its model type."""
    rows = said_rows(config)
    return rows if type(rows) is int else None


def said_rows(config: dict[str, Any], default: Any = None) -> Any:
    """What a configuration gives as the height of the tables, of any type; `default` where it gives none."""
    return config_of_text(config).get("vocab_size", config.get("vocab_size", default))


def rows_by_configuration(directory: Path) -> int | None:
    """The height of the tables by the config.json of a directory, None where it does not say or is none."""
    try:
        return stated_rows(read_config(directory))
    except BaseModelError:
        return None


def with_rows(config: dict[str, Any], rows: int, tied: bool) -> dict[str, Any]:
    """A configuration of the same model with tables of another height.

    Args:
        config: the configuration; stays as it is.
        rows: height of the tables.
        tied: whether input and output share one table. Stated wherever a version of transformers reads it,
            except for T5, where `tie_word_embeddings` says something else and stays.
    """
    return with_tie(with_size(config, rows), tied)


def with_size(config: dict[str, Any], rows: int) -> dict[str, Any]:
    """A configuration that says `rows` wherever it says the height of its tables, and once at least."""
    text = _text_config(config)
    if text is None:
        return {**config, "vocab_size": rows}
    result = {**config, "text_config": {**text, "vocab_size": rows}}
    return {**result, "vocab_size": rows} if "vocab_size" in config else result


def with_tie(config: dict[str, Any], tied: bool) -> dict[str, Any]:
    """A configuration that says whether input and output share one table; T5's, which cannot, as it is."""
    architecture = ARCHITECTURES.get(_kind(config))
    if architecture is not None and not architecture.says_tied:
        return config
    text = _text_config(config)
    result = {**config, _TIE: tied}
    return result if text is None else {**result, "text_config": {**text, _TIE: tied}}


def is_tied(config: dict[str, Any], has_output: bool) -> bool:
    """Whether input and output share one table, by what a configuration states and its types imply.

    Where the top and `text_config` contradict each other, and for T5, which says it nowhere, they are tied
    if no output table is stored.

    Args:
        config: the configuration.
        has_output: whether the output layer's table is stored.
    """
    architecture = ARCHITECTURES.get(_kind(config))
    if architecture is not None and not architecture.says_tied:
        return not has_output
    top = _tie_of(config, architecture is not None and architecture.tied)
    text = _text_config(config)
    inner = ARCHITECTURES.get(_kind(text)) if text is not None else None
    below = top if text is None else _tie_of(text, top if inner is None else inner.tied)
    return top if top == below else not has_output


def refuse_quantised(config: dict[str, Any], directory: Path) -> None:
    """Refuse a model whose weights are quantised.

    Raises:
        BaseModelError: it is one; the message says how it was quantised.
    """
    for part in (config, config_of_text(config)):
        for key in _QUANTISED:
            if part.get(key):
                how = f" ({method})" if (method := _method(part[key])) else ""
                raise BaseModelError(
                    f"{directory} is quantised{how}: vocabx lengthens tables of 16 or 32 "
                    "bits, pass the unquantised model that it was made from"
                )


def config_of_text(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the language model: text_config where there is one, else the whole."""
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


def _method(settings: Any) -> str:
    """The name of a quantisation, as "gptq, 4 bits", or "" where it is not said."""
    if not isinstance(settings, dict):
        return ""
    name = settings.get("quant_method") or settings.get("format") or ""
    bits = settings.get("bits") or settings.get("w_bit")
    for key, number in (("load_in_4bit", 4), ("load_in_8bit", 8)):
        bits = number if settings.get(key) else bits
    words = [name if isinstance(name, str) else "", f"{bits} bits" if type(bits) is int else ""]
    return ", ".join(word[:40] for word in words if word.isprintable() and word)
