"""Weights in torch's own format (pytorch_model.bin), converted once to safetensors in the user's cache.

These files are pickles, which can hold code. They are only read with torch's weights-only loader, which makes
tensors and refuses everything else. Each shard becomes one file of the same name, written tensor by tensor.
"""

import hashlib
import json
import math
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.cache import cache_directory
from vocabx._util.extras import Packages, missing, need
from vocabx._util.links import copy_folder
from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture, stored_names
from vocabx.checkpoint.built_architecture import Shapes
from vocabx.checkpoint.configuration import is_tied, read_config
from vocabx.checkpoint.find_architecture import find_architecture
from vocabx.checkpoint.index_names import check_index
from vocabx.checkpoint.model_directory import read_index, refuse_links
from vocabx.checkpoint.quantised import quantisation_of, refuse_quantised_matrices
from vocabx.checkpoint.safetensors_file import WIDTHS
from vocabx.checkpoint.side_files import TEMPLATES, find_side_files
from vocabx.checkpoint.staging import check_space, make_once
from vocabx.checkpoint.write_tensors import Made, NewTensor, write_tensors
from vocabx.errors import BaseModelError, OutputError
from vocabx.progress import Advance, Progress

PACKAGES: Packages = {"torch": "evaluate"}
SINGLE = "pytorch_model.bin"
INDEX = "pytorch_model.bin.index.json"
# Part of the cache key: increase it when the converted files change.
_FORMAT = 2
_CHUNK = 1 << 24
# Weights, which are converted or belong to other libraries; everything else is copied.
_WEIGHTS = {
    ".bin", ".pt", ".pth", ".ckpt", ".safetensors", ".gguf", ".h5", ".msgpack", ".onnx", ".npz", ".pkl",
}  # fmt: skip
# Names of dtypes in torch and in safetensors.
_DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
}  # fmt: skip


@dataclass(frozen=True)
class _OfAnyDtype(NewTensor):
    """A tensor of any dtype, whose blocks are raw bytes."""

    @property
    def size(self) -> int:
        return math.prod(self.shape) * WIDTHS[self.dtype]


def has_only_bin(directory: Path) -> bool:
    """Whether a directory has weights as .bin files, but none as safetensors."""
    return not has_safetensors(directory) and ((directory / SINGLE).exists() or (directory / INDEX).exists())


def has_safetensors(directory: Path) -> bool:
    """Whether a directory has the weights of a model as safetensors; those of an adapter are not."""
    names = ("model.safetensors", "model.safetensors.index.json")
    return any((directory / name).exists() for name in names)


def unpacking_packages(directory: Path) -> Packages:
    """The packages that `unpack_bin` will need: none where the weights were converted before.

    Raises:
        BaseModelError: a file of the directory lies elsewhere.
    """
    if not missing(PACKAGES):
        return PACKAGES
    refuse_links(directory)
    return {} if _target(directory).is_dir() else PACKAGES


def unpack_bin(directory: Path, progress: Progress, trust: bool = False) -> Path:
    """Convert a model with .bin weights to safetensors on first use, and return the converted directory.

    Tied embeddings that share their bytes are written once; other tensors that share storage are written
    separately. Memory use is one tensor, or the whole file for files from torch before 1.6.

    Args:
        directory: the model; names, sizes and times of its files are the cache key.
        progress: receives the conversion.
        trust: whether code that comes with the model is trusted; see `find_architecture`.

    Raises:
        BaseModelError: if a file is damaged, holds more than tensors, or is outside the directory; if the
            model's embeddings are quantized or it is of an unknown type; or if the cache has no room.
        MissingPackageError: if torch is not installed.
    """
    refuse_links(directory)
    config = read_config(directory)
    target = _target(directory)
    if target.is_dir():
        return target
    need("torch", "evaluate")
    where, names = _shards(directory)
    architecture = _architecture(directory, config, where, trust)
    total = sum(path.stat().st_size for path in _files(directory) if path.name in names or _goes_along(path))

    def make(scratch: Path) -> None:
        check_space(target, total)
        with progress.stage(f"Converting {directory.name}, once", total, "B") as advance:
            note = _Conversion(directory, config, architecture).run(where, names, scratch, advance)
        if note:
            progress.note(note)

    try:
        make_once(target, make, progress)
    except OutputError as error:
        # The message is about --out, but this is the cache.
        reason = str(error).partition(": make room")[0].partition("; ")[0]
        raise BaseModelError(f"{reason}: make room, or set VOCABX_CACHE to another directory") from None
    return target


def _architecture(
    directory: Path, config: dict[str, Any], where: Mapping[str, str] | None, trust: bool
) -> Architecture:
    """The names of a model's embedding matrices.

    Raises:
        BaseModelError: the type is unknown, or the matrices are quantized.
    """
    # A single file is read once more: only names, shapes and dtypes are needed, and it is memory-mapped.
    single = _load(directory / SINGLE) if where is None else {}
    shapes: dict[str, tuple[int, ...] | None] = dict.fromkeys(where or ())
    shapes |= {name: tuple(tensor.shape) for name, tensor in single.items()}
    dtypes = dict.fromkeys(where or (), "") | {name: _dtype(tensor) or "" for name, tensor in single.items()}
    how = quantisation_of(config, dtypes)
    known = ARCHITECTURES.get(str(config.get("model_type", "")))
    if how and known is not None:
        refuse_quantised_matrices(how, known, shapes, directory)
    architecture, _ = find_architecture(config, Shapes(shapes), directory, trust)
    if how:
        refuse_quantised_matrices(how, architecture, shapes, directory)
    return architecture


def _target(directory: Path) -> Path:
    """Where the converted weights of a directory are or will be."""
    return cache_directory() / "bin" / f"{_digest(directory)[:32]}-{_FORMAT}"


