import json
from pathlib import Path

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from vocabx.corpus.fields import NoText, text_of
from vocabx.corpus.read_text import read_documents
from vocabx.corpus.skipped import Skipped
from vocabx.errors import CorpusError

TEXTS = ["第一段。\n第二行", 'Second, with a ü; and "quotes"', "三"]


def read(path: Path, content: str | bytes, field: str = "text") -> tuple[list[str], Skipped]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    skipped = Skipped()
    return [document.text for document in read_documents([path], field, skipped)], skipped


def lines(records: list) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@pytest.mark.parametrize(
    ("record", "field", "text"),
    [
        ({"translation": {"de": "a", "en": "b"}}, "translation.de", "a"),
        ({"a.b": "flat", "a": {"b": "nested"}}, "a.b", "flat"),
        ({"a.b": {"c": "text"}}, "a.b.c", "text"),
        ({"messages": [{"role": "user", "content": "a"}, {"content": "b"}]}, "messages", "a\nb"),
        ({"messages": [{"role": "user", "content": "a"}, {"content": "b"}]}, "messages.content", "a\nb"),
        ({"messages": [{"content": None}, {"content": [{"type": "text", "text": "a"}]}]}, "messages", "a"),
        ({"conversations": [{"from": "human", "value": "a"}]}, "conversations", "a"),
        ({"text": ["a", "b"]}, "text", "a\nb"),
        ({"text": b"a\xc3\xbc"}, "text", "aü"),
        ("alone", "text", "alone"),
    ],
)
def test_the_text_of_a_record_is_found_where_it_is_nested(record, field, text):
    assert text_of(record, field) == text


@pytest.mark.parametrize(
    ("record", "malformed", "shown"),
    [
        ({"text": None}, False, "it has: text"),
        ({"text": " \n"}, False, ""),
        ({"text": []}, False, ""),
        ({"id": 7}, True, "it has: id"),
        ({"text": 7}, True, ""),
        ({"translation": {"en": "a", "de": "b"}}, True, "it has: translation.en, translation.de"),
        (["a"], True, "it has: list"),
        (None, False, ""),
    ],
)
def test_a_record_without_text_names_its_fields(record, malformed, shown):
    with pytest.raises(NoText) as caught:
        text_of(record, "text")
    assert caught.value.malformed == malformed
    assert shown in str(caught.value)


@pytest.mark.parametrize("bad", [{"text": None}, {"text": ""}, {"id": 3}, {"text": 12}, "{'text': 1}", "{"])
def test_one_record_without_text_is_left_out_and_counted(tmp_path, bad):
    good = [{"text": text} for text in TEXTS]
    middle = bad + "\n" if isinstance(bad, str) else lines([bad])
    texts, skipped = read(tmp_path / "a.jsonl", lines(good[:2]) + middle + lines(good[2:]))
    assert texts == TEXTS
    assert skipped.sentence().startswith("1 of 4 records are left out: 1 ")
    assert "a.jsonl line 3" in skipped.sentence()


def test_records_of_null_may_be_most_of_a_file_but_not_all(tmp_path):
    null = lines([{"text": None}])
    texts, skipped = read(tmp_path / "a.jsonl", null * 300 + lines([{"text": "a"}]))
    assert texts == ["a"]
    assert (skipped.read, skipped.empty, skipped.malformed) == (301, 300, 0)
    with pytest.raises(CorpusError, match="no text in the field"):
        read(tmp_path / "a.jsonl", null * 3)


def test_a_file_of_other_records_is_refused_long_before_its_end(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines([{"body": "a"}]) * 100_000)
    skipped = Skipped()
    with pytest.raises(CorpusError, match=r"line 1 has no text in the field 'text' \(it has: body\)"):
        list(read_documents([path], "text", skipped))
    assert skipped.read < 1000


