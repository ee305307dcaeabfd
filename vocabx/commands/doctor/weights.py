"""The embedding matrices of a directory, read even if files contradict each other; `sizes` checks them.

A missing or damaged file becomes a finding, and the remaining matrices are found by name.
"""

from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there
from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.model_directory import read_weight_map
from vocabx.checkpoint.safetensors_file import INDEX, SafetensorsFile, read_header
from vocabx.checkpoint.tables import SINGLE, StoredTables, find_tables
from vocabx.commands.doctor.finding import Finding, first
from vocabx.errors import BaseModelError, VocabxError


def read_weights(directory: Path, config: dict[str, Any]) -> tuple[StoredTables | None, list[Finding]]:
    """The embedding matrices of `directory`, None if none are found, and findings about damaged files."""
    files, damage = _files(directory)
    if not files:
        return None, damage
    # Embedding matrices and biases have one or two dimensions.
    where = {
        name: file for file in files for name, entry in file.tensors.items() if len(entry.shape) in (1, 2)
    }
    kind = str(config.get("model_type", ""))
    known = [ARCHITECTURES[kind]] if kind in ARCHITECTURES else list(dict.fromkeys(ARCHITECTURES.values()))
    for architecture in known:
        if (found := find_tables(architecture, where)) is not None:
            return found, damage
    if damage:
        return None, damage
    sentence = f"The embedding matrix has no name that vocabx knows for the model type {kind!r}."
    return None, [Finding("tables", "note", sentence, remedy="Rows and sizes are not examined.")]


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
