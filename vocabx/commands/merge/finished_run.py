"""A finished training run and its base, both checked against what the run recorded."""

from dataclasses import dataclass
from pathlib import Path

from vocabx._util.json_file import refusal
from vocabx._util.paths import path_of
from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import file_hash
from vocabx.checkpoint.model_directory import refuse_links
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.staging import unfinished_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError, TrainingError
from vocabx.progress import Progress, Quiet
from vocabx.training.methods import Method
from vocabx.training.record import RECORD, REMEDY, TrainingRecord, read_record


@dataclass(frozen=True)
class FinishedRun:
    """A finished run of `vocabx train`, and the checkpoint it trained.

    Attributes:
        directory: the directory of the run.
        record: its training.json.
        checkpoint: the base, read from its headers.
    """

    directory: Path
    record: TrainingRecord
    checkpoint: Checkpoint

    @property
    def method(self) -> Method:
        """How it was trained."""
        return self.record.method

    @property
    def new_rows(self) -> int:
        """Number of new rows of each embedding matrix, padding rows included."""
        return self.record.rows - self.record.first_id


def read_method(directory: Path) -> Method:
    """How a finished run was trained, by its record alone.

    Raises:
        TrainingError: there is no finished run, or its record is damaged.
    """
    return _record(directory).method


def read_finished(directory: Path, base: str = "", progress: Progress | None = None) -> FinishedRun:
    """Find a run and its base, and check that neither has changed.

    Reads the base's embedding matrices and all trained parameters to compute their sha256.

    Args:
        directory: the directory of the run.
        base: the checkpoint that was trained; "" for the path that the run recorded.
        progress: receives the stage.

    Raises:
        TrainingError: if there is no finished run, or a file of it is missing or was changed.
        BaseModelError: if the base is missing or is another one, or a file of the run lies elsewhere.
    """
    progress = progress or Quiet()
    if directory.is_dir():
        refuse_links(directory)
    record = _record(directory)
    with progress.stage("Checking the run and its base"):
        _check_files(directory, record)
        checkpoint = _base(directory, record, base)
    return FinishedRun(directory, record, checkpoint)


def _record(directory: Path) -> TrainingRecord:
    if not (directory / RECORD).is_file() and unfinished_of(directory).is_dir():
        raise TrainingError(
            f"{directory} is not finished: resume with the same vocabx train command and --resume, then merge"
        )
    return read_record(directory)


def _check_files(directory: Path, record: TrainingRecord) -> None:
    for name, digest in record.files.items():
        path = directory / name
        # An edited record could name any file on the disk.
        if not path.is_file() or not path.resolve().is_relative_to(directory.resolve()):
            raise TrainingError(f"{directory} lacks {name}: copy the complete directory again")
        if file_hash(path) != digest:
            raise TrainingError(f"{path} was damaged or replaced after training: restore it, or train again")


def _base(directory: Path, record: TrainingRecord, given: str) -> Checkpoint:
    path = path_of(given or record.base.directory)
    if not path.is_dir():
        where = "" if given else f", the base of {directory}"
        raise BaseModelError(
            f"{path}{where} does not exist: pass the checkpoint that was trained with --base"
        )
    checkpoint = read_checkpoint(path)
    found = table_hashes(checkpoint)
    for name, digest in record.base.tables.items():
        if found.get(name) != digest:
            raise BaseModelError(
                f"{path} is not the checkpoint that {directory} was trained on: its {name} differs; pass the "
                "right one with --base"
            )
    if checkpoint.input.rows != record.rows:
        says = f"is damaged at rows: expected {checkpoint.input.rows}, got {record.rows}"
        raise refusal(directory / RECORD, TrainingError, says, REMEDY)
    return checkpoint
