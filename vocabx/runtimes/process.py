"""Runs the worker of one runtime: its crash, its silence and its noise stay in a process of its own."""

import json
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.limited_process import run_limited
from vocabx.runtimes.places import modules_in
from vocabx.runtimes.runtime import READERS, Place, Runtime

# Bytes that a runtime may print before it is stopped.
_MOST_OUTPUT = 16_000_000
_WORKER = READERS.parent
_NOT_INSTALLED = {"version": None}
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "VLLM_NO_USAGE_STATS": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A directory as a runtime is asked about it.

    Attributes:
        path: of the directory, or of the .gguf file.
        ids: what each text should become.
        decoded: what each of these should become, None for one that is not decoded.
    """

    path: Path
    ids: Sequence[Sequence[int]]
    decoded: Sequence[str | None]


@dataclass(frozen=True)
class Answered:
    """What a process said before it ended.

    Attributes:
        lines: its answers: the version, then one for each directory.
        ended: why there are no more, in words; "" where it ended by itself and well.
    """

    lines: list[dict[str, Any]]
    ended: str


def ask(
    runtime: Runtime, place: Place, texts: Sequence[str], directories: Sequence[Asked], seconds: float
) -> Answered:
    """Ask a runtime about some directories, for at most `seconds`."""
    with tempfile.TemporaryDirectory(prefix="vocabx-") as made:
        scratch = Path(made)
        request, answer = scratch / "request.json", scratch / "answer.jsonl"
        answer.touch()
        command = _command(runtime, place, scratch)
        if not command:
            return Answered([_NOT_INSTALLED], "")
        asked = _request(runtime, place, texts, directories) | {"seconds": math.ceil(seconds)}
        request.write_text(json.dumps(asked), "utf-8")
        ended = _run([*command, str(request), str(answer)], scratch, seconds)
        return Answered(_lines(answer), ended)


def _command(runtime: Runtime, place: Place, scratch: Path) -> list[str]:
    """The command that runs the worker; empty where there is nothing to run it with."""
    if not runtime.node:
        return [place.python or sys.executable, "-I", str(_WORKER / "worker.py")]
    node = shutil.which("node")
    if node is None or not place.folders:
        return []
    # Modules are sought beside the file that imports them.
    (scratch / "node_modules").symlink_to(modules_in(place.folders[0]))
    for file in (_WORKER / "worker.mjs", READERS / runtime.reader):
        shutil.copyfile(file, scratch / file.name)
    return [node, str(scratch / "worker.mjs")]


def _request(
    runtime: Runtime, place: Place, texts: Sequence[str], directories: Sequence[Asked]
) -> dict[str, Any]:
    return {
        "package": runtime.package,
        "oldest": runtime.oldest,
        "reader": runtime.reader if runtime.node else str(READERS / runtime.reader),
        "folders": [str(folder.resolve()) for folder in place.folders],
        "texts": list(texts),
        "directories": [
            {"path": str(one.path.resolve()), "ids": list(one.ids), "decoded": list(one.decoded)}
            for one in directories
        ],
    }


def _run(command: list[str], scratch: Path, seconds: float) -> str:
    """Run a command and say how it ended, "" for well."""
    try:
        ended = run_limited(command, scratch, {**_ENVIRONMENT, "TMPDIR": str(scratch)}, seconds, _MOST_OUTPUT)
    except OSError as error:
        return f"cannot be started: {error.strerror or type(error).__name__}"
    said = ended.last_line if ended.how and not ended.stopped else ""
    return f"{ended.how}: {said}" if said else ended.how


def _lines(answer: Path) -> list[dict[str, Any]]:
    """The whole lines of an answer, which a crash may have cut short."""
    lines = answer.read_text("utf-8", "replace").split("\n")[:-1]
    return [json.loads(line) for line in lines]
