"""A checkpoint to be evaluated, read from its headers without loading the model."""

from dataclasses import dataclass
from pathlib import Path

from vocabx._util.json_file import is_there
from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import Manifest, RecordedBase, read_manifest
from vocabx.checkpoint.objective import Objective, objective_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.evaluation.measure import context_of_checkpoint
from vocabx.report.recorded_report import RecordedReport, read_report
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.training.masked_head import require_head
from vocabx.training.record import RECORD, TrainingRecord, read_record


@dataclass(frozen=True)
class EvaluatedModel:
    """A model to be evaluated.

    Attributes:
        name: its name in the result.
        checkpoint: its headers.
        tokenizer: its own.
        manifest: its vocabx.json, None where there is none.
        report: what its report.json says.
        training: its training.json, None where vocabx.json records no training.
    """

    name: str
    checkpoint: Checkpoint
    tokenizer: FastTokenizer
    manifest: Manifest | None
    report: RecordedReport
    training: TrainingRecord | None = None

    @property
    def directory(self) -> Path:
        """The directory of the checkpoint."""
        return self.checkpoint.directory

    @property
    def context(self) -> int:
        """Length of its context in tokens."""
        return context_of_checkpoint(self.checkpoint)

    @property
    def objective(self) -> Objective:
        """What it predicts."""
        return objective_of(self.checkpoint.config)

    @property
    def weight_bytes(self) -> int:
        """Size of its weight files."""
        return self.checkpoint.weight_bytes

    @property
    def recorded_base(self) -> RecordedBase | None:
        """What vocabx.json says of its base, None where there is none."""
        return None if self.manifest is None else self.manifest.base

    def hull_bound(self, base: Checkpoint) -> float | None:
        """The bound of report.json on KL(base ‖ this model), in nats; None if there is none or it is void.

        It applies only to the embeddings as initialized, with the base they were initialized from. A trained
        checkpoint keeps its report, but the bound no longer applies.
        """
        manifest, bound = self.manifest, self.report.hull_bound
        if manifest is None or manifest.training or bound is None:
            return None
        as_made = manifest.tables == table_hashes(self.checkpoint)
        return bound if as_made and manifest.base.tables == table_hashes(base) else None


def is_run(directory: Path) -> bool:
    """Whether a directory holds what was trained, and no checkpoint."""
    return (directory / RECORD).is_file() and not (directory / "config.json").is_file()


def read_evaluated_model(name: str, directory: Path) -> EvaluatedModel:
    """Read a checkpoint from its headers.

    Args:
        name: its name in the result.
        directory: the directory of the checkpoint.

    Raises:
        VocabxError: if it is missing, damaged, a training run, or has no head that predicts tokens.
    """
    if not directory.is_dir():
        raise BaseModelError(f"{directory} is not a directory: pass directories of checkpoints")
    if is_run(directory):
        raise BaseModelError(
            f"{directory} is a training run: merge it first with vocabx merge {directory} --out DIR"
        )
    checkpoint = read_checkpoint(directory)
    checkpoint.require_no_own_code("an evaluation", "measure it in your own script")
    if objective_of(checkpoint.config) == "causal" and not checkpoint.generates:
        raise BaseModelError(f"{directory} predicts no tokens: only models that do can be evaluated")
    require_head(checkpoint)
    manifest = read_manifest(directory)
    report = RecordedReport() if manifest is None else read_report(directory)
    trained = manifest is not None and manifest.training is not None and is_there(directory / RECORD)
    training = read_record(directory) if trained else None
    return EvaluatedModel(name, checkpoint, read_tokenizer(directory), manifest, report, training)
