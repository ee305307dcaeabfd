"""Text behind addresses of fsspec is read in shards, and a stream that breaks off loses nothing."""

import gzip
import io
import json
import sys
from itertools import count
from typing import ClassVar

import fsspec
import pytest
import zstandard
from fsspec.implementations.memory import MemoryFileSystem

from vocabx.corpus import remote
from vocabx.corpus.find_texts import find_texts
from vocabx.corpus.remote import find_remote, is_address
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError, MissingPackageError

TEXTS = [f"文字第{number}篇，內容各不相同。" * 20 for number in range(60)]
_names = count()


@pytest.fixture
def bucket(monkeypatch):
    """An address in memory, of its own for each test."""
    monkeypatch.setattr(remote, "_WAIT", 0.0)
    yield f"memory://bucket{next(_names)}"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def jsonl(texts):
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts).encode()


def put(address, content):
    with fsspec.open(address, "wb") as stream:
        stream.write(content)


def shards(bucket):
    put(f"{bucket}/a/one.jsonl.zst", zstandard.ZstdCompressor().compress(jsonl(TEXTS[:20])))
    put(f"{bucket}/a/two.jsonl.gz", gzip.compress(jsonl(TEXTS[20:40])))
    put(f"{bucket}/b/three.jsonl", jsonl(TEXTS[40:]))


def texts_of(*patterns, strict=False):
    source = user_source(patterns, "text", "", strict)
    return source, [document.text for document in source.open()]


class Failing(MemoryFileSystem):
    """Files in memory that break off after `broken[name]` bytes, as often as `times` says."""

    protocol = "failing"
    broken: ClassVar[dict[str, int]] = {}
    times = 0

    def _open(self, path, mode="rb", **more):
        stream = super()._open(path, mode, **more)
        at = next((at for name, at in self.broken.items() if name in path), None)
        return stream if at is None or mode != "rb" else _Broken(stream.getvalue(), at)


class _Broken(io.BytesIO):
    def __init__(self, content, at):
        super().__init__(content)
        self.at = at

    def read(self, size=-1):
        if self.tell() + max(size, 0) > self.at and Failing.times:
            Failing.times -= 1
            raise ConnectionResetError("Connection reset by peer")
        return super().read(size)


@pytest.fixture
def failing(bucket, monkeypatch):
    fsspec.register_implementation("failing", Failing, clobber=True)
    monkeypatch.setattr(Failing, "broken", {})
    monkeypatch.setattr(Failing, "times", 0)
    return bucket.replace("memory:", "failing:")


@pytest.mark.parametrize("pattern", ["/**/*.jsonl*", "", "/"])
def test_all_shards_of_a_glob_or_a_directory_are_read_in_order(bucket, pattern):
    shards(bucket)
    source, read = texts_of(bucket + pattern)
    assert read == TEXTS
    found = fsspec.filesystem("memory").find(bucket, detail=True)
    assert source.bytes == sum(one["size"] for one in found.values())


def test_text_at_an_address_is_that_of_the_same_files_on_the_disk(bucket, tmp_path):
    import pyarrow as arrow
    import pyarrow.feather as feather
    import pyarrow.parquet as parquet

    table = arrow.table({"text": TEXTS[:30]})
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "b.feather")
    with (
        arrow.OSFile(str(tmp_path / "c.arrow"), "wb") as sink,
        arrow.ipc.new_stream(sink, table.schema) as out,
    ):
        out.write_table(table)
    (tmp_path / "d.txt").write_text("\n\n".join(TEXTS[:30]), encoding="utf-16")
    (tmp_path / "README.md").write_text("no text")
    for path in tmp_path.iterdir():
        put(f"{bucket}/{path.name}", path.read_bytes())
    expected = texts_of(str(tmp_path))[1]
    assert texts_of(bucket)[1] == texts_of(f"file://{tmp_path}")[1] == expected
    assert len(expected) == 120


