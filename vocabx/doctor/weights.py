"""The tables of a directory, read so that no contradiction stops the reading. Checks nothing: see `sizes`.

A missing or damaged file becomes a finding, and the tables that are left are looked for by name.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.safetensors_file import SafetensorsFile, read_header
from vocabx.checkpoint.tables import NAMES, PREFIXES, Table
from vocabx.doctor.finding import Finding, first
from vocabx.errors import VocabxError

_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, eq=False)
class Weights:
    """The tables that were found.

    Attributes:
        input: the embedding table.
        output: the table of the output layer, when it is stored.
        biases: the bias of the output layer, under each name that it is stored by.
    """

    input: Table
    output: Table | None
    biases: tuple[Table, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Those that are stored."""
        return (self.input, *(() if self.output is None else (self.output,)), *self.biases)


def read_weights(directory: Path, config: dict[str, Any]) -> tuple[Weights | None, list[Finding]]:
    """The tables of `directory`, None where none are found, and what is damaged."""
    files, damage = _files(directory)
    if not files:
        return None, damage
    where = {name: file for file in files for name in file.tensors}
    kind = str(config.get("model_type", ""))
    for names in [NAMES[kind]] if kind in NAMES else dict.fromkeys(NAMES.values()):
        table, output, *biases = (_find(name, where) for name in names)
        if table is not None:
            return Weights(table, output, tuple(bias for bias in biases if bias is not None)), damage
    if damage:
        return None, damage
    sentence = f"The embedding table is under no name that vocabx knows for the model type {kind!r}."
    return None, [Finding("tables", "note", sentence, remedy="Rows and sizes are not examined.")]


def _find(name: str, where: dict[str, SafetensorsFile]) -> Table | None:
    for prefix in ("", *PREFIXES):
        short = name.removeprefix(prefix)
        if short in where:
            dimensions = len(where[short].tensors[short].shape)
            return Table(short, where[short]) if dimensions in (1, 2) else None
    return None


def _files(directory: Path) -> tuple[list[SafetensorsFile], list[Finding]]:
    files: list[SafetensorsFile] = []
    bad: list[str] = []
    for path in _paths(directory, bad):
        try:
            files.append(read_header(path))
        except VocabxError as error:
            bad.append(str(error))
        except OSError:
            bad.append(f"{path.name} is missing")
    if not bad:
        return files, []
    remedy = "Get these files again."
    return files, [
        Finding("weights", "fatal", "Weight files are missing or damaged.", len(bad), first(bad), remedy)
    ]


def _paths(directory: Path, bad: list[str]) -> list[Path]:
    """The weight files that the index names, or those that are there."""
    found = sorted(directory.glob("*.safetensors"))
    index = directory / _INDEX
    if not index.is_file():
        single = directory / "model.safetensors"
        return [single] if single in found else found
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        bad.append(f"{_INDEX} is no index")
        return found
    inside = [name for name in names if isinstance(name, str) and Path(name).name == name]
    bad += [
        f"{_INDEX} names {name!r}, which is no file of the directory" for name in names if name not in inside
    ]
    return [directory / name for name in sorted(inside)]
