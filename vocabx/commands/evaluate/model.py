"""A checkpoint to be evaluated, read from its headers without loading the model."""

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
    """A model to be evaluated.

    Attributes:
        name: its name in the result.
        checkpoint: its headers.
        tokenizer: its tokenizer.
        manifest: the content of its vocabx.json, empty if there is none.
    """

    name: str
    checkpoint: Checkpoint
    tokenizer: FastTokenizer
    manifest: dict[str, Any]

    @property
    def directory(self) -> Path:
        """The directory of the checkpoint."""
        return self.checkpoint.directory

    @property
    def context(self) -> int:
        """Length of its context in tokens."""
        return context_of(self.checkpoint.config)

    @property
    def weight_bytes(self) -> int:
        """Size of its weight files."""
        return sum(file.path.stat().st_size for file in self.checkpoint.files)

    @property
    def recorded_base(self) -> dict[str, Any]:
        """The entry of vocabx.json about its base, empty if there is none."""
        found = self.manifest.get("base")
        return found if isinstance(found, dict) else {}

    def hull_bound(self, base: Checkpoint) -> float | None:
        """The bound of report.json on KL(base ‖ this model), in nats; None if there is none or it is void.

        It applies only to the embeddings as initialized, with the base they were initialized from. A trained
        checkpoint keeps its report, but the bound no longer applies.
        """
        path = self.directory / "report.json"
        known = path.is_file() and not self.manifest.get("training")
        bound = read_object(path).get("hull_bound") if known else None
        as_made = self.manifest.get("tables") == table_hashes(self.checkpoint)
        same_base = self.recorded_base.get("tables") == table_hashes(base)
        return float(bound) if isinstance(bound, (int, float)) and as_made and same_base else None


def read_evaluated_model(name: str, directory: Path) -> EvaluatedModel:
    """Read a checkpoint from its headers.

    Args:
        name: its name in the result.
        directory: the directory of the checkpoint.

    Raises:
        VocabxError: if it is missing, damaged, a training run, or does not predict the next token.
    """
    if not directory.is_dir():
        raise BaseModelError(f"{directory} is not a directory: pass directories of checkpoints")
    if (directory / "training.json").is_file() and not (directory / "config.json").is_file():
        raise BaseModelError(
            f"{directory} is a training run: merge it first with vocabx merge {directory} --out DIR"
        )
    checkpoint = read_checkpoint(directory)
    if not checkpoint.generates:
        raise BaseModelError(
            f"{directory} does not predict the next token of a text: only generative models can be evaluated"
        )
    return EvaluatedModel(name, checkpoint, read_tokenizer(directory), read_manifest(directory))
