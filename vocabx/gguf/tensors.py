"""The tensors of a .gguf file, each converted in blocks of rows from the memory map of its source.

Names are those of the gguf package. Vectors become F32, which llama.cpp computes with; matrices keep their
dtype or take the requested one.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.checkpoint.safetensors_file import SafetensorsFile
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError, OutputError
from vocabx.gguf.settings import Settings

AUTO = "auto"
DTYPES: dict[str, Any] = {
    "f32": np.dtype("<f4"),
    "f16": np.dtype("<f2"),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    # Blocks of 32 numbers: a 16-bit scale, then one byte per number.
    "q8_0": np.dtype(np.uint8),
}
CHOICES = (AUTO, *DTYPES)
_BLOCK, _BLOCK_BYTES = 32, 34
# The default, which keeps the dtype of the source.
_OF_SOURCE = {"F64": "f32", "F32": "f32", "F16": "f16", "BF16": "bf16"}
_NUMBERS_AT_ONCE = 1 << 22
# llama.cpp adds these to states, which are F32.
_ALWAYS_F32 = ("position_embd.weight", "token_types.weight")


@dataclass(frozen=True)
class GgufTensor:
    """One tensor of the file.

    Attributes:
        name: llama.cpp's name.
        shape: its shape, rows first.
        dtype: a key of DTYPES.
        blocks: yields the bytes in row order; called once.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    blocks: Callable[[], Iterator[NDArray[Any]]]

    @property
    def size(self) -> int:
        """Number of bytes."""
        count = math.prod(self.shape)
        return count // _BLOCK * _BLOCK_BYTES if self.dtype == "q8_0" else count * DTYPES[self.dtype].itemsize


def tensors_of(checkpoint: Checkpoint, settings: Settings, dtype: str) -> list[GgufTensor]:
    """The tensors of a checkpoint in the order of its files, and those derived from its configuration.

    Args:
        checkpoint: the checkpoint, read from its headers.
        settings: its settings.
        dtype: one of CHOICES.

    Raises:
        BaseModelError: if a tensor is missing, has a wrong shape, or does not exist in llama.cpp.
    """
    name_of = _names(settings)
    found: list[GgufTensor] = []
    factors = settings.rope.factors(settings.head_width)
    if factors is not None:
        found.append(GgufTensor("rope_freqs.weight", factors.shape, "f32", lambda: iter([factors])))
    for file in checkpoint.files:
        for source in file.tensors:
            known = settings.source(source)
            if known is None or (checkpoint.tied and source == "lm_head.weight"):
                continue
            name = name_of(known)
            if name is None:
                raise BaseModelError(
                    f"{checkpoint.directory} holds {source}, which llama.cpp's {settings.architecture.name} "
                    "models do not have"
                )
            found.append(_tensor(file, source, name, settings, dtype))
    _check(found, settings, checkpoint)
    return found


def _names(settings: Settings) -> Callable[[str], str | None]:
    gguf = need("gguf", "gguf")
    kind = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == settings.architecture.name)
    table = gguf.get_tensor_name_map(kind, settings.blocks)

    def name_of(source: str) -> str | None:
        name: str | None = table.get_name(source, try_suffixes=(".weight", ".bias"))
        return name

    return name_of


def _check(tensors: list[GgufTensor], settings: Settings, checkpoint: Checkpoint) -> None:
    """Refuse what llama.cpp would refuse: it requires exactly the tensors of the architecture."""
    shapes = settings.shapes()
    for tensor in tensors:
        short = tensor.name.split(".", 2)[-1] if tensor.name.startswith("blk.") else tensor.name
        if short not in shapes:
            raise BaseModelError(
                f"{checkpoint.directory} holds {tensor.name}, which llama.cpp's {settings.architecture.name} "
                "models do not have"
            )
        if tensor.shape != shapes[short]:
            raise BaseModelError(
                f"{checkpoint.directory}: {tensor.name} would be {tensor.shape}, and config.json says "
                f"{shapes[short]}: the checkpoint is damaged"
            )
    missing = sorted(settings.required() - {tensor.name for tensor in tensors})
    if missing:
        raise BaseModelError(
            f"{checkpoint.directory} holds nothing for {missing[0]} and {len(missing) - 1} more: is a "
            "shard missing?"
        )


def _tensor(file: SafetensorsFile, source: str, name: str, settings: Settings, dtype: str) -> GgufTensor:
    entry = file.tensors[source]
    kept = _OF_SOURCE.get(entry.dtype)
    if kept is None:
        raise BaseModelError(
            f"{source} in {file.path} is stored as {entry.dtype}: convert the model to one of "
            f"{', '.join(_OF_SOURCE)} first"
        )
    wanted = kept if dtype == AUTO else dtype
    if len(entry.shape) < 2 or name in _ALWAYS_F32:
        wanted = "f32"
    elif wanted == "q8_0" and entry.shape[-1] % _BLOCK:
        wanted = "f16"
    heads = _heads(name, settings)
    first = settings.first_row(name)
    shift = np.float32(settings.architecture.shift if name.endswith("norm.weight") else 0)

    def blocks() -> Iterator[NDArray[Any]]:
        data = file.map(source)[first:]
        order = None if heads is None else interleaved(len(data), heads)
        step = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(entry.shape[1:])))
        for start in range(0, len(data), step):
            rows = data[start : start + step] if order is None else data[order[start : start + step]]
            yield _converted(rows.astype(np.float32) + shift if shift else rows, wanted, source)

    shape = (entry.shape[0] - first, *entry.shape[1:]) if entry.shape else entry.shape
    return GgufTensor(name, shape, wanted, blocks)


def _heads(name: str, settings: Settings) -> int | None:
    """The number of heads of a tensor whose rows are permuted, else None."""
    part = name.split(".")[-2]
    if not settings.architecture.pairs_neighbours:
        return None
    return {"attn_q": settings.heads, "attn_k": settings.key_heads}.get(part)


def interleaved(rows: int, heads: int) -> NDArray[np.intp]:
    """The permutation of rows that puts dimensions n and n + half of each head side by side, (rows,)."""
    return np.arange(rows).reshape(heads, 2, rows // heads // 2).swapaxes(1, 2).reshape(rows)


def _converted(rows: NDArray[Any], dtype: str, source: str) -> NDArray[Any]:
    if dtype == "q8_0":
        gguf = need("gguf", "gguf")
        quantised: NDArray[Any] = gguf.quants.quantize(
            rows.astype(np.float32), gguf.GGMLQuantizationType.Q8_0
        )
        return quantised
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(rows, dtype=DTYPES[dtype])
    if dtype == "f16" and rows.dtype != converted.dtype and not np.isfinite(converted).all():
        raise OutputError(f"{source} holds numbers too large for f16: pass --dtype bf16 or f32")
    return converted
