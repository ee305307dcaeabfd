"""The parts of a file hold its documents, each in one of them, wherever the file is divided."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocabx.corpus.formats import size_of
from vocabx.corpus.parts import Part, grouped, parts_of
from vocabx.corpus.read_text import check_damaged, read_documents, read_source
from vocabx.corpus.skipped import Skipped
from vocabx.errors import CorpusError

LINES = st.lists(st.sampled_from(["", " ", "字", "文字。" * 40, "a\r", "文" * 9000, "x y z"]), max_size=30)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


def in_parts(path, size, skipped):
    number = -(-size_of(path) // size)
    for part in range(number):
        yield from read_source(path, "text", skipped, False, Part(part, size))


@settings(max_examples=80, deadline=None)
@given(LINES, st.integers(1, 400), st.booleans())
@example(["文字。" * 40] * 30, 10, True)
@example(["字", "", "字", ""] * 8, 3, False)
def test_the_documents_of_all_parts_are_those_of_the_file(directory, lines, size, ended):
    path = directory / "text.txt"
    path.write_bytes(("\n".join(["字", *lines]) + "\n" * ended).encode())
    skipped = Skipped()
    whole = [document.text for document in read_documents([path])]
    assert [document.text for document in in_parts(path, size, skipped)] == whole
    assert skipped.files == 1


RECORDS = st.lists(
    st.sampled_from(
        [json.dumps({"text": "文字。" * n}, ensure_ascii=False) for n in (1, 9, 99)]
        + ["", '{"text": null}', "no JSON", '{"other": 1}']
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(RECORDS, st.integers(1, 600))
def test_the_records_of_all_parts_are_those_of_the_file_and_so_is_its_refusal(directory, lines, size):
    path = directory / "text.jsonl"
    path.write_bytes(("\n".join(["", *lines]) + "\n").encode())
    whole, parts = Skipped(), Skipped()

    def outcome(documents, skipped):
        try:
            found = [document.text for document in documents]
            check_damaged(skipped)
        except CorpusError as error:
            return str(error).partition(" line ")[0].partition(" after ")[0]
        return found

    assert outcome(in_parts(path, size, parts), parts) == outcome(
        read_documents([path], "text", whole), whole
    )
    assert (parts.read, parts.empty, parts.malformed) == (whole.read, whole.empty, whole.malformed)


def test_a_record_that_is_left_out_is_named_by_its_part(directory):
    path = directory / "bad.jsonl"
    path.write_text('{"text": "字"}\n' * 10 + "no JSON\n", "utf-8")
    skipped = Skipped()
    assert len(list(in_parts(path, 100, skipped))) == 10
    # Lines have 16 bytes: the second part begins with the eighth.
    assert skipped.first_malformed == f"{path} after byte 100, line 4"


@pytest.mark.parametrize(
    "name, content, divided",
    [
        ("a.txt", b"x\n\n" * 100, True),
        ("a.jsonl", b"{}\n" * 100, True),
        ("a.json", b"{}\n" * 100, False),
        ("a.csv", b"a,b\n" * 100, False),
        ("a.txt.gz", b"x" * 300, False),
        ("wide.txt", "字\n\n".encode("utf-16") * 100, False),
        ("small.txt", b"x\n\n", False),
    ],
)
def test_only_large_plain_text_and_json_lines_are_divided(directory, name, content, divided):
    (directory / name).write_bytes(content)
    assert (None not in list(parts_of(directory / name, 100))) is divided


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 8))
def test_groups_are_all_items_in_their_order_and_none_is_empty(sizes, groups):
    found = [sizes[group] for group in grouped(sizes, groups)]
    assert [size for group in found for size in group] == sizes
    assert len(found) <= groups and all(found)
