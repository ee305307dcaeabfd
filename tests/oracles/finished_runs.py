"""Finished training runs without training: random trained weights, written as `vocabx train` writes them."""

from pathlib import Path
from typing import Any

import torch
from manifests import small_manifest
from msgspec.structs import replace
from tiny_models import tiny_model

from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import Sizes, TokenRange, file_hash, records_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.training.methods import Method, Prepared, prepare
from vocabx.training.metrics import Measured
from vocabx.training.record import (
    TrainedBase,
    TrainedRun,
    TrainedSchedule,
    TrainedSteps,
    TrainedText,
    TrainingRecord,
)
from vocabx.training.state import save_result

FIRST, ROWS = 40, 50
LORA = Method("lora", "float32", rank=4, alpha=6.0)
QLORA = replace(LORA, name="qlora")


def small_base(directory: Path, kind: str = "llama", dtype: str = "float32", **settings: Any) -> Path:
    """A random model with ten new rows and a manifest that states them, without a tokenizer."""
    shard = settings.pop("shard", "5GB")
    model = tiny_model(kind, ROWS, **settings).to(getattr(torch, dtype))
    model.save_pretrained(directory, max_shard_size=shard)
    checkpoint = read_checkpoint(directory)
    small_manifest(
        sizes=Sizes(ROWS, ROWS - FIRST, ROWS, 0),
        ranges=(TokenRange(FIRST, ROWS - FIRST, "learned"),),
        tables=table_hashes(checkpoint),
        shards=records_of(checkpoint, (), False),
    ).write(directory)
    return directory


def finished_run(
    base: Path,
    directory: Path,
    method: Method = LORA,
    first: int = FIRST,
    size: float = 0.05,
    language: str = "en",
) -> Path:
    """A run of `base` whose trained weights changed randomly by about `size`."""
    directory.mkdir()
    prepared = prepare(base, method, first, seed=0, device="cpu")
    _move(prepared, size)
    save_result(prepared.model, prepared.split.parameters if prepared.split else {}, directory, str(base))
    record = finished_record(base, directory, method, first, language)
    replace(record, targets=prepared.targets).write(directory)
    return directory


def finished_record(
    base: Path,
    directory: Path,
    method: Method = LORA,
    first: int = FIRST,
    language: str = "en",
) -> TrainingRecord:
    """The record of a run of `base` in `directory`, whose weights are there."""
    checkpoint = read_checkpoint(base)
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return TrainingRecord(
        version="0",
        method=method,
        base=TrainedBase(str(base), table_hashes(checkpoint)),
        language=language,
        first_id=first,
        rows=checkpoint.input.rows,
        tied=checkpoint.tied,
        targets=(),
        text=TrainedText("some text", "", 0.0, 256, 8, 0, 1000),
        steps=TrainedSteps(2, 4, 2000),
        schedule=TrainedSchedule(2, 0, 0, 1, learning_rate=1e-4, rows_learning_rate=1e-3, weight_decay=0.0),
        measured=(Measured(1, 1000, 3.5, 0.1), Measured(2, 2000, 2.5, 0.1)),
        seed=0,
        files={str(path.relative_to(directory)): file_hash(path) for path in files},
        run=TrainedRun("", 1.0, 1, 4, 1, {"device": "cpu"}, ""),
    )


def _move(prepared: Prepared, size: float) -> None:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in prepared.model.parameters():
            if parameter.requires_grad:
                parameter += size * torch.randn(parameter.shape, generator=generator)