@dataclass(frozen=True)
class _Conversion:
    """The conversion of one model."""

    directory: Path
    config: dict[str, Any]
    architecture: Architecture

    def run(self, where: Mapping[str, str] | None, names: list[str], target: Path, advance: Advance) -> str:
        """Write the weights, their index if they had one, and copy all other files.

        Returns:
            Where the index is wrong about tensors that do not matter, in one sentence, or "".
        """
        note = ""
        held: dict[str, tuple[str, ...]] = {}
        written: dict[str, str] = {}
        size = 0
        for name in names:
            tensors = _load(self.directory / name)
            held[name] = tuple(tensors)
            kept = self._without_copies(tensors)
            file = _renamed(name)
            made = {key: _new_tensor(key, tensor, self.directory / name) for key, tensor in kept.items()}
            # Aligned like the safetensors library does, so that no number crosses its alignment.
            order = sorted(made, key=lambda key: (-WIDTHS[made[key].dtype], key))
            write_tensors(target / file, {key: made[key] for key in order}, {"format": "pt"}, advance)
            written |= dict.fromkeys(order, file)
            size += sum(tensor.size for tensor in made.values())
        if where is not None:
            note = check_index(self.directory / INDEX, where, held, self.architecture, self.config)
            index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(written.items()))}
            path = target / "model.safetensors.index.json"
            path.write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
        for path in _files(self.directory):
            if _goes_along(path):
                shutil.copyfile(path, target / path.name)
                advance(path.stat().st_size)
        for folder in _folders(self.directory):
            copy_folder(self.directory, folder, target, BaseModelError)
        return note

    def _without_copies(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors without tied copies of the input embeddings under other names."""
        known = self.architecture
        inputs = stored_names(known.inputs, known.prefix, tensors)
        if not inputs:
            return dict(tensors)
        table = tensors[inputs[0]]
        others = stored_names((*known.input_copies, *known.inputs), known.prefix, tensors)
        if is_tied(self.config, False, known):
            others += stored_names(known.outputs, known.prefix, tensors)
        same = {name for name in others if name != inputs[0] and _is_one(tensors[name], table)}
        return {name: tensor for name, tensor in tensors.items() if name not in same}


def _shards(directory: Path) -> tuple[dict[str, str] | None, list[str]]:
    """The content of the index, or None, and the names of the weight files."""
    if not (directory / INDEX).exists():
        if not (directory / SINGLE).is_file():
            raise BaseModelError(f"{directory / SINGLE} is not a file: download it again")
        return None, [SINGLE]
    where = read_index(directory / INDEX)
    names = sorted(set(where.values()))
    if SINGLE not in names and (directory / SINGLE).exists():
        raise BaseModelError(
            f"{directory} holds two models, {SINGLE} and the shards of {INDEX}: remove one of them"
        )
    return where, names


def _load(path: Path) -> dict[str, Any]:
    """The tensors of a file by name, memory-mapped if it was written by torch 1.6 or later."""
    import pickle

    torch = need("torch", "evaluate")
    with path.open("rb") as stream:
        # Older files cannot be memory-mapped.
        is_zip = stream.read(4) == b"PK\x03\x04"
    try:
        with warnings.catch_warnings():
            # Warnings about old or damaged pickles.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError:
        raise BaseModelError(
            f"{path} is damaged, or holds more than tensors, possibly code: nothing was run; pass the model "
            "as safetensors"
        ) from None
    except MemoryError:
        raise
    except Exception:  # A damaged pickle can raise anything.
        raise BaseModelError(f"{path} cannot be read as torch weights: download it again") from None
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in content.items()
    ):
        raise BaseModelError(f"{path} is not a dictionary of tensors: save the model as safetensors")
    return {name: tensor.detach() for name, tensor in content.items()}


def _new_tensor(name: str, tensor: Any, path: Path) -> NewTensor:
    dtype = _dtype(tensor)
    if dtype is None or str(tensor.layout) != "torch.strided" or tensor.device.type != "cpu":
        raise BaseModelError(
            f"{path} holds {name!r} as {tensor.dtype}, {tensor.layout}: save the model as safetensors"
        )
    return _OfAnyDtype(dtype, tuple(tensor.shape), (Made(lambda: _blocks(tensor)),))


def _dtype(tensor: Any) -> str | None:
    """What safetensors calls the dtype of a tensor, None for one that it does not know."""
    return _DTYPES.get(str(tensor.dtype).removeprefix("torch."))


def _blocks(tensor: Any) -> Iterator[NDArray[np.uint8]]:
    """The bytes of a tensor in row-major order."""
    torch = need("torch", "evaluate")
    content = tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def _is_one(one: Any, other: Any) -> bool:
    return bool(
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )


def _renamed(name: str) -> str:
    """The name that transformers gives the safetensors file."""
    return re.sub(r"^pytorch_model", "model", name.removesuffix(".bin")) + ".safetensors"


def _goes_along(path: Path) -> bool:
    return path.suffix not in _WEIGHTS and path.name != INDEX and not path.name.startswith(".")


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_file())


def _folders(directory: Path) -> list[str]:
    """The folders that belong to the model: chat templates, and modules of sentence-transformers."""
    named = {Path(name).parts[0] for name in find_side_files(directory).carried if "/" in name}
    return sorted({*named, TEMPLATES})


def _digest(directory: Path) -> str:
    """A digest of the directory's path and the names, sizes and times of its files."""
    files = [
        *_files(directory),
        *(path for name in _folders(directory) for path in (directory / name).rglob("*")),
    ]
    names = [(path.relative_to(directory).as_posix(), path.stat()) for path in files]
    stats = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in names]
    return hashlib.sha256(json.dumps([str(directory.resolve()), stats]).encode()).hexdigest()
