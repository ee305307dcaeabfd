"""A checkpoint that is to be measured: read by its headers, refused where it cannot be. Loads no model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.model_directory import read_object
from vocabx.checkpoint.tables import Checkpoint, read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.evaluation.measure import context_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer


@dataclass(frozen=True)
class EvaluatedModel:
    """A model of a comparison.

    Attributes:
        name: what it is called in the result.
        checkpoint: its headers.
        tokenizer: its own.
        manifest: the content of its vocabx.json, empty where there is none.
    """

    name: str
    checkpoint: Checkpoint
    tokenizer: FastTokenizer
    manifest: dict[str, Any]

    @property
    def directory(self) -> Path:
        """Where it lies."""
        return self.checkpoint.directory

    @property
    def context(self) -> int:
        """How many tokens it reads at once."""
        return context_of(self.checkpoint.config)

    @property
    def weight_bytes(self) -> int:
        """Size of its weight files."""
        return sum(file.path.stat().st_size for file in self.checkpoint.files)

    @property
    def recorded_base(self) -> dict[str, Any]:
        """What vocabx.json says of its base, empty where it says nothing."""
        found = self.manifest.get("base")
        return found if isinstance(found, dict) else {}

    def hull_bound(self, base: Checkpoint) -> float | None:
        """The bound of report.json on KL(base ‖ this model), in nats; None where there is none that holds.

        It holds for the rows that were made, beside the tables of the base that they were made from. What was
        trained since keeps its report, and no bound.
        """
        path = self.directory / "report.json"
        known = path.is_file() and not self.manifest.get("training")
        bound = read_object(path).get("hull_bound") if known else None
        as_made = self.manifest.get("tables") == table_hashes(self.checkpoint)
        same_base = self.recorded_base.get("tables") == table_hashes(base)
        return float(bound) if isinstance(bound, (int, float)) and as_made and same_base else None


def read_evaluated_model(name: str, directory: Path) -> EvaluatedModel:
    """Read a checkpoint by its headers.

    Args:
        name: what it is to be called.
        directory: where it lies.

    Raises:
        VocabxError: it is not there, is a run of training, is damaged, or does not predict the next token.
    """
    if not directory.is_dir():
        raise BaseModelError(f"there is no directory {directory}: pass directories of checkpoints")
    if (directory / "training.json").is_file() and not (directory / "config.json").is_file():
        raise BaseModelError(
            f"{directory} is a training run: merge it first with vocabx merge {directory} --out DIR"
        )
    checkpoint = read_checkpoint(directory)
    if not checkpoint.generates:
        raise BaseModelError(
            f"{directory} does not predict the next token of a text: what is measured here is that of models "
            "that generate"
        )
    return EvaluatedModel(name, checkpoint, read_tokenizer(directory), read_manifest(directory))