@pytest.mark.parametrize(
    "form",
    [
        lambda records: json.dumps(records),
        lambda records: json.dumps(records, indent=2, ensure_ascii=False) + "\n",
        lambda records: "\n\n".join(json.dumps(record, indent=1) for record in records),
        lines,
        lambda records: lines(records).rstrip(),
        lambda records: json.dumps([record["text"] for record in records]),
    ],
    ids=["array", "indented", "objects", "lines", "lines without the last end", "strings"],
)
def test_a_json_file_is_read_whatever_its_form(tmp_path, form):
    records = [{"id": number, "text": text * 300} for number, text in enumerate(TEXTS * 40)]
    assert read(tmp_path / "a.json", form(records))[0] == [record["text"] for record in records]


@pytest.mark.parametrize(
    "content", ['[{"text": "a"}', '[{"text": "a"}, {"te', "text", "[" * 100_000, '{"a": ']
)
def test_a_damaged_json_file_is_refused_in_one_line(tmp_path, content):
    with pytest.raises(CorpusError, match="is not JSON") as caught:
        read(tmp_path / "a.json", content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_csv_file_is_one_document_per_row(tmp_path, end, delimiter):
    quoted = ['"' + text.replace('"', '""') + '"' for text in TEXTS]
    rows = [delimiter.join(row) for row in [("id", "text"), *(("7", text) for text in quoted)]]
    assert read(tmp_path / "a.csv", end.join(rows) + end)[0] == TEXTS


def test_a_quote_in_a_tsv_file_does_not_swallow_the_rest(tmp_path):
    content = 'id\ttext\n1\t"open\n2\t"a ""b"""\n3\n4\t\n5\tfive\n'
    texts, skipped = read(tmp_path / "a.tsv", content)
    assert texts == ['"open', 'a "b"', "five"]
    assert (skipped.read, skipped.empty, skipped.malformed) == (5, 1, 1)


def test_a_cell_may_be_longer_than_the_limit_of_python(tmp_path):
    assert read(tmp_path / "a.csv", "text\n" + "a" * 200_000 + "\n")[0] == ["a" * 200_000]


def test_a_table_without_the_column_names_those_it_has(tmp_path):
    with pytest.raises(CorpusError, match=r"no column 'text' \(it has: id, body\): pass --text-field"):
        read(tmp_path / "a.csv", "id,body\n1,a\n")


@pytest.mark.parametrize("form", ["stream", "file", "feather"])
def test_an_arrow_file_is_one_document_per_row(tmp_path, form):
    table = pyarrow.table({"id": [1, 2, 3, 4], "text": [*TEXTS, None]})
    path = tmp_path / ("a.feather" if form == "feather" else "a.arrow")
    make = pyarrow.ipc.new_stream if form == "stream" else pyarrow.ipc.new_file
    with make(path, table.schema) as writer:
        writer.write_table(table)
    skipped = Skipped()
    assert [document.text for document in read_documents([path], "text", skipped)] == TEXTS
    assert (skipped.read, skipped.empty) == (4, 1)


def test_a_damaged_arrow_file_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="is not an arrow file"):
        read(tmp_path / "a.arrow", b"ARROW1 no more")


@pytest.mark.parametrize(
    ("column", "field"),
    [
        (pyarrow.array([[text, text] for text in TEXTS]), "text"),
        (pyarrow.array([{"en": "x", "de": text} for text in TEXTS]), "text.de"),
        (pyarrow.array(TEXTS).dictionary_encode(), "text"),
        (pyarrow.array(TEXTS, pyarrow.large_string()), "text"),
        (pyarrow.array([text.encode() for text in TEXTS]), "text"),
    ],
    ids=["list", "struct", "dictionary", "large", "binary"],
)
def test_every_kind_of_parquet_column_that_holds_text_is_read(tmp_path, column, field):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), path)
    wanted = [f"{text}\n{text}" for text in TEXTS] if isinstance(column[0].as_py(), list) else TEXTS
    assert [document.text for document in read_documents([path], field)] == wanted


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding, ending):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = ending.join([*(["第一段。ਊ", "Ċ Ā two 😀"] * 9000), ""])
    assert "".join(read(tmp_path / "a.txt", (mark + text).encode(encoding))[0]) == text
    records = (mark + lines([{"text": text}, {"text": "b"}])).encode(encoding)
    assert read(tmp_path / "a.jsonl", records)[0] == [text, "b"]
