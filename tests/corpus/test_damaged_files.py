"""A damaged file among good ones: named, and the others read."""

import gzip

import pytest

from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError

GOOD = 20


@pytest.fixture
def directory(tmp_path):
    """Good archives, and one that ends early."""
    for number in range(GOOD):
        (tmp_path / f"{number:02}.txt.gz").write_bytes(gzip.compress(f"第{number}回，天氣很好。\n".encode()))
    (tmp_path / "07b.txt.gz").write_bytes(gzip.compress("讀不到這裡。\n".encode())[:-6])
    return tmp_path


def read(pattern, strict=False):
    source = user_source([str(pattern)], "text", "", strict)
    return [document.text for document in source.open()], source.left_out


@pytest.mark.parametrize("pattern", ["", "*.txt.gz"])
def test_a_damaged_archive_is_named_and_the_others_are_read(directory, pattern):
    texts, left_out = read(directory / pattern)
    assert {f"第{number}回，天氣很好。\n" for number in range(GOOD)} <= set(texts)
    assert len(left_out) == 1
    assert (
        left_out[0].startswith("1 of 21 files could not be read to the end: ") and "07b.txt.gz" in left_out[0]
    )


def test_strict_refuses_it(directory):
    with pytest.raises(CorpusError, match=r"07b\.txt\.gz is damaged"):
        read(directory, strict=True)


def test_a_damaged_file_that_was_named_itself_is_refused(directory):
    with pytest.raises(CorpusError, match=r"07b\.txt\.gz is damaged"):
        read(directory / "07b.txt.gz")


def test_a_directory_of_mostly_damaged_files_is_refused(tmp_path):
    for number in range(5):
        data = gzip.compress(f"第{number}回\n".encode())
        (tmp_path / f"{number}.txt.gz").write_bytes(data if number < 2 else data[:-6])
    with pytest.raises(CorpusError, match=r"3 of 5 files cannot be read: .*2\.txt\.gz is damaged"):
        read(tmp_path)


def test_a_second_pass_says_the_same(directory):
    source = user_source([str(directory)], "text", "")
    passes = [([document.text for document in source.open()], source.left_out) for _ in range(2)]
    assert passes[0] == passes[1]
