"""The factorized form of a checkpoint: E' ≈ F P for each embedding matrix, and the model class to load it.

Source: OFA (arXiv 2311.08849), section 3. P is computed from the base's rows alone. The coordinates of any
row r (old, new or padding) are r P⁺, the least-squares solution; for a row from OFA, r = w F P, they are w F,
exactly what OFA mixed. So any checkpoint can be factorized after it was written in dense form, and new rows
from OFA lose nothing more. Old rows are approximated; the result reports the error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.journal import whole_file
from vocabx.checkpoint.model_directory import read_object
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import DTYPES, INDEX, read_header
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.checkpoint.write_tensors import Made, NewTensor, changed, write_tensors
from vocabx.errors import BaseModelError
from vocabx.mixture.factorise import factorise
from vocabx.progress import Advance

CODE = "modeling_factorised.py"
_CLASS = "Factorised"
_ROWS = 8192
# The auto class for each kind of architecture, by the suffix of its class name.
_AUTO = {
    "ForCausalLM": "AutoModelForCausalLM",
    "LMHeadModel": "AutoModelForCausalLM",
    "ForMaskedLM": "AutoModelForMaskedLM",
}


@dataclass(frozen=True)
class Factorisation:
    """The result of factorizing a checkpoint.

    Attributes:
        rank: K.
        balance: a of F = U Sᵃ, P = S¹⁻ᵃ Vᵀ.
        errors: ‖E − F P‖ / ‖E‖ (Frobenius) over the old rows of tokens, by tensor name, measured on the
            factors as stored.
        parameters: parameters of the factors, without biases.
        dense_parameters: parameters of the dense matrices.
        auto_class: the transformers auto class that loads it.
    """

    rank: int
    balance: float
    errors: dict[str, float]
    parameters: int
    dense_parameters: int
    auto_class: str

    def as_form(self) -> dict[str, Any]:
        """The entries for `initializer` in the manifest."""
        return {"form": "factorised", "rank": self.rank, "balance": self.balance, "errors": self.errors}


def form_of(base: Checkpoint, made: Factorisation | None) -> dict[str, Any]:
    """The entries for `initializer` in the manifest of a result: a factorized base passes its form on.

    Args:
        base: the checkpoint that was extended.
        made: how the result was factorized, None if it was not.
    """
    if made is not None:
        return made.as_form()
    if not is_factorised(base.config):
        return {"form": "dense"}
    given = base.config["factorised"]
    return {"form": "factorised", "rank": given.get("rank"), "balance": given.get("balance")}


def check_factorisable(base: Checkpoint, old_rows: int, rank: int) -> None:
    """Refuse early what `factorise_checkpoint` cannot write.

    Raises:
        BaseModelError: if no model class can be derived for the base, or its matrices do not allow the rank.
    """
    _auto_class(base)
    width = base.input.file.tensors[base.input.name].shape[1]
    if not 1 <= rank <= min(width, old_rows):
        raise BaseModelError(
            f"--rank is {rank}: {base.directory} has embeddings of {old_rows:,} rows and width {width:,}, "
            f"so pass 1 to {min(width, old_rows):,}"
        )


def factorise_checkpoint(
    directory: Path,
    base: Checkpoint,
    old_rows: int,
    rank: int,
    balance: float = 0.0,
    advance: Advance = lambda done: None,
) -> Factorisation:
    """Factorize the extended checkpoint in `directory` in place.

    Weights are streamed through a second file that then replaces the first; memory use is the (old_rows, K)
    float32 coordinates of `factorise`, for one matrix at a time.

    Args:
        directory: an extended checkpoint in dense form; its first rows are those of `base`.
        base: the base it extends, from whose matrices the primitives are computed.
        old_rows: how many of the base's rows belong to tokens.
        rank: K, from 1 to the width; at the width nothing is lost, and nothing saved.
        balance: see `Factorisation`; 0 is the paper's, 0.5 trains better (inferred).
        advance: called with bytes written.

    Raises:
        BaseModelError: if no model class can be derived for the base, or the base is already factorized.
        InitializerError: if the rank does not fit, or a matrix holds NaN.
    """
    auto = _auto_class(base)
    whole = read_checkpoint(directory)
    changes: dict[Path, dict[str, NewTensor | None]] = {}
    errors: dict[str, float] = {}
    parameters = dense_parameters = 0
    for table in whole.tables:
        kind = whole.kind_of(table)
        mine = changes.setdefault(table.file.path, {})
        if kind == "input" and table is not whole.input:
            # Tied but stored twice: one copy is enough.
            mine[table.name] = None
        elif kind in ("input", "output"):
            old = base.input if kind == "input" else base.output
            assert old is not None
            made = _Factors(table, _primitives(old, rank, old_rows, balance))
            mine.update(made.tensors())
            errors[table.name] = made.error(old_rows)
            parameters += rank * (table.rows + made.primitives.shape[1])
            dense_parameters += table.rows * made.primitives.shape[1]
    for file in whole.files:
        if changes.get(file.path):
            with whole_file(file.path, None) as part:
                write_tensors(part, changed(file, changes[file.path]), file.metadata, advance)
    _write_index(directory)
    _write_class(directory, whole.config, auto, rank, balance)
    return Factorisation(rank, balance, errors, parameters, dense_parameters, auto[0])


def primitives_of(name: str) -> str:
    """The tensor name of the primitives of the matrix `name`."""
    return name.removesuffix("weight") + "primitives"


def primitive_tables(checkpoint: Checkpoint) -> tuple[Table, ...]:
    """The primitives of a factorized checkpoint; empty for a dense one."""
    return tuple(primitives_by_name(checkpoint).values())


def primitives_by_name(checkpoint: Checkpoint) -> dict[str, Table]:
    """The primitives of a factorized checkpoint by the tensor name of their matrix; empty for a dense one."""
    named = {table.name: Table(primitives_of(table.name), table.file) for table in checkpoint.tables}
    return {name: table for name, table in named.items() if table.name in table.file.tensors}


def rows_of(table: Table) -> Any:
    """The rows of a matrix, memory-mapped; those of a factorized one are computed per slice."""
    name = primitives_of(table.name)
    if name not in table.file.tensors:
        return table.map()
    return _Products(table.map(), np.asarray(table.file.map(name), dtype=np.float32))


class _Products:
    """F P, computed for slices of its rows."""

    def __init__(self, coordinates: NDArray[Any], primitives: NDArray[np.float32]) -> None:
        self._coordinates, self._primitives = coordinates, primitives
        self.shape = (len(coordinates), primitives.shape[1])

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        return np.asarray(self._coordinates[rows], dtype=np.float32) @ self._primitives


def is_factorised(config: dict[str, Any]) -> bool:
    """Whether a configuration belongs to a factorized checkpoint."""
    return isinstance(config.get("factorised"), dict)


def refuse_factorised(base: Checkpoint, work: str) -> None:
    """Refuse a factorized checkpoint where whole embeddings are needed.

    Args:
        base: the checkpoint.
        work: what needs them, such as "a .gguf file".

    Raises:
        BaseModelError: if it is factorized; the message says how to make it dense.
    """
    if is_factorised(base.config):
        raise BaseModelError(
            f"{base.directory} is factorized, and {work} needs whole embeddings: multiply them out with "
            f"`vocabx export {base.directory} --dense DIR`, and pass DIR"
        )


def dense_config(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a factorized checkpoint as it is when its matrices are multiplied out."""
    names = [str(name).removeprefix(_CLASS) for name in config.get("architectures") or []]
    kept = {name: value for name, value in config.items() if name != "factorised"}
    auto = {name: code for name, code in kept.pop("auto_map", {}).items() if not _is_ours(code)}
    return {**kept, "architectures": names, **({"auto_map": auto} if auto else {})}