def test_what_is_no_text_at_an_address_is_named(bucket):
    shards(bucket)
    put(f"{bucket}/picture.png", b"x" * 5000)
    put(f"{bucket}/_SUCCESS", b"")
    assert "picture.png" in find_texts([bucket]).sentence


def test_a_stream_that_breaks_off_is_taken_up_where_it_broke_off(failing):
    put(f"{failing}/one.jsonl", jsonl(TEXTS))
    put(f"{failing}/two.jsonl.gz", gzip.compress(jsonl(TEXTS)))
    Failing.broken, Failing.times = {"one": 20_000, "two": 100}, 3
    source, read = texts_of(f"{failing}/*")
    assert Failing.times == 0
    assert read == [*TEXTS, *TEXTS]
    assert source.left_out == ()


def test_a_shard_that_stays_broken_is_named_and_the_next_one_is_read(failing):
    for number in range(3):
        put(f"{failing}/{number}.jsonl", jsonl(TEXTS[20 * number :][:20]))
    Failing.broken, Failing.times = {"1.jsonl": 0}, 1000
    source, read = texts_of(f"{failing}/*.jsonl")
    assert read == [*TEXTS[:20], *TEXTS[40:]]
    [said] = source.left_out
    assert "1 of 3 files" in said and "1.jsonl broke off after 0 of" in said and "Connection reset" in said
    with pytest.raises(CorpusError, match=r"1\.jsonl broke off"):
        texts_of(f"{failing}/*.jsonl", strict=True)


def test_a_single_stream_that_stays_broken_ends_in_one_sentence_with_what_was_read(failing):
    put(f"{failing}/one.jsonl", jsonl(TEXTS * 10))
    Failing.broken, Failing.times = {"one": 70_000}, 1000
    source = user_source([f"{failing}/one.jsonl"], "text", "")
    read = []
    with pytest.raises(CorpusError) as refusal:
        read.extend(document.text for document in source.open())
    assert "broke off after" in str(refusal.value) and "Connection reset by peer" in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_a_stream_that_ends_early_without_an_error_is_not_taken_for_a_whole_one(bucket):
    put(f"{bucket}/one.txt", "文字。\n".encode() * 1000)
    [file] = find_remote(f"{bucket}/one.txt")
    longer = remote.RemoteFile(file.address, file.path, file.bytes + 1000, file.system)
    with longer.open() as stream, pytest.raises(CorpusError, match="the stream ends early"):
        stream.read()


@pytest.mark.parametrize(
    "address, said",
    [
        ("memory://nothing/here.txt", "no such file"),
        ("memory://nothing/*.txt", "no such file"),
        ("memory://nothing/", "no such file"),
        ("nosuch://x/y.txt", "Protocol not known: nosuch"),
    ],
)
def test_an_address_without_text_is_refused_in_one_sentence(address, said):
    with pytest.raises(CorpusError) as refusal:
        find_texts([address])
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 300 and "\n" not in str(refusal.value)


def test_a_file_in_no_known_format_is_refused(bucket):
    put(f"{bucket}/text.docx", b"x")
    with pytest.raises(CorpusError, match=r"cannot read memory://.*text\.docx"):
        find_texts([f"{bucket}/text.docx"])


def test_the_package_that_a_scheme_needs_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingPackageError) as refusal:
        find_texts(["gs://bucket/texts/*.txt"])
    assert str(refusal.value) == (
        "reading gs:// needs the package gcsfs, which is not installed: pip install gcsfs"
    )


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ("s3://bucket/x.txt", True),
        ("hf://datasets/owner/name/x.jsonl", True),
        ("zip://x.txt::s3://bucket/y.zip", True),
        ("hf://owner/name", False),
        ("texts/*.txt", False),
        ("C:\\texts", False),
        ("hi=texts", False),
    ],
)
def test_addresses_are_told_from_paths_and_from_data_sets(pattern, expected):
    assert is_address(pattern) is expected
