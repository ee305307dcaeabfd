"""What the system refuses is one sentence, wherever it shows; what is a fault of ours stays a traceback."""

import errno
import os

import pytest
from vocabx.cli import app as command_line
from vocabx.cli.plain_line import harmless


@pytest.fixture
def raising(monkeypatch):
    def run(error: Exception) -> int:
        def fail(standalone_mode: bool) -> None:
            raise error

        monkeypatch.setattr(command_line, "app", fail)
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        return ended.value.code

    return run


@pytest.mark.parametrize("number", [errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES, errno.EIO, errno.ENOTDIR])
def test_a_path_that_the_system_refuses_is_one_sentence(raising, capsys, number):
    assert raising(OSError(number, os.strerror(number), "some/\udcffwhere\n")) == 2
    said = capsys.readouterr().err
    assert said == f"error: some/�where cannot be used: {os.strerror(number)}; pass another path\n"


def test_an_error_without_a_name_is_one_sentence(raising, capsys):
    assert raising(OSError(errno.EIO, os.strerror(errno.EIO))) == 2
    assert capsys.readouterr().err.startswith("error: a file cannot be used")


def test_a_file_that_was_forgotten_stays_a_traceback(raising):
    with pytest.raises(FileNotFoundError):
        raising(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "ours"))


def test_half_a_pair_of_surrogates_can_be_printed():
    assert harmless("\udcffa\ud800").encode() == "\ufffda\ufffd".encode()
