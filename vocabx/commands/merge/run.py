"""The story of a merge, in order: run and base, what changes, weights, files, records, comparison."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from vocabx._util.extras import need, require_all
from vocabx._util.links import copy_folder
from vocabx._util.memory import fits, free_memory
from vocabx._util.version import VERSION
from vocabx.checkpoint.grow import carry_files, write_changed
from vocabx.checkpoint.hashing import table_bytes, table_hashes
from vocabx.checkpoint.manifest import (
    DOCUMENTS,
    Manifest,
    RecordedTraining,
    composed_hashes,
    file_hash,
    read_manifest,
    records_of,
    run_record,
)
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.replacing import check_not_read
from vocabx.checkpoint.safetensors_file import INDEX
from vocabx.checkpoint.side_files import COMPOSED, TEMPLATES
from vocabx.checkpoint.staging import check_free, check_space, staged
from vocabx.commands.merge.changes import Changes, merge_changes
from vocabx.commands.merge.compare_models import Agreement, agreement_of, find_passages
from vocabx.commands.merge.finished_run import FinishedRun, read_finished, read_method
from vocabx.commands.merge.options import MergeOptions
from vocabx.commands.merge.outline import outline_of
from vocabx.errors import BaseModelError
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.trained_card import labelled_page, write_trained_card
from vocabx.training.record import RECORD

# Claims about weights that training has changed.
_BY_WEIGHTS = ("copied-rows", "other-tensors", "untied-rows")


@dataclass(frozen=True)
class MergeResult:
    """A finished merge.

    Attributes:
        directory: the directory of the checkpoint.
        method: how it was trained.
        onto: which weights the adapters were added to: "trained" or "original".
        changed: number of tensors that training changed.
        tensors: number of all tensors.
        agreement: how close it is to the trained model; None if not measured.
    """

    directory: Path
    method: str
    onto: str
    changed: int
    tensors: int
    agreement: Agreement | None

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {**asdict(self), "directory": str(self.directory)}


def merge(options: MergeOptions, progress: Progress | None = None) -> MergeResult:
    """Merge a finished training run into a checkpoint that needs no adapters.

    Old rows keep their bytes; all trained numbers are computed in float32 and rounded once. One matrix is in
    memory at a time, except for the comparison. The directory appears only once complete.

    Args:
        options: see `MergeOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    timed = Timed(progress or Quiet())
    check_free(options.out, force=options.force)
    check_not_read(options.out, (options.directory, options.base))
    require_all(read_method(options.directory).packages)
    run = read_finished(options.directory, options.base, timed)
    check_not_read(options.out, [run.checkpoint.directory])
    manifest = _manifest_of(run)
    device = _device(run, options, timed)
    dequantise = run.method.name == "qlora" and options.onto == "trained"
    outline = outline_of(run.checkpoint.directory, dequantise)
    changes = merge_changes(run, outline, dequantise, device)
    check_space(options.out, _written_bytes(run, changes, options.link))
    with staged(options.out, timed.note, options.force) as directory:
        with timed.stage("Merging", _written_bytes(run, changes), "B") as advance:
            write_changed(run.checkpoint, changes, directory, advance, options.link)
        run.checkpoint.require_unchanged()
        not_copied = _carry(run, directory)
        write_trained_card(
            run.checkpoint.directory, directory, run.record, options.onto, run.checkpoint.input.dtype
        )
        agreement = _compare(run, directory, options, device, timed)
        if manifest is not None:
            _write_manifest(run, manifest, changes, options, directory, timed)
    if not_copied:
        timed.note(not_copied)
    changed = sum(map(len, changes.values()))
    tensors = sum(len(file.tensors) for file in run.checkpoint.files)
    return MergeResult(options.out, run.method.name, options.onto, changed, tensors, agreement)


def _manifest_of(run: FinishedRun) -> Manifest | None:
    """The base's manifest; a base left alone, which was trained without new rows, needs none."""
    directory = run.checkpoint.directory
    manifest = read_manifest(directory)
    if manifest is None and run.new_rows:
        raise BaseModelError(f"{directory} has no vocabx.json: pass the checkpoint as vocabx wrote it")
    return manifest


def _device(run: FinishedRun, options: MergeOptions, progress: Progress) -> str:
    """The device for quantization to 4 bits and for the comparison: a GPU if there is one."""
    device = "cuda:0" if need("torch", "train").cuda.is_available() else "cpu"
    trained_on = run.record.run.versions.get("device", device)
    if (
        run.method.name == "qlora"
        and options.onto == "trained"
        and (trained_on == "cpu") != (device == "cpu")
    ):
        progress.note(f"The model was trained on {trained_on}; its weights are quantized again on {device}.")
    return device


def _written_bytes(run: FinishedRun, changes: Changes, link: bool = False) -> int:
    """Size of the weight files in bytes, without linked ones."""
    files = [file.path for file in run.checkpoint.files if not link or file.path in changes]
    return sum(path.stat().st_size for path in files)


def _carry(run: FinishedRun, directory: Path) -> str:
    """Copy unchanged files: tokenizer, configuration, licenses, the extension's report, training.json.

    Returns:
        What was left out and why, in one sentence, or "".
    """
    base = run.checkpoint.directory
    side = carry_files(run.checkpoint, directory)
    reports = [name for name in DOCUMENTS if name.startswith("report.")]
    for name in (*COMPOSED, *reports):
        if name != INDEX and (base / name).is_file():
            shutil.copyfile(base / name, directory / name)
    copy_folder(base, TEMPLATES, directory, BaseModelError)
    page = directory / "report.html"
    if page.is_file():
        page.write_text(labelled_page(page.read_text(encoding="utf-8"), run.record), encoding="utf-8")
    shutil.copyfile(run.directory / RECORD, directory / RECORD)
    return side.sentence


def _compare(
    run: FinishedRun, directory: Path, options: MergeOptions, device: str, progress: Progress
) -> Agreement | None:
    if not options.compare:
        return None
    weights = run.checkpoint.weight_bytes
    # A 16-bit model that is held or computed in float32 takes twice the size of its files.
    if not fits(weights * 3, free_memory(device)):
        progress.note("Not compared with the trained model: the free memory does not hold both.")
        return None
    passages = find_passages(run)
    if passages is None:
        progress.note("Not compared with the trained model: no text is available on this machine.")
        return None
    return agreement_of(run, directory, passages, device, progress)


def _write_manifest(
    run: FinishedRun,
    before: Manifest,
    changes: Changes,
    options: MergeOptions,
    directory: Path,
    progress: Timed,
) -> None:
    """Write the base's manifest with the hashes of the merged files and a record of the training."""
    written = read_checkpoint(directory)
    changed = {path.name for path in changes}
    changed |= {name for name, shard in before.shards.items() if shard.rewritten}
    hashed = any(shard.sha256 is not None for shard in before.shards.values())
    weights = written.weight_bytes
    with progress.stage("Hashing", table_bytes(written) + weights * hashed, "B") as advance:
        tables = table_hashes(written, advance)
        shards = records_of(written, changed, hashed, advance)
    msgspec.structs.replace(
        before,
        version=VERSION,
        certificate=tuple(claim for claim in before.certificate if claim.name not in _BY_WEIGHTS),
        tables=tables,
        files=composed_hashes(directory),
        run=run_record(options.command, progress.seconds, directory),
        shards=shards,
        training=_training(run, options.onto, directory, before.training),
    ).write(directory)


def _training(
    run: FinishedRun, onto: str, directory: Path, before: RecordedTraining | None
) -> RecordedTraining:
    """The entry of vocabx.json about the training; `before` is that of an earlier training."""
    record = run.record
    return RecordedTraining(
        method=record.method.plain(),
        onto=onto,
        first_id=record.first_id,
        text=record.text.plain(),
        steps=record.steps.plain(),
        seed=record.seed,
        record=file_hash(directory / RECORD),
        before={} if before is None else before.plain(),
        tables=dict(record.base.tables),
    )
