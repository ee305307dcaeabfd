"""The settings that only Gemma has, for a .gguf file: softcaps, sliding windows, two rotary bases.

llama.cpp derives the rest from the architecture: the scales of embeddings and attention, and GELU. What it
would compute otherwise than transformers is refused. Source: llama.cpp's src/models/gemma*.cpp.
"""

import math
from typing import Any

from vocabx.errors import BaseModelError

KINDS = ("gemma", "gemma2", "gemma3_text")
# The defaults of transformers' configuration classes.
_SOFTCAPS = {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
_WINDOW, _QUERY_SCALAR = 4096, 256
_GLOBAL_THETA, _LOCAL_THETA = 1e6, 1e4
# Where layers alternate, every second one of Gemma 2 sees the whole text, and every sixth of Gemma 3.
_PERIODS = {"gemma2": 2, "gemma3_text": 6}
# llama.cpp scales attention by the width of a head, but for the 27B models, known by their layers.
_LAYERS_OF_27B = {"gemma2": 46, "gemma3_text": 62}
_GLOBAL, _LOCAL = "full_attention", "sliding_attention"


def rope_config(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the rotary positions of layers that see the whole text alone."""
    stated = config.get("rope_parameters") or {}
    if config.get("model_type") != "gemma3_text":
        return config
    inner = stated.get(_GLOBAL) if isinstance(stated, dict) else None
    return {"rope_theta": _GLOBAL_THETA, **config, **({"rope_parameters": inner} if inner else {})}


def gemma_values(
    config: dict[str, Any], name: str, architecture: str, width: int, heads: int, head_width: int
) -> dict[str, Any]:
    """The keys and values of the file that only Gemma has.

    Args:
        config: the parsed config.json.
        name: name of the checkpoint, for messages.
        architecture: llama.cpp's name of the architecture.
        width: width of the residual stream.
        heads: number of query heads.
        head_width: width of each head.

    Raises:
        BaseModelError: llama.cpp would compute something else.
    """
    kind = str(config["model_type"])
    if config.get("use_bidirectional_attention"):
        raise _otherwise(name, "use_bidirectional_attention is set")
    if kind == "gemma":
        return {}
    _check_scale(config, name, kind, width, heads, head_width)
    values = _softcaps(config, name, architecture, kind)
    layers = _layers(config, kind)
    window = int(config.get("sliding_window", _WINDOW) or 0)
    if kind == "gemma3_text" and _LOCAL not in layers:
        return values
    if not window:
        raise _otherwise(name, "layers with a sliding window have none")
    values[f"{architecture}.attention.sliding_window"] = window
    values[f"{architecture}.attention.sliding_window_pattern"] = _period(layers, _PERIODS[kind], name)
    if kind == "gemma3_text":
        values[f"{architecture}.rope.freq_base_swa"] = _local_theta(config, name)
    return values


def _check_scale(
    config: dict[str, Any], name: str, kind: str, width: int, heads: int, head_width: int
) -> None:
    large = config.get("num_hidden_layers") == _LAYERS_OF_27B[kind]
    wanted = width // heads if large else head_width
    scalar = config.get("query_pre_attn_scalar", _QUERY_SCALAR)
    if not math.isclose(scalar, wanted):
        raise _otherwise(name, f"query_pre_attn_scalar is {scalar}, and llama.cpp's is {wanted}")


def _softcaps(config: dict[str, Any], name: str, architecture: str, kind: str) -> dict[str, Any]:
    """Both of Gemma 2, which llama.cpp cannot leave out; of Gemma 3, the last one if it is set."""
    found = {}
    for key, default in _SOFTCAPS.items():
        value = config.get(key, default if kind == "gemma2" else None)
        if kind == "gemma2" and not value:
            raise _otherwise(name, f"{key} is not set")
        if kind == "gemma3_text" and value and key == "attn_logit_softcapping":
            raise _otherwise(name, f"{key} is set")
        if value:
            found[f"{architecture}.{key}"] = float(value)
    return found


def _layers(config: dict[str, Any], kind: str) -> list[str]:
    """What each layer attends to."""
    stated = config.get("layer_types")
    if stated:
        return [str(one) for one in stated]
    period = int(config.get("sliding_window_pattern") or _PERIODS[kind])
    numbers = range(int(config["num_hidden_layers"]))
    return [_LOCAL if number % period < period - 1 else _GLOBAL for number in numbers]


def _period(layers: list[str], usual: int, name: str) -> int:
    """Every how many layers one sees the whole text: the usual number if it fits."""
    periods: list[int] = [usual, *range(1, len(layers) + 2)]
    for period in periods:
        if all((one == _LOCAL) == (at % period < period - 1) for at, one in enumerate(layers)):
            return period
    raise _otherwise(name, "its layers with a sliding window are in no regular order")


def _local_theta(config: dict[str, Any], name: str) -> float:
    """The base of the frequencies in layers with a sliding window, which llama.cpp does not scale."""
    stated = (config.get("rope_parameters") or {}).get(_LOCAL) or {}
    if stated.get("rope_type", "default") != "default":
        raise _otherwise(name, "the rotary positions of layers with a sliding window are scaled")
    return float(stated.get("rope_theta") or config.get("rope_local_base_freq") or _LOCAL_THETA)


def _otherwise(name: str, why: str) -> BaseModelError:
    return BaseModelError(
        f"llama.cpp would compute {name} otherwise: {why}; serve it with vLLM or transformers"
    )