def _is_ours(code: Any) -> bool:
    """Whether an entry of `auto_map` names the model class of factorized checkpoints."""
    return isinstance(code, str) and code.startswith(Path(CODE).stem)


def _auto_class(base: Checkpoint) -> tuple[str, str]:
    """The auto class, and the transformers class that the factorized one derives from."""
    if is_factorised(base.config):
        raise BaseModelError(f"{base.directory} is factorized already: omit --factorised")
    named = base.config.get("architectures") or [None]
    for ending, auto in _AUTO.items():
        if isinstance(named[0], str) and named[0].endswith(ending):
            return auto, named[0]
    raise BaseModelError(
        f"{base.directory} has the architecture {named[0]}, and only those ending in {', '.join(_AUTO)} can "
        "be factorized: omit --factorised"
    )


def _primitives(old: Table, rank: int, rows: int, balance: float) -> NDArray[Any]:
    """P (K, D) of a matrix of the base, rounded as stored."""
    return _rounded(factorise(old.map(), rank, rows, balance).primitives, old.dtype)


def _rounded(values: NDArray[Any], dtype: str) -> NDArray[Any]:
    rounded: NDArray[Any] = values.astype(DTYPES[dtype])
    if not np.isfinite(rounded.astype(np.float32)).all():
        raise BaseModelError(
            f"the factors overflow {dtype}: pass --factor-balance 0.5, or convert the base to BF16"
        )
    return rounded


