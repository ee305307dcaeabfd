"""Models with quantized weights, as releases in FP8, MXFP4, GPTQ or AWQ.

Most keep their embedding matrices in 16 bits. Those are extended as any others; quantized tensors are
copied as they are, and the settings of the method stay.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from vocabx._util.shorten import shortened
from vocabx.checkpoint.architectures import Architecture, stored_names
from vocabx.checkpoint.configuration import config_of_text
from vocabx.errors import BaseModelError

_SETTINGS = ("quantization_config", "compression_config")
# Of fewer bits than any dtype that a model is trained in.
_DTYPES = ("F8_", "F6_", "F4")
# What the parts of a quantized weight are called.
_PARTS = (
    ".qweight", ".weight_packed", ".weight_scale", ".weight_scale_inv", ".weight_scale_2", ".weight.absmax",
    ".SCB",
)  # fmt: skip
_LONGEST = 60
_UNNAMED = "a method that it does not name"


def quantisation_of(config: dict[str, Any], dtypes: Mapping[str, str]) -> str:
    """How the weights of a model are quantized, such as "gptq, 4 bits", or "" if they are not.

    Args:
        config: the content of config.json.
        dtypes: of the stored tensors, as safetensors names them, "" where unknown: some releases state the
            method in another file, or nowhere.
    """
    stated = _stated(config)
    if stated is not None:
        return stated or _UNNAMED
    for name, dtype in dtypes.items():
        if dtype.startswith(_DTYPES) or name.endswith(_PARTS):
            return _shown(f"{name} of {dtype}" if dtype else name)
    return ""


def refuse_quantised_matrices(
    how: str, architecture: Architecture, stored: Collection[str], directory: Path
) -> None:
    """Refuse a quantized model with an embedding matrix in parts, such as packed bits and scales.

    One that is stored whole, in a dtype of 8 bits, is refused with the other dtypes (`read_checkpoint`).

    Args:
        how: how it is quantized.
        architecture: the names of its embedding matrices.
        stored: the names of its tensors.
        directory: the model, in messages.

    Raises:
        BaseModelError: there is such a part; the message names it.
    """
    whole = {*stored_names(architecture.names, architecture.prefix, stored)}
    layers = {
        name.removesuffix("weight") for name in (*architecture.names, *whole) if name.endswith(".weight")
    }
    layers |= {name.removeprefix(architecture.prefix) for name in layers}
    for name in sorted(stored):
        layer = next((one for one in layers if name.startswith(one)), "")
        if layer and name not in whole and name.removeprefix(layer) not in ("weight", "bias"):
            raise BaseModelError(
                f"{directory} is quantized ({how}), its embeddings too ({_shown(name)}): vocabx extends "
                "embeddings of 16 or 32 bits, pass a release that keeps them, or the unquantized model it "
                "was made from"
            )


def _stated(config: dict[str, Any]) -> str | None:
    """The method that a configuration states, "" for one without a name, None for none."""
    for part in (config, config_of_text(config)):
        for key in _SETTINGS:
            if part.get(key):
                return _method(part[key])
    return None


def _shown(name: str) -> str:
    """A name of a tensor, which may hold any characters, in one line."""
    return shortened(name if name.isprintable() else repr(name), _LONGEST)


def _method(settings: Any) -> str:
    """The name of a quantization method, such as "gptq, 4 bits", or "" if not stated."""
    if not isinstance(settings, dict):
        return ""
    name = settings.get("quant_method") or settings.get("format") or ""
    bits = settings.get("bits") or settings.get("w_bit")
    for key, number in (("load_in_4bit", 4), ("load_in_8bit", 8)):
        bits = number if settings.get(key) else bits
    words = [name if isinstance(name, str) else "", f"{bits} bits" if type(bits) is int else ""]
    return ", ".join(word[:40] for word in words if word.isprintable() and word)
