"""Runs that are interrupted: afterwards the checkpoint is complete, or a run with --resume completes it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITER = Path(__file__).with_name("write_once.py")
POINTS = 25


@pytest.fixture
def sharded(tiny_model) -> Path:
    """Three weight files: one with the input embeddings, one with neither, one with the lm_head."""
    base = tiny_model(tied=False, rows=20_000, shard="641KB")
    assert len(list(base.glob("*.safetensors"))) == 3
    return base


def write(base: Path, out: Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, WRITER, base, out, *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def content(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.fixture
def undisturbed(sharded, tmp_path) -> tuple[dict[str, bytes], int]:
    """The files of an uninterrupted run, and its number of steps."""
    done = write(sharded, tmp_path / "undisturbed", COUNT="1")
    assert done.returncode == 0, done.stderr
    return content(tmp_path / "undisturbed"), int(done.stdout)


def test_a_run_killed_at_any_point_is_resumed_to_the_same_bytes(sharded, undisturbed, tmp_path):
    expected, steps = undisturbed
    assert steps > POINTS
    points = [1 + number * (steps - 1) // (POINTS - 1) for number in range(POINTS)]
    done = write(sharded, tmp_path / "killed", POINTS=",".join(map(str, points)))
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout)
    assert [end["point"] for end in ends] == points
    assert all(end["killed"] == -9 and end["resumed"] == 0 for end in ends), done.stderr
    for point in points:
        assert content(tmp_path / f"killed-{point}") == expected
        assert not (tmp_path / f"killed-{point}.unfinished").exists()
    # The journal is useful, not only harmless.
    kept = [end for end in ends if any(name.endswith(".safetensors") for name in end["left"])]
    assert len(kept) > POINTS // 4


def test_complete_files_are_not_written_again(sharded, undisturbed, tmp_path):
    out = tmp_path / "out"
    assert write(sharded, out, STOP_AT=str(undisturbed[1] - 6)).returncode == -9
    unfinished = tmp_path / "out.unfinished"
    before = {path.name: path.stat().st_ino for path in unfinished.glob("*.safetensors")}
    assert len(before) == 3
    assert write(sharded, out, "--resume").returncode == 0
    assert {path.name: path.stat().st_ino for path in out.glob("*.safetensors")} == before


def test_a_file_truncated_after_the_journal_entry_is_written_again(sharded, undisturbed, tmp_path):
    out = tmp_path / "out"
    assert write(sharded, out, STOP_AT=str(undisturbed[1] - 6)).returncode == -9
    shard = next((tmp_path / "out.unfinished").glob("model-00002*"))
    shard.write_bytes(shard.read_bytes()[:1000])
    assert write(sharded, out, "--resume").returncode == 0
    assert content(out) == undisturbed[0]


def test_without_resume_an_unfinished_run_is_refused_and_kept(sharded, undisturbed, tmp_path):
    out = tmp_path / "out"
    assert write(sharded, out, STOP_AT=str(undisturbed[1] - 6)).returncode == -9
    before = content(tmp_path / "out.unfinished")
    again = write(sharded, out)
    assert again.returncode == 1
    assert "out.unfinished was left by an earlier run: pass --resume" in again.stderr
    assert content(tmp_path / "out.unfinished") == before


def test_another_base_is_not_mixed_into_an_unfinished_run(sharded, undisturbed, tmp_path):
    out = tmp_path / "out"
    assert write(sharded, out, STOP_AT=str(undisturbed[1] - 6)).returncode == -9
    before = {p.name: p.read_bytes() for p in (tmp_path / "out.unfinished").glob("*.safetensors")}
    shard = next(sharded.glob("model-00002*"))
    shard.write_bytes(shard.read_bytes())
    again = write(sharded, out, "--resume")
    assert again.returncode == 1
    assert "was begun with other options, another base or other text" in again.stderr
    assert {p.name: p.read_bytes() for p in (tmp_path / "out.unfinished").glob("*.safetensors")} == before


def test_two_runs_do_not_write_the_same_result(sharded, tmp_path):
    from vocabx.checkpoint.staging import resumable

    with pytest.raises(RuntimeError, match="over"), resumable(tmp_path / "out"):
        second = write(sharded, tmp_path / "out", "--resume")
        assert second.returncode == 1
        assert "another run is writing" in second.stderr
        raise RuntimeError("over")
    assert not list(tmp_path.glob("out*"))


# A separate disk of one megabyte, enlarged later. The system must allow unprivileged namespaces.
FULL = """
set -e
mount -t tmpfs -o size=1m tmpfs "$1"
"$2" "$3" "$4" "$1/out" 2> "$5/full" && exit 9
ls "$1" > "$5/left"
mount -o remount,size=64m "$1"
"$2" "$3" "$4" "$1/out" --resume
cp -r "$1/out" "$5/resumed"
"""


def test_a_full_disk_leaves_what_resume_finishes(sharded, undisturbed, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", FULL, "sh"]
    done = subprocess.run(
        [*command, disk, sys.executable, WRITER, sharded, tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = (tmp_path / "full").read_text()
    assert "No space left on device; make room: " in told and "--resume continues it" in told
    assert told.count("\n") == 1
    assert (tmp_path / "left").read_text() == "out.unfinished\n"
    assert content(tmp_path / "resumed") == undisturbed[0]
