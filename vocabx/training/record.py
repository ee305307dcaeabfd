"""training.json: the record of a run, so that a merge can find its base and refuse another one."""

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
    """The content of training.json. docs/training.md describes these fields.

    Attributes:
        version: version of vocabx.
        method: name, dtype, rank, alpha, dropout and tables of `Method`.
        base: the checkpoint that was trained: its `directory`, and `tables`, the sha256 of its embedding
            matrices by tensor name.
        language: BCP 47 tag.
        first_id: the id of the first new row; rows before it are the base's bit for bit, unless the method
            changes them.
        rows: number of rows of the embedding matrices.
        tied: whether input embeddings and lm_head share one matrix.
        targets: names of the modules with adapters.
        text: sources of target and replay text, their numbers of sequences, sequence length, share of replay.
        steps: number of steps, sequences per step, tokens predicted in total.
        schedule: its phases in steps, and the learning rates.
        measured: the held-out scores during training, each with its step.
        seed: seed of the order and of random draws.
        files: sha256 of the files with trained parameters, by path.
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
        TrainingError: if it is missing or damaged.
    """
    path = directory / RECORD
    if not path.is_file():
        raise TrainingError(f"{directory} has no {RECORD}: pass a directory that `vocabx train` wrote")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise TrainingError(f"{path} was written by another version of vocabx: merge with that version")
        return TrainingRecord(**{**content, "targets": tuple(content["targets"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TrainingError(f"{path} is damaged: train again, or restore it") from None
