"""Text behind http://, from servers with and without parts of files, over connections that break."""

import gzip
import json

import pytest
import zstandard
from small_server import Break, SmallServer, breaking, serving

from vocabx.corpus import remote
from vocabx.corpus.find_texts import find_texts
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError

TEXTS = [f"文字第{number}篇，內容各不相同。" * 20 for number in range(60)]


def jsonl(texts):
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts).encode()


FILES = {
    "/texts/1.jsonl": jsonl(TEXTS[:20]),
    "/texts/2.jsonl.gz": gzip.compress(jsonl(TEXTS[20:40])),
    "/texts/3.jsonl.zst": zstandard.ZstdCompressor().compress(jsonl(TEXTS[40:])),
    "/texts/picture.png": b"x" * 100,
}


@pytest.fixture(params=[True, False], ids=["ranges", "no ranges"])
def server(request, monkeypatch):
    monkeypatch.setattr(remote, "_WAIT", 0.0)
    # Files here are of many blocks.
    monkeypatch.setattr(remote, "_BLOCK", 5000)
    with serving(SmallServer(ranges=request.param, files=dict(FILES))) as server:
        yield server


def texts_of(*patterns, strict=False):
    source = user_source(patterns, "text", "", strict)
    return source, [document.text for document in source.open()]


def test_the_shards_of_a_glob_are_read_in_order_from_any_server(server):
    source, read = texts_of(f"{server.url}/texts/*.jsonl*")
    assert read == TEXTS
    assert source.bytes == sum(len(content) for name, content in FILES.items() if ".jsonl" in name)


def test_a_file_of_many_blocks_is_one_request(server):
    server.files["/large.txt"] = "一行文字。\n\n".encode() * 20_000
    _, read = texts_of(f"{server.url}/large.txt?key=1")
    assert read == ["一行文字。\n"] * 20_000
    assert [one for one in server.asked if one[0] == "GET"] == [("GET", "/large.txt", "")]


def test_a_file_whose_size_is_not_known_is_read_to_its_end(server):
    server.sized = False
    assert texts_of(f"{server.url}/texts/1.jsonl")[1] == TEXTS[:20]


def test_a_parquet_file_is_read_from_any_server(server, tmp_path):
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    parquet.write_table(
        arrow.table({"text": TEXTS, "n": range(60)}), tmp_path / "a.parquet", row_group_size=9
    )
    server.files["/a.parquet"] = (tmp_path / "a.parquet").read_bytes()
    assert texts_of(f"{server.url}/a.parquet")[1] == TEXTS


@pytest.mark.parametrize("name", ["1.jsonl", "2.jsonl.gz", "3.jsonl.zst"])
def test_a_connection_that_is_closed_in_the_middle_loses_and_doubles_nothing(server, name):
    many = [f"{number} {text}" for number in range(30) for text in TEXTS]
    content = jsonl(many)
    server.files["/texts/1.jsonl"] = content
    server.files["/texts/2.jsonl.gz"] = gzip.compress(content, 0)
    server.files["/texts/3.jsonl.zst"] = zstandard.ZstdCompressor(level=-100).compress(content)
    size = len(server.files[f"/texts/{name}"])
    # Without ranges every try begins at the first byte, and only a way that holds longer gets further.
    way = Break(after=size // 4 if server.ranges else size - 1000, times=3)
    with breaking(server.url, way):
        source, read = texts_of(f"{way.url}/texts/{name}")
    assert way.times == 0
    assert read == many
    assert source.left_out == ()


def test_a_file_whose_end_never_comes_ends_in_one_sentence(server):
    server.lost["/texts/1.jsonl"] = 3000
    with pytest.raises(CorpusError) as refusal:
        texts_of(f"{server.url}/texts/1.jsonl")
    said = str(refusal.value)
    assert "1.jsonl broke off after" in said and f"of {len(FILES['/texts/1.jsonl']):,} bytes" in said
    assert "\n" not in said and len(said) < 300


def test_a_shard_whose_end_never_comes_is_named_and_the_others_are_read(server):
    server.files["/texts/2.jsonl.gz"] = gzip.compress(jsonl(TEXTS), 0)
    server.files["/texts/1.jsonl"] = jsonl(TEXTS[:2])
    server.lost["/texts/2.jsonl.gz"] = 10_000
    source, read = texts_of(f"{server.url}/texts/*.jsonl*")
    assert read[:2] == TEXTS[:2] and read[-20:] == TEXTS[40:]
    [said] = source.left_out
    assert "1 of 3 files" in said and "2.jsonl.gz broke off" in said
    with pytest.raises(CorpusError, match=r"2\.jsonl\.gz broke off"):
        texts_of(f"{server.url}/texts/*.jsonl*", strict=True)


@pytest.mark.parametrize(
    "path, said",
    [
        ("/texts/none.jsonl", "no such file"),
        ("/none/*.jsonl", "no text at"),
        ("/texts/", "cannot read"),
        ("/texts/picture.png", "cannot read"),
    ],
)
def test_an_address_without_text_is_refused_in_one_sentence(server, path, said):
    with pytest.raises(CorpusError, match=said) as refusal:
        find_texts([server.url + path])
    assert len(str(refusal.value)) < 300 and "\n" not in str(refusal.value)


def test_a_server_that_is_not_there_is_named(server):
    for name in ("texts.jsonl", "*.jsonl"):
        with pytest.raises(CorpusError, match=r"cannot read http://127\.0\.0\.1:9/.*jsonl: .*connect"):
            find_texts([f"http://127.0.0.1:9/{name}"])
