"""The embedding matrices of a directory, read even if files contradict each other; `sizes` checks them.

A missing or damaged file becomes a finding, and the remaining matrices are found by name. Those of a type
that the table of known types lacks are found by its class, if transformers can build it.
"""

from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there
from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture
from vocabx.checkpoint.built_architecture import Shapes
from vocabx.checkpoint.find_architecture import find_architecture
from vocabx.checkpoint.model_directory import read_weight_map
from vocabx.checkpoint.safetensors_file import INDEX, SafetensorsFile, read_header
from vocabx.checkpoint.tables import SINGLE, StoredTables, find_tables
from vocabx.commands.doctor.finding import Finding, first
from vocabx.errors import BaseModelError, VocabxError


def read_weights(
    directory: Path, config: dict[str, Any]
) -> tuple[StoredTables | None, Architecture | None, list[Finding]]:
    """The embedding matrices of `directory`, None if none are found, and findings about damaged files.

    Between them, the architecture by which they were found; None if only names told.
    """
    files, damage = _files(directory)
    if not files:
        return None, None, damage
    # Embedding matrices and biases have one or two dimensions.
    where = {
        name: file for file in files for name, entry in file.tensors.items() if len(entry.shape) in (1, 2)
    }
    kind = str(config.get("model_type", ""))
    own = ARCHITECTURES.get(kind) or _by_class(config, files, directory)
    for architecture in [own] if own is not None else dict.fromkeys(ARCHITECTURES.values()):
        if (found := find_tables(architecture, where)) is not None:
            return found, own, damage
    if damage:
        return None, own, damage
    sentence = f"The embedding matrix has no name that vocabx knows for the model type {kind!r}."
    return None, own, [Finding("tables", "note", sentence, remedy="Rows and sizes are not examined.")]


def _by_class(config: dict[str, Any], files: list[SafetensorsFile], directory: Path) -> Architecture | None:
    """The architecture of a type that the table lacks; None if its class cannot be built, or not extended."""
    shapes = Shapes({name: entry.shape for file in files for name, entry in file.tensors.items()})
    try:
        return find_architecture(config, shapes, directory)[0]
    except BaseModelError:
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
    remedy = "Download these files again."
    return files, [
        Finding("weights", "fatal", "Weight files are missing or damaged.", len(bad), first(bad), remedy)
    ]


def _paths(directory: Path, bad: list[str]) -> list[Path]:
    """The weight files that the index lists, or those in the directory."""
    found = sorted(directory.glob("*.safetensors"))
    index = directory / INDEX
    if not is_there(index):
        single = directory / SINGLE
        return [single] if single in found else found
    try:
        names = set(read_weight_map(index).values())
    except BaseModelError:
        bad.append(f"{INDEX} is not an index")
        return found
    inside = [name for name in names if Path(name).name == name]
    bad += [
        f"{INDEX} lists {name!r}, which is not a file in the directory"
        for name in names
        if name not in inside
    ]
    return [directory / name for name in sorted(inside)]
