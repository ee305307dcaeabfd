"""Rotary positions: what config.json says of them, as llama.cpp takes it.

Llama 3's scaling is a factor for each frequency, stored as a tensor; linear and YaRN scaling are settings.
Other kinds, and settings that llama.cpp would not heed, are refused. Formulas: transformers'
modeling_rope_utils.py.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import BaseModelError

_DEFAULT_THETA = 10000.0
# What each kind of scaling may say, beside the factor, and still mean the same in llama.cpp.
_HEEDED = {
    "default": set[str](),
    "linear": {"factor"},
    "yarn": {"factor", "original_max_position_embeddings", "beta_fast", "beta_slow"},
    "llama3": {"factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor"},
}
_NAMES = {"rope_type", "type", "rope_theta"}


@dataclass(frozen=True)
class Rope:
    """Rotary positions of a model.

    Attributes:
        theta: the base of the frequencies.
        kind: "default", "linear", "yarn" or "llama3".
        settings: what the kind needs, by transformers' names.
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
        """By what Llama 3's scaling divides each frequency, (head_width / 2,); None for other kinds.

        High frequencies stay, low ones are divided by the factor, and between them one goes over into the
        other by how often the wave fits into the original context.
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
    """Read the rotary positions of a configuration, as transformers 4 or 5 writes them.

    Args:
        config: the parsed config.json.
        name: of the checkpoint, for messages.
        kinds: the kinds of scaling that the architecture knows.

    Raises:
        BaseModelError: another kind, a setting that llama.cpp has not, or one that is missing.
    """
    stated = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(stated, dict):
        raise BaseModelError(f"{name}: the rotary positions in config.json are not readable")
    kind = str(stated.get("rope_type", stated.get("type", "default")))
    theta = stated.get("rope_theta", config.get("rope_theta", _DEFAULT_THETA))
    settings = {key: value for key, value in stated.items() if key not in _NAMES and value is not None}
    # A configuration may say once more, at its top, how long the contexts of the first training were.
    if "original_max_position_embeddings" in _HEEDED.get(kind, ()):
        first = config.get("original_max_position_embeddings") or config.get("max_position_embeddings")
        settings.setdefault("original_max_position_embeddings", first)
    if kind not in kinds:
        raise BaseModelError(
            f"{name} scales its rotary positions by {kind!r}, which llama.cpp does not do for this model "
            f"type: it does {', '.join(kinds)}"
        )
    unheeded = sorted(settings.keys() - _HEEDED[kind] - {"partial_rotary_factor"})
    if unheeded or settings.get("partial_rotary_factor", config.get("partial_rotary_factor") or 1) != 1:
        raise BaseModelError(
            f"{name} sets {', '.join(unheeded) or 'partial_rotary_factor'} of its rotary positions: vocabx "
            "does not know how to tell llama.cpp"
        )
    missing = sorted(_HEEDED[kind] - settings.keys() - {"beta_fast", "beta_slow"})
    if missing:
        raise BaseModelError(f"{name}: config.json does not say {', '.join(missing)} of its rotary positions")
    settings.pop("partial_rotary_factor", None)
    return Rope(float(theta), kind, {key: float(value) for key, value in settings.items()})
