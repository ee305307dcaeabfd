"""The embedding matrices of a model whose class comes with it: its code runs in a process of its own.

Only what that process finds comes back, as data; this process never imports the code. The other one has the
rights of the user all the same: it keeps accidents away (a crash, a hang, a flood of output, too much
memory), not malice, and is only started where the user says that the code is trusted.
"""

import hashlib
import json
import signal
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from vocabx._util.json_file import Written, fit, is_there, read_object
from vocabx._util.limited_process import run_limited
from vocabx.checkpoint.architectures import Architecture
from vocabx.checkpoint.built_architecture import Shapes
from vocabx.checkpoint.side_files import code_files
from vocabx.errors import BaseModelError

_MANIFEST = "vocabx.json"
# Nothing is downloaded, and nothing is left behind in the user's caches.
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What the process may take: seconds by the clock and of processor time, and bytes of memory."""

    seconds: float = 300
    processor: int = 120
    memory: int = 4 << 30


class RecordedCode(Written, frozen=True):
    """What vocabx.json records of code that came with the base and was trusted.

    Attributes:
        files: sha256 of each file of code by name.
        architecture: what the code told of the embedding matrices of the base.
    """

    files: dict[str, str]
    architecture: Architecture

    @classmethod
    def of(cls, found: Architecture) -> "RecordedCode | None":
        """The record of an architecture; None where no code of the base was run."""
        return cls(dict(found.own_code), replace(found, own_code=())) if found.own_code else None

    @property
    def told(self) -> Architecture:
        """The architecture, with the files of code that told it."""
        return replace(self.architecture, own_code=tuple(self.files.items()))


class _Part(msgspec.Struct, frozen=True):
    """The part of vocabx.json that is about code."""

    remote_code: RecordedCode


class Answer(msgspec.Struct, frozen=True):
    """What the process says: an architecture and further tensors of that size, or why there is none."""

    architecture: Architecture | None = None
    others: tuple[str, ...] = ()
    refused: str = ""


def ask_own_code(
    config: dict[str, Any], stored: Shapes, directory: Path, limits: Limits | None = None
) -> tuple[Architecture, tuple[str, ...]]:
    """Find the embedding matrices of a model by running the code that comes with it.

    The process gets the settings, names and shapes of the stored tensors, and copies of the files of code.
    See `built_architecture`.

    Args:
        config: the content of config.json.
        stored: the stored tensors.
        directory: the model.
        limits: of the process.

    Raises:
        BaseModelError: a file of the code is missing, or the code refuses, fails, ends, hangs or answers
            nothing that can be used.
    """
    limits = limits or Limits()
    names = code_files(directory, config)
    absent = [name for name in names if not (directory / name).is_file()]
    if absent or not names:
        raise BaseModelError(
            f"{directory} names code (auto_map) of which it lacks {absent[0] if absent else 'every file'}: "
            "download the model again, or pass another base"
        )
    with tempfile.TemporaryDirectory(prefix="vocabx-") as made:
        scratch = Path(made)
        digests = _copied(directory, names, scratch / "model")
        request, answer = scratch / "request.json", scratch / "answer.json"
        asked = {
            "config": config,
            "shapes": {name: shape and list(shape) for name, shape in stored.of.items()},
            "where": str(directory),
            "code": str(scratch / "model"),
            "memory": limits.memory,
            "processor": limits.processor,
        }
        request.write_text(json.dumps(asked), encoding="utf-8")
        ended = _run(request, answer, scratch, limits)
        found = None if ended else _read(answer)
    if found is not None and found.refused:
        raise BaseModelError(found.refused)
    if found is None or found.architecture is None:
        raise _failure(directory, ended or "gave no answer that could be read")
    return replace(found.architecture, own_code=tuple(digests.items())), found.others


def recorded_architecture(directory: Path, config: dict[str, Any]) -> Architecture | None:
    """What vocabx.json records of the code of a checkpoint, if its files are still the same; else None.

    Raises:
        BaseModelError: vocabx.json is damaged.
    """
    path = directory / _MANIFEST
    if not is_there(path):
        return None
    remedy = "restore it, or write the checkpoint again"
    content = read_object(path, BaseModelError, remedy)
    if not content.get("remote_code"):
        return None
    recorded = fit(path, content, _Part, BaseModelError, remedy).remote_code
    now = {name: _digest(directory / name) for name in code_files(directory, config)}
    # Only the checkpoint may be untied, not its base.
    tied = recorded.architecture.tied and content.get("tied") is not False
    return replace(recorded.told, tied=tied) if now == recorded.files else None


def _copied(directory: Path, names: tuple[str, ...], target: Path) -> dict[str, str]:
    """Copy files of code, and return the sha256 of what was copied, by name."""
    target.mkdir()
    for name in names:
        (target / name).write_bytes((directory / name).read_bytes())
    return {name: _digest(target / name) for name in names}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _run(request: Path, answer: Path, scratch: Path, limits: Limits) -> str:
    """Run the process and say how it ended, "" for well."""
    command = [sys.executable, "-P", "-m", "vocabx.checkpoint.own_code_worker", str(request), str(answer)]
    caches = {"HF_MODULES_CACHE": str(scratch / "modules"), "TMPDIR": str(scratch)}
    try:
        ended = run_limited(command, scratch, {**_ENVIRONMENT, **caches}, limits.seconds)
    except OSError as error:
        return f"cannot be started ({error.strerror or type(error).__name__})"
    if ended.code == -signal.SIGXCPU and not ended.stopped:
        return f"took longer than {limits.processor} seconds of processor time"
    return ended.how


def _read(answer: Path) -> Answer | None:
    try:
        return msgspec.json.decode(answer.read_bytes(), type=Answer)
    except (OSError, ValueError, RecursionError):
        return None


def _failure(directory: Path, ended: str) -> BaseModelError:
    return BaseModelError(
        f"{directory} can only be built by code of its own, which {ended}: repair its code, or pass another "
        "base"
    )