class _Factors:
    """A dense matrix and the primitives (K, D) to factorize it with; read in chunks."""

    def __init__(self, table: Table, primitives: NDArray[Any]) -> None:
        self.table, self.primitives = table, primitives
        # Computed from the rounded primitives, so that the coordinates compensate for the rounding.
        self._inverse = np.linalg.pinv(primitives.astype(np.float64)).astype(np.float32)

    def tensors(self) -> dict[str, NewTensor]:
        """The coordinates, under the name of the matrix, and the primitives."""
        name, dtype, rows = self.table.name, self.table.dtype, self.table.rows
        shape = self.primitives.shape
        return {
            name: NewTensor(dtype, (rows, shape[0]), (Made(lambda: (f for _, f in self._chunks(rows))),)),
            primitives_of(name): NewTensor(dtype, shape, (Made(lambda: iter((self.primitives,))),)),
        }

    def error(self, rows: int) -> float:
        """‖E − F P‖ / ‖E‖ over the first `rows` rows, with both factors rounded as stored."""
        wide = self.primitives.astype(np.float32)
        missed = total = 0.0
        for chunk, coordinates in self._chunks(rows):
            missed += float(np.square(chunk - coordinates.astype(np.float32) @ wide, dtype=np.float64).sum())
            total += float(np.square(chunk, dtype=np.float64).sum())
        return float(np.sqrt(missed / total)) if total else 0.0

    def _chunks(self, rows: int) -> Iterator[tuple[NDArray[np.float32], NDArray[Any]]]:
        mapped = self.table.map()
        for start in range(0, rows, _ROWS):
            chunk = np.asarray(mapped[start : min(start + _ROWS, rows)], dtype=np.float32)
            yield chunk, _rounded(chunk @ self._inverse, self.table.dtype)


def _write_index(directory: Path) -> None:
    path = directory / INDEX
    if not path.is_file():
        return
    index = read_object(path)
    found = {name: read_header(directory / name) for name in sorted(set(index["weight_map"].values()))}
    index["weight_map"] = {tensor: name for name, file in found.items() for tensor in file.tensors}
    size = sum(entry.end - entry.begin for file in found.values() for entry in file.tensors.values())
    index["metadata"] = {**(index.get("metadata") or {}), "total_size": size}
    write_json(path, index)


def _write_class(
    directory: Path, config: dict[str, Any], auto: tuple[str, str], rank: int, balance: float
) -> None:
    """Register the model class in config.json, and copy its code."""
    name = f"{_CLASS}{auto[1]}"
    changed = {
        **config,
        "architectures": [name],
        "auto_map": {auto[0]: f"{Path(CODE).stem}.{name}"},
        "factorised": {"rank": rank, "balance": balance},
    }
    write_json(directory / "config.json", changed)
    code = (files("vocabx.assets") / "factorised" / CODE).read_bytes()
    (directory / CODE).write_bytes(code)
