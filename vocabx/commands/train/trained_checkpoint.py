"""The checkpoint that a run trains, and where its new rows begin."""

from pathlib import Path
from typing import Literal

from vocabx.checkpoint.manifest import Manifest, read_manifest
from vocabx.checkpoint.objective import objective_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.training.record import RECORD


def trained_checkpoint(directory: Path) -> tuple[Checkpoint, Manifest]:
    """A checkpoint to train, with its vocabx.json.

    Raises:
        BaseModelError: there is none, vocabx did not write it, or its model cannot be trained.
    """
    if not directory.is_dir():
        raise BaseModelError(f"{directory} is not a directory: pass a checkpoint that vocabx wrote")
    if (directory / RECORD).is_file() and not (directory / "config.json").is_file():
        raise BaseModelError(
            f"{directory} is a training run: merge it first with vocabx merge {directory} --out DIR, or "
            "pass it to --branch-from"
        )
    manifest = read_manifest(directory)
    if manifest is None:
        raise BaseModelError(
            f"{directory} has no vocabx.json, which records the new rows: pass a checkpoint that vocabx wrote"
        )
    checkpoint = read_checkpoint(directory)
    checkpoint.require_unquantised("training", "extend and train the model that was quantized")
    checkpoint.require_no_own_code("training", "train it in your own script")
    if checkpoint.sees:
        raise BaseModelError(f"{directory} holds a multimodal model: vocabx only trains language models")
    if objective_of(checkpoint.config) == "causal" and not checkpoint.generates:
        raise BaseModelError(f"{directory} holds a model that predicts no tokens: pass one that does")
    return checkpoint, manifest


def first_new_id(manifest: Manifest, directory: Path, which: Literal["all", "latest"] = "all") -> int:
    """The id of the first row that trains as a new one, from a manifest.

    Args:
        manifest: of the checkpoint.
        directory: its directory.
        which: new rows of all extensions that the checkpoint goes back to, or of the latest.

    Raises:
        BaseModelError: if the manifest does not record it.
    """
    if not manifest.ranges:
        raise BaseModelError(f"{directory}: vocabx.json lists no new tokens: extend the base again")
    steps = manifest.steps if which == "all" else manifest.steps[-1:]
    return min(part.first_id for step in steps for part in step.ranges)
