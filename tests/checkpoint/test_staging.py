import errno
import os
import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from vocabx.checkpoint import journal, staging
from vocabx.checkpoint.staging import check_free, check_space, resumable, staged
from vocabx.commands.train import workspace
from vocabx.commands.train.workspace import run_directory
from vocabx.errors import OutputError

# A system limit on file size simulates a disk that fills up while writing.
LIMITED = """
import resource, sys
from pathlib import Path
from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.staging import staged
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import OutputError
from vocabx.mixture.mixture import without_rows
from vocabx.mixture.initialization import everywhere
checkpoint = read_checkpoint(Path(sys.argv[1]))
mixture = without_rows(1000, checkpoint.input.rows, 1.0, None)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    with staged(Path(sys.argv[2])) as scratch:
        grow_checkpoint(checkpoint, everywhere(mixture), scratch, range(0))
except OutputError as error:
    print(error)
"""


def tree(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def write_into(scratch: Path) -> None:
    (scratch / "deep").mkdir()
    (scratch / "deep" / "file").write_text("content")


def refusal(check, *arguments: object) -> str:
    with pytest.raises(OutputError) as caught:
        check(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def interrupted_at(number: int) -> Iterator[None]:
    """Raises KeyboardInterrupt before the `number`-th line of the modules that make directories."""
    left = number

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., object] | None:
        nonlocal left
        if frame.f_code.co_filename not in (staging.__file__, journal.__file__, workspace.__file__):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("make", [staged, resumable, partial(run_directory, resume=False)])
def test_a_signal_at_any_moment_leaves_nothing_behind(tmp_path, make):
    interrupted = 0
    for number in range(1000):
        try:
            with interrupted_at(number), make(tmp_path / "new" / "out"):
                sys.settrace(None)
                break
        except KeyboardInterrupt:
            interrupted += 1
            assert not tree(tmp_path), number
    assert 20 < interrupted < 1000
    assert next(tmp_path.rglob("out*")).parent.name == "new"


def test_a_target_appears_only_once_complete(tmp_path):
    target = tmp_path / "out"
    with staged(target) as scratch:
        write_into(scratch)
        assert not target.exists()
        assert scratch.parent == tmp_path
    assert tree(tmp_path) == ["out", "out/deep", "out/deep/file"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_target_has_the_permissions_of_new_directories(tmp_path, mask):
    old = os.umask(mask)
    try:
        with staged(tmp_path / "out"):
            pass
        assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o777 & ~mask
        assert os.umask(mask) == mask
    finally:
        os.umask(old)


def test_missing_parents_are_created(tmp_path):
    with staged(tmp_path / "a" / "b" / "out") as scratch:
        write_into(scratch)
    assert (tmp_path / "a" / "b" / "out" / "deep" / "file").read_text() == "content"


def test_a_relative_target_refers_to_the_initial_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with staged(Path("out")):
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert tree(tmp_path) == ["elsewhere", "out"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_an_interruption_leaves_no_files_and_is_passed_on(tmp_path, error):
    with pytest.raises(type(error)) as caught, staged(tmp_path / "a" / "b" / "out") as scratch:
        write_into(scratch)
        raise error
    assert caught.value is error
    assert tree(tmp_path) == []


def test_a_full_disk_leaves_no_files_and_is_reported_in_one_line(tmp_path):
    def fill() -> None:
        with staged(tmp_path / "a" / "b" / "out") as scratch:
            write_into(scratch)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    message = refusal(fill)
    assert "No space left on device" in message and str(tmp_path / "a" / "b" / "out") in message
    assert tree(tmp_path) == []


def test_a_failed_write_leaves_no_files(tmp_path, tiny_model):
    base = tiny_model(rows=49152)
    before = tree(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(base), str(tmp_path / "a" / "out")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"writing {tmp_path / 'a' / 'out'} failed: File too large;")
    assert done.stdout.count("\n") == 1
    assert tree(tmp_path) == before


def test_an_empty_directory_is_accepted_as_target(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    check_free(target)
    with staged(target) as scratch:
        write_into(scratch)
    assert tree(tmp_path) == ["out", "out/deep", "out/deep/file"]


def test_an_empty_target_directory_survives_a_failure(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="x"), staged(tmp_path / "out"):
        raise ValueError("x")
    assert tree(tmp_path) == ["out"]


def test_a_target_that_was_filled_meanwhile_is_not_changed(tmp_path):
    def race() -> None:
        with staged(tmp_path / "out") as scratch:
            write_into(scratch)
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "theirs").write_text("theirs")

    assert "not empty" in refusal(race)
    assert tree(tmp_path) == ["out", "out/theirs"]


def test_a_parent_that_is_used_by_others_meanwhile_is_kept(tmp_path):
    with pytest.raises(ValueError, match="x"), staged(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "theirs").write_text("theirs")
        raise ValueError("x")
    assert tree(tmp_path) == ["a", "a/theirs"]


def test_a_name_too_long_for_the_system_leaves_no_parents(tmp_path):
    def name_it() -> None:
        with staged(tmp_path / "a" / ("x" * 255)):
            pass

    assert "File name too long" in refusal(name_it)
    assert tree(tmp_path) == []


def test_a_file_in_place_of_a_parent_is_reported(tmp_path):
    (tmp_path / "file").write_text("x")

    def below() -> None:
        with staged(tmp_path / "file" / "a" / "out"):
            pass

    assert "cannot write" in refusal(below)
    assert "cannot write to" in refusal(check_free, tmp_path / "file" / "a" / "out")
    assert tree(tmp_path) == ["file"]


def test_a_target_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".hidden").write_text("x")
    assert "exists and is not empty" in refusal(check_free, tmp_path / "out")


@pytest.mark.parametrize("kind", ["file", "broken link"])
def test_a_target_that_is_not_a_directory_is_refused(tmp_path, kind):
    if kind == "file":
        (tmp_path / "out").write_text("x")
    else:
        (tmp_path / "out").symlink_to(tmp_path / "nothing")
    assert "exists and is not a directory" in refusal(check_free, tmp_path / "out")


def test_checking_a_new_target_does_not_create_it(tmp_path):
    check_free(tmp_path / "a" / "b" / "out")
    assert tree(tmp_path) == []


def test_a_full_disk_is_refused_with_both_figures(tmp_path, monkeypatch):
    asked: list[Path] = []

    def usage(path: Path):
        asked.append(Path(path))
        return namedtuple("usage", "total used free")(10**12, 10**12 - 3_210_000_000, 3_210_000_000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    check_space(tmp_path / "a" / "out", 3_210_000_000)
    message = refusal(check_space, tmp_path / "a" / "out", 5_000_000_000)
    assert "has 3.21 GB free and the result needs 5.00 GB" in message
    assert asked == [tmp_path, tmp_path]


def test_the_real_disk_has_room_for_a_byte_and_not_for_an_exabyte(tmp_path):
    check_space(tmp_path / "out", 1)
    assert "make room" in refusal(check_space, tmp_path / "out", 10**18)
