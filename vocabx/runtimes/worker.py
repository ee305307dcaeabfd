"""Asks one runtime about some directories; run as a script by any Python from 3.10 on, without vocabx.

    python worker.py REQUEST ANSWER

REQUEST is a JSON file, see `process.ask`. ANSWER gets one JSON object a line: the version, then one for
each directory. What a runtime prints goes elsewhere.
"""

import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

_LONGEST = 300


def main(asked: str, answer: str) -> None:
    """Answer the request in the file `asked`, in the file `answer`."""
    request = json.loads(Path(asked).read_text("utf-8"))
    sys.path[:0] = request["folders"]
    # Should nobody be left to stop it.
    signal.alarm(request["seconds"] + 60)
    with Path(answer).open("w", encoding="utf-8") as stream:
        for line in _answers(request):
            stream.write(json.dumps(line) + "\n")
            stream.flush()


def _answers(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        version = metadata.version(request["package"])
    except metadata.PackageNotFoundError:
        yield {"version": None}
        return
    old = not _at_least(version, request["oldest"])
    yield {"version": version, "old": old}
    if old or not request["directories"]:
        return
    spec = importlib.util.spec_from_file_location("vocabx_reader", request["reader"])
    if spec is None or spec.loader is None:
        raise ImportError(request["reader"])
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    for directory in request["directories"]:
        try:
            encode, decode = reader.load(directory["path"])
        except ModuleNotFoundError as error:
            # A second attempt might find the module half imported, and go on.
            yield {"lacks": error.name or _told(error)}
            return
        except Exception as error:  # Runtimes raise whatever they like.
            yield {"refused": _told(error)}
            continue
        yield _compared(encode, decode, request["texts"], directory)


def _at_least(version: str, oldest: str) -> bool:
    """Whether a version is `oldest` or later, by their leading numbers."""
    return _numbers(version) >= _numbers(oldest)


def _numbers(version: str) -> list[int]:
    parts = version.split("+")[0].split(".")
    return [int("".join(filter(str.isdigit, part)) or 0) for part in parts if part]


def _compared(
    encode: Callable[[str], Any] | None,
    decode: Callable[[list[int]], Any] | None,
    texts: list[str],
    directory: dict[str, Any],
) -> dict[str, Any]:
    found: dict[str, Any] = {"encodes": encode is not None, "decodes": decode is not None}
    found["ids"], found["decoded"] = [], []
    for number, (text, ids, wanted) in enumerate(
        zip(texts, directory["ids"], directory["decoded"], strict=True)
    ):
        if encode is not None:
            try:
                theirs: Any = [int(index) for index in encode(text)]
            except Exception as error:
                theirs = _told(error)
            if theirs != ids:
                found["ids"].append([number, theirs])
        if decode is not None and wanted is not None:
            try:
                made = decode(ids)
                back = made.decode("utf-8", "replace") if isinstance(made, bytes) else str(made)
            except Exception as error:
                back = _told(error)
            # Some keep the space that a family puts before every text.
            if back != text and back.lstrip(" ") != wanted.lstrip(" "):
                found["decoded"].append([number, back[:_LONGEST]])
    return found


def _told(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:_LONGEST]


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is said; taking down what a runtime holds may crash, or wait for ever.
    os._exit(0)
