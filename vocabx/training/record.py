"""training.json: what a run says of itself, so that a merge can find its base and refuse another one."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.grow import write_json
from vocabx.errors import TrainingError

RECORD = "training.json"
FORMAT = 1


@dataclass(frozen=True)
class TrainingRecord:
    """The content of training.json. docs/training.md promises these fields.

    Attributes:
        version: of vocabx.
        method: name, dtype, rank, alpha, dropout and tables of `Method`.
        base: the checkpoint that was trained: its `directory`, and the sha256 of its `tables` by tensor name.
        language: BCP 47 tag.
        first_id: the id of the first new row; rows before it are the base's to the last bit, but for the
            methods that change them.
        rows: height of the tables.
        tied: whether input and output share one table.
        targets: names of the modules that have adapters.
        text: where target and replay text come from, how many sequences there are of each, their length, and
            the share of replay.
        steps: how many steps were trained, sequences of each, tokens predicted in all.
        schedule: its phases in steps, and the learning rates.
        measured: the held-out scores along the way, each with its step.
        seed: of order and draws.
        files: sha256 of what was trained, by path.
        run: command line, devices, versions of the libraries, seconds.
    """

    version: str
    method: dict[str, Any]
    base: dict[str, Any]
    language: str
    first_id: int
    rows: int
    tied: bool
    targets: tuple[str, ...]
    text: dict[str, Any]
    steps: dict[str, int]
    schedule: dict[str, Any]
    measured: list[dict[str, Any]]
    seed: int
    files: dict[str, str]
    run: dict[str, Any]

    def write(self, directory: Path) -> None:
        """Write training.json into `directory`."""
        write_json(directory / RECORD, {"format": FORMAT, **asdict(self)})


def read_record(directory: Path) -> TrainingRecord:
    """The training.json of a directory.

    Raises:
        TrainingError: there is none, or it is damaged.
    """
    path = directory / RECORD
    if not path.is_file():
        raise TrainingError(f"{directory} holds no {RECORD}: pass a directory that `vocabx train` wrote")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise TrainingError(f"{path} was written by another version of vocabx: merge with that one")
        return TrainingRecord(**{**content, "targets": tuple(content["targets"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TrainingError(f"{path} is damaged: train again, or restore it") from None
