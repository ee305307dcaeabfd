"""The repaired copy of a directory: new configuration and tokenizer files, weights linked but never read."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from vocabx._util.links import files_in
from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.side_files import is_other_tokenizer
from vocabx.checkpoint.staging import check_free, staged
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.examine import Examination
from vocabx.commands.doctor.finding import Finding
from vocabx.errors import OutputError
from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.write import write_tokenizer

_WEIGHTS = {".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".h5", ".msgpack"}
# Files that are rewritten when the tokenizer is repaired, or that hold the old tokenizer in another form.
_TOKENIZER = {
    "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json",
    "additional_chat_templates", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json",
}  # fmt: skip
# Records of the files before the repair.
_RECORDS = {"vocabx.json", "report.json", "report.html"}


def repair(
    examination: Examination, out: Path, note: Callable[[str], None] = lambda text: None
) -> tuple[Finding, ...]:
    """Write the examined directory to `out`, with all possible repairs.

    Args:
        examination: the examination of the directory.
        out: a directory that is missing or empty; it appears once complete. Weight files are hard links where
            the file system supports them.
        note: told of what a killed run had left there, which is removed.

    Returns:
        The findings that were repaired; if there are none, nothing is written.

    Raises:
        OutputError: if `out` exists, is inside the examined directory, or cannot be written, or a link leads
            out of that directory.
    """
    repaired = tuple(finding for finding in examination.findings if finding.repairable)
    if not repaired:
        return ()
    before, after = examination.files, examination.repaired_files
    check_target(before.directory, out)
    rewritten = after.stated is not before.stated
    with staged(out, note) as target:
        left_out = _RECORDS | (_TOKENIZER | {before.model_name} if rewritten else set())
        for path in files_in(before.directory, before.directory, OutputError):
            first = path.relative_to(before.directory).parts[0]
            if first not in left_out and not (rewritten and is_other_tokenizer(first)):
                place = target / path.relative_to(before.directory)
                place.parent.mkdir(parents=True, exist_ok=True)
                _carry(path, place)
        if after.config != before.config:
            write_json(target / "config.json", after.config)
        if after.generation != before.generation:
            write_json(target / "generation_config.json", after.generation)
        if rewritten:
            _write_tokenizer(after, target)
    return repaired


def check_target(directory: Path, out: Path) -> None:
    """Refuse a target that exists, or that is inside the directory to repair.

    Raises:
        OutputError: if it does or is.
    """
    if out.resolve().is_relative_to(directory.resolve()):
        raise OutputError(f"{out} is inside the directory to repair: choose another --out")
    check_free(out)


def _carry(source: Path, target: Path) -> None:
    if source.suffix in _WEIGHTS:
        try:
            # In the hub's cache, files are symbolic links: link their targets, not the links.
            os.link(source.resolve(), target)
            return
        except OSError:
            pass  # Another file system, or one without links.
    shutil.copyfile(source, target)


def _write_tokenizer(files: CheckpointFiles, target: Path) -> None:
    assert files.stated is not None
    kind = str(files.config.get("model_type") or "")
    write_tokenizer(files.stated, files.directory, target, beside=kind)
    if files.model is not None:
        (target / MODEL_NAME).unlink(missing_ok=True)
        (target / files.model_name).write_bytes(files.model)
