import errno
import os
from pathlib import Path

import pytest

import vocabx.checkpoint.copying as copying
from vocabx.checkpoint.copying import carry_file, copy_range
from vocabx.errors import BaseModelError


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(os.urandom(3_000_001))
    return path


def test_a_copy_has_the_same_bytes_in_another_file(source, tmp_path):
    done = []
    assert carry_file(source, tmp_path / "copy", False, done.append) in ("copied", "shared")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert not (tmp_path / "copy").samefile(source)
    assert sum(done) == 3_000_001


def test_a_link_is_the_same_file(source, tmp_path):
    done = []
    assert carry_file(source, tmp_path / "link", True, done.append) == "linked"
    assert (tmp_path / "link").samefile(source)
    assert sum(done) == 3_000_001


def test_linking_a_symbolic_link_links_its_target(source, tmp_path):
    (tmp_path / "symbolic").symlink_to(source)
    assert carry_file(tmp_path / "symbolic", tmp_path / "link", True) == "linked"
    assert not (tmp_path / "link").is_symlink() and (tmp_path / "link").samefile(source)


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_files_are_copied_if_links_are_not_possible(source, tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    assert carry_file(source, tmp_path / "copy", True) in ("copied", "shared")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


def test_python_copies_if_the_kernel_does_not(source, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    monkeypatch.setattr(copying, "_cloned", lambda *_: False)
    assert carry_file(source, tmp_path / "copy", False) == "copied"
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


def test_a_full_disk_is_not_mistaken_for_a_kernel_that_cannot_copy(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", full)
    monkeypatch.setattr(copying, "_cloned", lambda *_: False)
    with pytest.raises(OSError, match="No space left"):
        carry_file(source, tmp_path / "copy", False)


@pytest.mark.parametrize("python", [False, True])
def test_a_range_is_copied_to_the_position_of_the_other_file(source, tmp_path, monkeypatch, python):
    if python:
        monkeypatch.delattr(os, "copy_file_range")
    with source.open("rb", buffering=0) as reader, (tmp_path / "part").open("wb", buffering=0) as writer:
        writer.write(b"before")
        copy_range(reader.fileno(), writer.fileno(), 1000, 500_000)
        writer.write(b"after")
    assert (tmp_path / "part").read_bytes() == b"before" + source.read_bytes()[1000:501_000] + b"after"


def test_a_base_that_shrinks_while_it_is_copied_is_reported(source, tmp_path):
    with (
        source.open("rb", buffering=0) as reader,
        (tmp_path / "part").open("wb", buffering=0) as writer,
        pytest.raises(BaseModelError, match="changed while it was being read"),
    ):
        copy_range(reader.fileno(), writer.fileno(), 0, 3_000_002)


def test_an_existing_file_is_not_overwritten(source, tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    with pytest.raises(FileExistsError):
        carry_file(source, tmp_path / "theirs", False)
    with pytest.raises(FileExistsError):
        carry_file(source, tmp_path / "theirs", True)
    assert (tmp_path / "theirs").read_text() == "theirs"
