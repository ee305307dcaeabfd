"""Which tensors of a checkpoint a training run changes, and how.

Everything is computed lazily when a tensor is written, one matrix at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.factorised import primitives_by_name
from vocabx.checkpoint.safetensors_file import DTYPES, SafetensorsFile, read_header
from vocabx.checkpoint.write_tensors import Kept, Made, NewTensor
from vocabx.commands.merge.adapters import LowRank, read_adapters
from vocabx.commands.merge.dequantise import through_4_bits
from vocabx.commands.merge.finished_run import FinishedRun
from vocabx.commands.merge.lora import BLOCK, added, cast
from vocabx.commands.merge.outline import Outline
from vocabx.errors import BaseModelError, TrainingError
from vocabx.mixture.initialization import Which
from vocabx.training.state import ADAPTER, ROWS, TRAINED
from vocabx.training.stored import stored_tensor, stored_weight

Changes = dict[Path, dict[str, NewTensor | None]]
_Change = tuple[SafetensorsFile, str, NewTensor]
# Kinds of matrices that are no parameters of new rows: the run keeps them, or trains them whole.
_UNTRAINED = ("lookup", "choice")


@dataclass(frozen=True)
class _Changer:
    """Computes the changed tensors of a run.

    Attributes:
        run: the run and its base.
        outline: the modules of the base's model.
        dequantise: whether weights are first quantized to 4 bits and dequantized.
        device: torch device for that.
    """

    run: FinishedRun
    outline: Outline
    dequantise: bool
    device: str

    def adapted(self, file: SafetensorsFile, name: str, module: str, adapter: LowRank | None) -> NewTensor:
        """A weight with its adapter added."""
        entry = file.tensors[name]
        if adapter is not None and adapter.shape != entry.shape:
            raise TrainingError(
                f"the adapter of {module} is for a weight of {adapter.shape}, and that of "
                f"{self.run.checkpoint.directory} has {entry.shape}: it belongs to another base"
            )
        quantised = self.dequantise and module in self.outline.quantised
        transposed = module in self.outline.transposed

        def blocks() -> Iterator[NDArray[Any]]:
            weight = file.map(name)
            if quantised:
                weight = through_4_bits(weight, self.run.method.dtype, self.device, transposed)
            yield from added(weight, adapter, DTYPES[entry.dtype], name)

        return NewTensor(entry.dtype, entry.shape, (Made(blocks),))


def merge_changes(run: FinishedRun, outline: Outline, dequantise: bool, device: str) -> Changes:
    """The tensors that a run changes, by file path and tensor name.

    Args:
        run: the run and its base.
        outline: the modules of the base's model, with the quantized layers if `dequantise` is set.
        dequantise: whether layers that were quantized to 4 bits for training are merged in their dequantized
            form, also those without an adapter.
        device: torch device for that.

    Raises:
        TrainingError: if the trained parameters do not fit the base.
        BaseModelError: if the base's files have no tensor for a trained parameter.
    """
    if run.method.name == "full":
        return _gathered(_of_parameters(run, outline))
    changer = _Changer(run, outline, dequantise, device)
    adapters: dict[str, LowRank] = {}
    if run.method.adapts:
        adapters = read_adapters(run.directory / ADAPTER, outline.transposed)
        if adapters.keys() != set(run.record.targets):
            raise TrainingError(
                f"{run.directory / ADAPTER} holds other adapters than training.json lists: restore it, or "
                "train again"
            )
    tables = _of_tables(changer, adapters) if run.method.tables else _of_rows(run)
    return _gathered([*tables, *_of_weights(changer, adapters)])


def _gathered(changes: Iterable[_Change]) -> Changes:
    result: Changes = {}
    for file, name, tensor in changes:
        result.setdefault(file.path, {})[name] = tensor
    return result


def _of_rows(run: FinishedRun) -> Iterator[_Change]:
    """Embedding matrices with old rows copied byte for byte, and the trained rows after them.

    All rows of factorized ones are trained, and their primitives. Nothing after the training of a base left
    alone, which has no new rows.
    """
    if not run.new_rows:
        return
    file = read_header(run.directory / ROWS)
    primitives = primitives_by_name(run.checkpoint)
    first = 0 if primitives else run.record.first_id
    for table in run.checkpoint.tables:
        kind = run.checkpoint.kind_of(table)
        if kind in _UNTRAINED:
            continue
        entry = table.file.tensors[table.name]
        shape = (table.rows - first, *entry.shape[1:])
        if kind not in file.tensors or file.tensors[kind].shape != shape:
            raise TrainingError(
                f"{file.path} has no rows of shape {shape} for {table.name}: it belongs to another base"
            )
        old = (Kept(table.file, table.name, first),) if first else ()
        made = _trained(file, kind, table.file, table.name)
        yield table.file, table.name, NewTensor(entry.dtype, entry.shape, (*old, made))
        if table.name in primitives:
            yield _whole(file, f"{kind}_primitives", table.file, primitives[table.name].name)


def _of_tables(changer: _Changer, adapters: dict[str, LowRank]) -> Iterator[_Change]:
    """Embedding matrices with adapters: every row changes."""
    modules = {"input": changer.outline.embedding, "output": changer.outline.output}
    for table in changer.run.checkpoint.tables:
        module = modules.get(changer.run.checkpoint.kind_of(table))
        if module in adapters:
            yield table.file, table.name, changer.adapted(table.file, table.name, module, adapters[module])


def _of_weights(changer: _Changer, adapters: dict[str, LowRank]) -> Iterator[_Change]:
    """Linear layers with adapters, and those that are merged in their dequantized form."""
    tables = {changer.outline.embedding, changer.outline.output}
    quantised = changer.outline.quantised if changer.dequantise else frozenset[str]()
    for module in sorted((adapters.keys() | quantised) - tables):
        found = stored_weight(changer.run.checkpoint, module)
        if found is None:
            raise _not_stored(changer.run, module, "" if module in adapters else ", or pass --onto original")
        yield *found, changer.adapted(*found, module, adapters.get(module))


def _of_parameters(run: FinishedRun, outline: Outline) -> Iterator[_Change]:
    """Every tensor from the parameter of its name; a matrix stored twice comes from the same parameter."""
    trained = read_header(run.directory / TRAINED)
    names: dict[Which, str] = {
        "input": f"{outline.embedding}.weight",
        "output": f"{outline.output}.weight",
        "bias": outline.bias,
    }
    for table in run.checkpoint.tables:
        if run.checkpoint.kind_of(table) in _UNTRAINED:
            continue
        yield _whole(trained, names[run.checkpoint.kind_of(table)], table.file, table.name)
    for name in trained.tensors.keys() - set(names.values()):
        found = stored_tensor(run.checkpoint, name)
        if found is None:
            raise _not_stored(run, name, "")
        yield _whole(trained, name, *found)


def _whole(trained: SafetensorsFile, parameter: str, file: SafetensorsFile, name: str) -> _Change:
    entry = file.tensors[name]
    if parameter not in trained.tensors or trained.tensors[parameter].shape != entry.shape:
        raise TrainingError(
            f"{trained.path} has no {parameter} of shape {entry.shape}: it belongs to another base"
        )
    return file, name, NewTensor(entry.dtype, entry.shape, (_trained(trained, parameter, file, name),))


def _trained(trained: SafetensorsFile, parameter: str, file: SafetensorsFile, name: str) -> Made:
    """Trained rows, cast to the dtype of their target tensor."""
    dtype = DTYPES[file.tensors[name].dtype]

    def blocks() -> Iterator[NDArray[Any]]:
        rows = np.atleast_1d(trained.map(parameter))
        for start in range(0, len(rows), BLOCK):
            yield cast(rows[start : start + BLOCK], dtype, name)

    return Made(blocks)


def _not_stored(run: FinishedRun, name: str, advice: str) -> BaseModelError:
    return BaseModelError(
        f"{run.checkpoint.directory} stores no separate weight for {name}, so vocabx cannot merge it: merge "
        f"with peft{advice}"
    )
