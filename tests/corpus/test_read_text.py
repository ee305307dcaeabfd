import bz2
import gzip
import io
import json
import lzma
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.corpus.find_texts import resolve_sources, source_bytes
from vocabx.corpus.read_text import read_documents
from vocabx.errors import CorpusError

TEXTS = ["第一段。\n第二行", "Second, with a ü", "三"]


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zst}


def as_jsonl(texts: list[str], field: str = "text") -> bytes:
    return "".join(json.dumps({"id": i, field: t}) + "\n" for i, t in enumerate(texts)).encode()


def as_parquet(texts: list, field: str = "text") -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({field: texts, "id": list(range(len(texts)))}), buffer)
    return buffer.getvalue()


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def texts_of(path: Path, field: str = "text") -> list[str]:
    return [document.text for document in read_documents([path], field)]


def refusal(path: Path, field: str = "text") -> str:
    with pytest.raises(CorpusError) as caught:
        texts_of(path, field)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
def test_a_txt_file_is_one_document_per_block_of_lines(tmp_path, packing, ending):
    text = "第一段。\n第二行\n\n \nSecond, with a ü\r\n\r\n三" + ending
    path = write(tmp_path / f"a.txt{packing}", PACKERS[packing](text.encode()))
    assert [t.strip() for t in texts_of(path)] == TEXTS


@pytest.mark.parametrize("packing", PACKERS)
def test_a_jsonl_file_is_one_document_per_record(tmp_path, packing):
    path = write(tmp_path / f"a.jsonl{packing}", PACKERS[packing](as_jsonl(TEXTS) + b"\n"))
    assert texts_of(path) == TEXTS


