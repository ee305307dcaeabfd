"""The mended copy of a directory: new configuration and tokenizer files, weights linked and never read."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.staging import check_free, staged
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.examine import Examination
from vocabx.commands.doctor.finding import Finding
from vocabx.errors import OutputError
from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.write import write_tokenizer

_WEIGHTS = {".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".h5", ".msgpack"}
# Of a directory whose tokenizer is mended: written anew, or the old tokenizer in another form.
_TOKENIZER = {
    "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json",
    "additional_chat_templates", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json",
}  # fmt: skip
# They vouch for what is mended.
_RECORDS = {"vocabx.json", "report.json", "report.html"}


def repair(examination: Examination, out: Path) -> tuple[Finding, ...]:
    """Write the examined directory to `out`, with everything mended that can be.

    Args:
        examination: of the directory.
        out: a directory that is not there, or is empty; it appears when it is whole. Weight files are hard
            links where the file system has those.

    Returns:
        The findings that were mended; where there are none, nothing is written.

    Raises:
        OutputError: `out` is taken, lies in the examined directory, or cannot be written.
    """
    repaired = tuple(finding for finding in examination.findings if finding.repairable)
    if not repaired:
        return ()
    before, after = examination.files, examination.repaired_files
    check_target(before.directory, out)
    anew = after.stated is not before.stated
    with staged(out) as target:
        left_out = _RECORDS | (_TOKENIZER | {before.model_name} if anew else set())
        ignore = _only_at(before.directory, left_out)
        shutil.copytree(before.directory, target, copy_function=_carry, dirs_exist_ok=True, ignore=ignore)
        if after.config != before.config:
            write_json(target / "config.json", after.config)
        if anew:
            _write_tokenizer(after, target)
    return repaired


def check_target(directory: Path, out: Path) -> None:
    """Refuse a target that is taken, or that lies in the directory to be mended.

    Raises:
        OutputError: it is or does; the message says which.
    """
    if out.resolve().is_relative_to(directory.resolve()):
        raise OutputError(f"{out} lies in the directory that is to be mended: choose another --out")
    check_free(out)


def _only_at(directory: Path, names: set[str]) -> Callable[[str, list[str]], set[str]]:
    return lambda where, _: names if Path(where) == directory else set()


def _carry(source: str, target: str) -> None:
    if Path(source).suffix in _WEIGHTS:
        try:
            # In the hub's cache files are links, which are not to be linked themselves.
            os.link(Path(source).resolve(), target)
            return
        except OSError:
            pass  # Another file system, or one without links.
    shutil.copyfile(source, target)


def _write_tokenizer(files: CheckpointFiles, target: Path) -> None:
    assert files.stated is not None
    write_tokenizer(files.stated, files.directory, target)
    if files.model is not None:
        (target / MODEL_NAME).unlink(missing_ok=True)
        (target / files.model_name).write_bytes(files.model)
