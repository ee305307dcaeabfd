import gzip
import json
from pathlib import Path

import pytest

from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.find_texts import find_texts
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError
from vocabx.progress import Quiet


class Notes(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def write(path: Path, content: str | bytes = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_all_formats_of_a_directory_are_read(tmp_path):
    names = ["a.TXT", "b.json.gz", "c.txt.xz", "d.bz2/e.csv", "f.tsv", "g.txt.bz2", "h.ndjson", "i/j/k.arrow"]
    wanted = [write(tmp_path / name) for name in names]
    found = find_texts([str(tmp_path)])
    assert list(found.sources) == wanted
    assert not found.sentence


def test_files_that_are_not_read_are_counted_and_the_largest_named(tmp_path):
    write(tmp_path / "a.txt", "a" * 1000)
    for number, name in enumerate(["b.docx", "c.zip", "wiki_00", "empty.txt", "d.pdf"]):
        write(tmp_path / "deep" / name, "b" * (number * 200_000 if name != "empty.txt" else 0))
    for name in ["README.md", ".git/config", "LICENSE", ".hidden.txt"]:
        write(tmp_path / name)
    assert find_texts([str(tmp_path)]).sentence == (
        "5 of 6 files are not read, 1.4 MB of 1.4 MB: d.pdf (0.8 MB), wiki_00 (0.4 MB), c.zip (0.2 MB) and "
        "others; also 4 hidden files or READMEs, licences and the like."
    )


def test_a_linked_folder_is_read_once_and_a_circle_ends(tmp_path):
    one = write(tmp_path / "data" / "a.txt")
    other = write(tmp_path / "elsewhere" / "b.txt")
    (tmp_path / "data" / "circle").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "linked").symlink_to(other.parent)
    assert list(find_texts([str(tmp_path / "data")]).sources) == [one, one.parent / "linked" / "b.txt"]


def test_a_directory_without_text_is_refused_by_the_name_of_what_it_holds(tmp_path):
    write(tmp_path / "a.zip")
    with pytest.raises(CorpusError, match=r"no text in the directory .* \(not read: a.zip\): pass text as"):
        find_texts([str(tmp_path)])


def test_records_of_something_else_are_passed_over_by_name(tmp_path):
    write(tmp_path / "a.json.gz", gzip.compress(json.dumps({"text": "a"}).encode()))
    write(tmp_path / "meta.json", '{"source": "x"}')
    write(tmp_path / "speakers.csv", "id,age\n1,2\n")
    source = user_source([str(tmp_path)], "text", "")
    assert [document.text for document in source.open()] == ["a"]
    assert source.unread.startswith("2 of 3 files are not read") and "meta.json" in source.unread
    assert "speakers.csv" in source.unread


def test_a_directory_in_which_nothing_has_the_field_is_refused_with_the_option(tmp_path):
    write(tmp_path / "a.json", '{"body": "x"}')
    with pytest.raises(CorpusError, match="pass --text-field"):
        next(user_source([str(tmp_path)], "text", "").open())


def test_what_is_left_out_is_said_once_it_is_known(tmp_path, verses):
    lines = [json.dumps({"text": verse}) for verse in verses[:400]]
    write(tmp_path / "a.jsonl", "\n".join([*lines, '{"text": null}']))
    write(tmp_path / "b.zip")
    notes = Notes()
    source = user_source([str(tmp_path)], "text", "")
    draw_corpus(source, ["Han"], SampleSizes(20_000, 2_000), "Reading", notes)
    assert [note.removeprefix(f"{tmp_path}: ") for note in notes.notes] == [
        "1 of 2 files are not read, 4 B of 76.0 kB: b.zip (4 B).",
        f"1 of 401 records are left out: 1 without text (first: {tmp_path}/a.jsonl line 401).",
    ]
