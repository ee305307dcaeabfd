"""Rotary position embeddings of config.json, converted for llama.cpp.

Llama 3's scaling is one factor per frequency, stored as a tensor; linear and YaRN scaling are settings.
Other kinds, and settings that llama.cpp would ignore, are refused. Formulas: transformers'
modeling_rope_utils.py.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import BaseModelError

_DEFAULT_THETA = 10000.0
# The settings of each kind of scaling, besides the factor, that have the same meaning in llama.cpp.
_SUPPORTED = {
    "default": set[str](),
    "linear": {"factor"},
    "yarn": {"factor", "original_max_position_embeddings", "beta_fast", "beta_slow"},
    "llama3": {"factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor"},
}
_NAMES = {"rope_type", "type", "rope_theta"}


@dataclass(frozen=True)
class Rope:
    """The rotary position embeddings of a model.

    Attributes:
        theta: the base of the frequencies.
        kind: "default", "linear", "yarn" or "llama3".
        settings: the settings of the kind, by transformers' names.
    """

    theta: float
    kind: str
    settings: dict[str, float]

    def values(self, architecture: str) -> dict[str, Any]:
        """The keys and values of the file."""
        found: dict[str, Any] = {f"{architecture}.rope.freq_base": self.theta}
        if self.kind not in ("linear", "yarn"):
            return found
        scaling = f"{architecture}.rope.scaling"
        found |= {f"{scaling}.type": self.kind, f"{scaling}.factor": self.settings["factor"]}
        if self.kind == "yarn":
            original = int(self.settings["original_max_position_embeddings"])
            found[f"{scaling}.original_context_length"] = original
            for name in ("beta_fast", "beta_slow"):
                if name in self.settings:
                    found[f"{scaling}.yarn_{name}"] = self.settings[name]
        return found

    def factors(self, head_width: int) -> NDArray[np.float32] | None:
        """The divisor of each frequency in Llama 3's scaling, (head_width / 2,); None for other kinds.

        High frequencies stay, low ones are divided by the factor, and those in between are interpolated by
        how often the wavelength fits into the original context.
        """
        if self.kind != "llama3":
            return None
        factor, original = self.settings["factor"], self.settings["original_max_position_embeddings"]
        low, high = self.settings["low_freq_factor"], self.settings["high_freq_factor"]
        frequencies = self.theta ** (-np.arange(0, head_width, 2, dtype=np.float64) / head_width)
        turns = original * frequencies / (2 * math.pi)
        kept = np.clip((turns - low) / (high - low), 0, 1)
        return (1 / (kept + (1 - kept) / factor)).astype(np.float32)


def rope_of(config: dict[str, Any], name: str, kinds: tuple[str, ...]) -> Rope:
    """Read the rotary position settings of a configuration written by transformers 4 or 5.

    Args:
        config: the parsed config.json.
        name: name of the checkpoint, for messages.
        kinds: the kinds of scaling that llama.cpp supports for the architecture.

    Raises:
        BaseModelError: if the kind or a setting is not supported by llama.cpp, or a setting is missing.
    """
    stated = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(stated, dict):
        raise BaseModelError(f"{name}: the rotary position settings in config.json are invalid")
    kind = str(stated.get("rope_type", stated.get("type", "default")))
    theta = stated.get("rope_theta", config.get("rope_theta", _DEFAULT_THETA))
    settings = {key: value for key, value in stated.items() if key not in _NAMES and value is not None}
    # A configuration may repeat the original context length at its top level.
    if "original_max_position_embeddings" in _SUPPORTED.get(kind, ()):
        first = config.get("original_max_position_embeddings") or config.get("max_position_embeddings")
        settings.setdefault("original_max_position_embeddings", first)
    if kind not in kinds:
        raise BaseModelError(
            f"{name} has rotary position scaling {kind!r}, which llama.cpp does not support for this model "
            f"type: it supports {', '.join(kinds)}"
        )
    unsupported = sorted(settings.keys() - _SUPPORTED[kind] - {"partial_rotary_factor"})
    if unsupported or settings.get("partial_rotary_factor", config.get("partial_rotary_factor") or 1) != 1:
        raise BaseModelError(
            f"{name} sets {', '.join(unsupported) or 'partial_rotary_factor'} of its rotary positions, which "
            "cannot be expressed for llama.cpp"
        )
    missing = sorted(_SUPPORTED[kind] - settings.keys() - {"beta_fast", "beta_slow"})
    if missing:
        raise BaseModelError(f"{name}: config.json lacks {', '.join(missing)} of its rotary positions")
    settings.pop("partial_rotary_factor", None)
    return Rope(float(theta), kind, {key: float(value) for key, value in settings.items()})
