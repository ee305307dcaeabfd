import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vocabx.checkpoint.journal import NAME as JOURNAL
from vocabx.checkpoint.leftovers import remove_leftovers, staging_job
from vocabx.checkpoint.single_file import staged_file
from vocabx.checkpoint.staging import make_once, staged
from vocabx.progress import Quiet

# Says that it has begun, and waits until it is killed or told to go on.
HOLDING = """
import sys
from pathlib import Path
from vocabx.checkpoint.staging import staged
from vocabx.checkpoint.single_file import staged_file
stage = staged_file if sys.argv[2] == "file" else staged
with stage(Path(sys.argv[1])) as scratch:
    path = scratch if sys.argv[2] == "file" else scratch / "weights"
    path.write_bytes(bytes(2_000_000))
    print("begun", flush=True)
    sys.stdin.readline()
"""
MAKING = """
import sys
from pathlib import Path
from vocabx.checkpoint.staging import make_once
from vocabx.progress import Quiet
def make(scratch):
    (scratch / "file").write_text("content")
    print("begun", flush=True)
    sys.stdin.readline()
make_once(Path(sys.argv[1]), make, Quiet())
print("done", flush=True)
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


def begun(kind: str, target: Path) -> subprocess.Popen[str]:
    process = started(HOLDING, target, kind)
    assert process.stdout.readline() == "begun\n"
    return process


def hidden(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_what_a_killed_run_left_is_removed_by_the_next_and_named(tmp_path, kind):
    process = begun(kind, tmp_path / "out")
    (left,) = hidden(tmp_path)
    notes: list[str] = []
    # Another run leaves a living one alone.
    with staged(tmp_path / "other", notes.append):
        pass
    assert left in hidden(tmp_path) and not notes
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert hidden(tmp_path) == [left]
    stage = staged_file if kind == "file" else staged
    with stage(tmp_path / "out", notes.append):
        pass
    assert hidden(tmp_path) == []
    assert notes == [f"Removed {tmp_path / left} (2.0 MB), which a run that was killed had left."]


def leave(parent: Path, name: str, job: str | None) -> Path:
    """A directory as a killed run leaves it."""
    directory = parent / name
    directory.mkdir()
    (directory / "weights").write_text("weights")
    if job is not None:
        (directory / JOURNAL).write_text(json.dumps({"job": job}) + "\n")
    return directory


def test_only_what_is_ours_is_removed(tmp_path):
    notes: list[str] = []
    kept = [
        leave(tmp_path, ".theirs.unfinished", None),
        leave(tmp_path, ".resumable.unfinished", "0123abcd"),
        leave(tmp_path, ".elsewhere.unfinished", "staged by vocabx on another machine"),
        leave(tmp_path, "out.unfinished", staging_job()),
    ]
    damaged = leave(tmp_path, ".damaged.unfinished", None)
    (damaged / JOURNAL).write_text("{{{\n{}\n")
    ours = leave(tmp_path, ".ours.unfinished", staging_job())
    (tmp_path / ".link.unfinished").symlink_to(tmp_path / "out.unfinished")
    remove_leftovers(tmp_path, notes.append)
    assert not ours.exists() and damaged.exists() and all((path / "weights").exists() for path in kept)
    assert [note.split(" ")[0] for note in notes] == [str(kept[2]), "Removed"]
    assert notes[0].endswith("was left by a run on another machine: remove it if that run has ended.")


def test_a_directory_that_gets_its_name_while_it_is_looked_at_is_kept(tmp_path, monkeypatch):
    left = leave(tmp_path, ".ours.unfinished", staging_job())
    stat = Path.stat

    def finished(path: Path, **kwargs: bool) -> os.stat_result:
        if path.name == JOURNAL:
            left.rename(tmp_path / "out")
        return stat(path, **kwargs)

    monkeypatch.setattr(Path, "stat", finished)
    remove_leftovers(tmp_path, lambda text: None)
    assert (tmp_path / "out" / "weights").exists()


def test_two_processes_that_make_the_same_of_the_cache_both_get_it(tmp_path):
    target = tmp_path / "cache" / "made"
    first = started(MAKING, target)
    assert first.stdout.readline() == "begun\n"
    second = started(MAKING, target)
    # It waits for the first; should it not, it would say that it has begun.
    time.sleep(0.5)
    first.communicate("\n")
    out, _ = second.communicate("\n")
    assert out == "done\n" and first.returncode == second.returncode == 0
    assert [path.name for path in target.iterdir()] == ["file"]
    assert [path.name for path in target.parent.iterdir()] == ["made"]


def test_what_a_killed_process_did_not_finish_in_the_cache_is_made_by_the_next(tmp_path):
    target = tmp_path / "made"
    first = started(MAKING, target)
    assert first.stdout.readline() == "begun\n"
    first.kill()
    first.wait()
    make_once(target, lambda scratch: (scratch / "file").write_text("whole") and None, Quiet())
    assert (target / "file").read_text() == "whole" and hidden(tmp_path) == []


def test_a_failure_leaves_nothing_in_the_cache(tmp_path):
    def fail(scratch: Path) -> None:
        (scratch / "file").write_text("content")
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        make_once(tmp_path / "cache" / "made", fail, Quiet())
    assert list(tmp_path.iterdir()) == []
