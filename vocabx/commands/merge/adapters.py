"""The LoRA adapters of a run, read from the files that peft writes, without peft."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import fit, read_object
from vocabx.checkpoint.safetensors_file import SafetensorsFile, read_header
from vocabx.errors import TrainingError

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_NAME = re.compile(r"base_model\.model\.(.+)\.lora_(embedding_)?([AB])(?:\.weight)?")
# Settings with which an adapter is more than a scaled product of two matrices.
_PLAIN: dict[str, Any] = {
    "use_rslora": False, "use_dora": False, "rank_pattern": {}, "alpha_pattern": {}, "lora_bias": False,
}  # fmt: skip


class _Settings(msgspec.Struct, frozen=True):
    """What is read of the settings that peft writes."""

    r: Annotated[int, msgspec.Meta(ge=1)]
    lora_alpha: float


@dataclass(frozen=True)
class LowRank:
    """What an adapter adds to a stored weight: scale · left @ right.

    Attributes:
        left: (R, r) float32.
        right: (r, C) float32.
        scale: alpha / r.
    """

    left: NDArray[np.float32]
    right: NDArray[np.float32]
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """(R, C), the shape of the weight."""
        return self.left.shape[0], self.right.shape[1]


def read_adapters(directory: Path, transposed: Collection[str]) -> dict[str, LowRank]:
    """The adapters in a directory by module name; the matrices are memory-mapped.

    An adapter adds B A to a weight of shape (outputs, inputs), and the transpose of B A to a weight of shape
    (inputs, outputs) and to an embedding.

    Args:
        directory: the directory with peft's two files.
        transposed: modules that store their weight as (inputs, outputs).

    Raises:
        TrainingError: if the files are damaged or hold anything but plain LoRA.
    """
    scale = _scale(directory)
    file = read_header(directory / _WEIGHTS)
    parts: dict[str, dict[str, str]] = {}
    embeddings = set()
    for name in file.tensors:
        found = _NAME.fullmatch(name)
        if found is None:
            raise TrainingError(f"{file.path} holds {name}, which is not an adapter of vocabx: train again")
        parts.setdefault(found[1], {})[found[3]] = name
        embeddings |= {found[1]} if found[2] else set()
    return {
        module: _low_rank(file, module, names, scale, module in transposed or module in embeddings)
        for module, names in parts.items()
    }


def _low_rank(
    file: SafetensorsFile, module: str, names: dict[str, str], scale: float, transposed: bool
) -> LowRank:
    if set(names) != {"A", "B"}:
        raise TrainingError(
            f"{file.path} holds only one matrix of the adapter of {module}: train again, or restore it"
        )
    a, b = file.map(names["A"]), file.map(names["B"])
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise TrainingError(
            f"{file.path}: the matrices of the adapter of {module} do not fit: train again, or restore it"
        )
    left, right = (a.T, b.T) if transposed else (b, a)
    return LowRank(left.astype(np.float32, copy=False), right.astype(np.float32, copy=False), scale)


def _scale(directory: Path) -> float:
    path, remedy = directory / _CONFIG, "restore it, or train again"
    config = read_object(path, TrainingError, remedy)
    settings = fit(path, config, _Settings, TrainingError, remedy)
    unknown = [name for name, plain in _PLAIN.items() if config.get(name, plain) != plain]
    if unknown:
        raise TrainingError(f"{path} sets {unknown[0]}, which vocabx does not merge: merge with peft")
    return settings.lora_alpha / settings.r