def test_a_parquet_file_is_one_document_per_row(tmp_path):
    assert texts_of(write(tmp_path / "a.parquet", as_parquet([*TEXTS, None] * 500))) == TEXTS * 500


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_the_text_field_can_be_named(tmp_path, name):
    data = as_jsonl(TEXTS, "body") if name == "a.jsonl" else as_parquet(TEXTS, "body")
    path = write(tmp_path / name, data)
    assert texts_of(path, "body") == TEXTS
    message = refusal(path)
    assert "'text'" in message and "body" in message and "--text-field" in message


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zst"])
def test_all_members_of_a_concatenated_archive_are_read(tmp_path, packing):
    pack = PACKERS[packing]
    path = write(tmp_path / f"a.txt{packing}", pack("一\n\n".encode()) + pack(b"") + pack("二\n".encode()))
    assert texts_of(path) == ["一\n", "二\n"]


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")),
    st.sampled_from([*PACKERS]),
)
def test_no_word_of_a_txt_file_is_lost(tmp_path_factory, text, packing):
    if text:
        path = write(tmp_path_factory.mktemp("t") / f"a.txt{packing}", PACKERS[packing](text.encode()))
        assert "".join(texts_of(path)).split() == text.split()


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_a_large_txt_file_streams(tmp_path, packing):
    path = write(
        tmp_path / f"a.txt{packing}", PACKERS[packing](("一二三四五六七八九" * 30 + "\n").encode() * 50_000)
    )
    tracemalloc.start()
    longest = max(len(document.text) for document in read_documents([path]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert longest < 9000
    assert peak < 16_000_000


@pytest.mark.parametrize("name", [f"a.txt{p}" for p in PACKERS] + ["a.jsonl", "a.parquet"])
def test_progress_never_goes_back_and_ends_at_the_size_of_the_file(tmp_path, name):
    texts = [f"第{i}段" * 20 for i in range(3000)]
    forms = {".jsonl": as_jsonl, ".parquet": as_parquet}
    plain = forms.get(Path(name).suffix, lambda t: "\n\n".join(t).encode())(texts)
    path = write(tmp_path / name, PACKERS.get(Path(name).suffix, bytes)(plain))
    positions = [document.bytes_read for document in read_documents([path])]
    assert positions == sorted(positions)
    assert positions[-1] == path.stat().st_size == source_bytes([path])


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path):
    assert texts_of(write(tmp_path / "a.txt", "\ufeff甲".encode())) == ["甲"]
    assert texts_of(write(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + as_jsonl(["甲"]))) == ["甲"]


def test_half_a_surrogate_pair_in_json_is_dropped(tmp_path):
    path = write(tmp_path / "a.jsonl", rb'{"text": "a\ud83db\ud83d\ude00"}')
    assert texts_of(path) == ["ab😀"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b"\x89PNG\x0d\x0a\x1a\x0a\0\0\0", "not UTF-8"),
        ("a.txt", b"text\n\0\0\1\2", "is binary"),
        ("a.txt", "繁體中文".encode("big5"), "not UTF-8"),
        ("a.txt", "中文".encode("utf-16-le"), "not UTF-8"),
        ("a.txt", "中文".encode("utf-16")[:-1], "not UTF-16-LE"),
        ("a.jsonl", "{'text': '中'}".encode(), "line 1 is not JSON"),
        ("a.jsonl", as_jsonl(["a"]) + b'{"text": "trunc\n' * 2, "line 2 is not JSON"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'{"n": ' + b"9" * 5000 + b"}", "line 1 is not JSON"),
        ("a.jsonl", b'["text"]', "no text in the field 'text' (it has: list)"),
        ("a.jsonl", b'{"text": 5}', "no text in the field 'text'"),
        ("a.jsonl", b'{"text": null}', "no text in the field 'text'"),
        ("a.parquet", as_parquet([1, 2]), "row 1 has no text in the field 'text'"),
        ("a.parquet", b"PAR1 no more", "is not a parquet file"),
        ("a.parquet", as_parquet(TEXTS)[:-20], "is not a parquet file"),
        ("a.parquet.gz", gzip.compress(as_parquet(TEXTS)), "unpack the outer .gz"),
        ("a.txt.gz", b"plain text", "is damaged"),
        ("a.txt.zst", b"plain text", "is damaged"),
        ("a.txt.gz", gzip.compress(b"\0binary", mtime=0), "is binary"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_text_is_refused_with_the_reason(tmp_path, name, data, reason):
    assert reason in refusal(write(tmp_path / name, data))


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("kind", ["truncated", "corrupted"])
def test_a_damaged_archive_is_refused(tmp_path, packing, kind):
    packed = PACKERS[packing]("".join(f"第{i * 7919 % 100_003}行\n" for i in range(20_000)).encode())
    damaged = packed[: len(packed) // 2] if kind == "truncated" else packed[:10] + b"\xff" * 60 + packed[70:]
    assert "is damaged" in refusal(write(tmp_path / f"a.txt{packing}", damaged))


def test_a_parquet_file_with_a_corrupted_page_is_refused(tmp_path):
    whole = as_parquet([f"第{i}行" * 9 for i in range(20_000)])
    path = write(tmp_path / "a.parquet", whole[:3000] + b"\xff" * 200 + whole[3200:])
    assert "is damaged" in refusal(path)


def test_a_directory_yields_its_text_files_in_order_and_nothing_else(tmp_path):
    wanted = [write(tmp_path / name, b"x") for name in ("a.txt", "b/c.jsonl.gz", "b/d.parquet", "e.txt.zst")]
    for name in ("b/readme.md", "picture.png", "b/old.txt.bak"):
        write(tmp_path / name, b"x")
    assert resolve_sources([str(tmp_path)]) == wanted


def test_a_glob_yields_its_files_in_order(tmp_path, monkeypatch):
    wanted = [write(tmp_path / f"{name}.txt", b"x") for name in ("a", "b", "deep/er/c")]
    monkeypatch.chdir(tmp_path)
    assert resolve_sources([str(tmp_path / "?.txt")]) == wanted[:2]
    assert resolve_sources(["[ab].txt"]) == [Path("a.txt"), Path("b.txt")]
    assert resolve_sources(["**/*.txt"]) == [Path("a.txt"), Path("b.txt"), Path("deep/er/c.txt")]
    assert resolve_sources([f"../{tmp_path.name}/deep/*/*.txt"]) != []


def test_sources_keep_the_order_of_the_arguments(tmp_path):
    one, two = (write(tmp_path / name, b"12345") for name in ("z.txt", "a.txt"))
    sources = resolve_sources([str(one), "hf://owner/set/20231101.de:train[:10]", str(two)])
    assert sources == [one, "hf://owner/set/20231101.de:train[:10]", two]
    assert source_bytes(sources) is None
    assert source_bytes([one, two]) == 10


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("missing.txt", "no such text"),
        ("*.nothing", "no such text"),
        ("**x", "no such text"),
        ("nul\0.txt", "no such text"),
        ("empty", "no text in the directory empty: pass text as .txt, .jsonl"),
        ("notes.md", "cannot read notes.md"),
        ("*.md", "cannot read notes.md"),
        ("hf://", "names no data set"),
        ("hf://wikipedia", "names no data set"),
        ("hf://:train", "names no data set"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_before_reading(tmp_path, monkeypatch, pattern, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "notes.md", b"text")
    with pytest.raises(CorpusError, match=reason) as caught:
        resolve_sources([pattern])
    assert "\n" not in str(caught.value)
