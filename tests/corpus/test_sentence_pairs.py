import dataclasses

import pytest
from catalogue_files import mo_file

from vocabx.corpus.catalogues import catalogue_files, locales_of, translated
from vocabx.corpus.languages import find_language
from vocabx.corpus.sentence_pairs import FEWEST, default_pairs, read_pairs
from vocabx.errors import CorpusError

HEADER = "Content-Type: text/plain; charset=UTF-8\n"


def table(tmp_path, lines, encoding="utf-8"):
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n", encoding)
    return path


def numbered(count):
    return [f"第{n}句話。\tThis is sentence {n}." for n in range(count)]


def test_a_file_of_pairs_is_read_in_its_order(tmp_path):
    lines = numbered(FEWEST)
    pairs = read_pairs(table(tmp_path, [*lines[:5], "", *lines[5:]]), ("Han",))
    assert len(pairs) == FEWEST
    assert pairs.target[7] == "第7句話。" and pairs.base_language[7] == "This is sentence 7."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_sentence(tmp_path, encoding):
    assert read_pairs(table(tmp_path, numbered(FEWEST), encoding)).target[0] == "第0句話。"


def test_a_sentence_that_occurs_again_has_one_partner(tmp_path):
    lines = [*numbered(FEWEST), "第0句話。\tAnother.", "別的。\tThis is sentence 1."]
    pairs = read_pairs(table(tmp_path, lines))
    assert len(pairs) == FEWEST and "Another." not in pairs.base_language and "別的。" not in pairs.target


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([*numbered(30), "一句。"], "line 31 has 1 column: each line must be a sentence, a tab, and"),
        ([*numbered(30), "一\ttwo\t三"], "line 31 has 3 columns"),
        ([*numbered(30), "一句。\t "], "line 31 has no sentence in column 2"),
        ([*numbered(30), "\tOne."], "line 31 has no sentence in column 1"),
        (
            numbered(FEWEST - 1),
            f"to compare, {FEWEST - 1}: pass at least {FEWEST}",
        ),
        ([numbered(1)[0]] * 50, "too few different pairs in"),
        (["\t".join(line.split("\t")[::-1]) for line in numbered(30)], "Han script is in the second column"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused_in_a_sentence(tmp_path, lines, says):
    with pytest.raises(CorpusError, match=says) as caught:
        read_pairs(table(tmp_path, lines), ("Han",))
    assert len(str(caught.value)) <= 300 + len(str(tmp_path)) and "\n" not in str(caught.value)


def test_columns_that_share_a_script_are_not_taken_for_exchanged(tmp_path):
    lines = [*(f"第{n}句話。\t第{n}句话。" for n in range(FEWEST)), "1:1\t第一章第一節"]
    assert len(read_pairs(table(tmp_path, lines), ("Han",))) == FEWEST + 1


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="No such file"):
        read_pairs(tmp_path / "nowhere.tsv")
    (tmp_path / "latin.tsv").write_bytes("Straße\tstreet\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="is not UTF-8"):
        read_pairs(tmp_path / "latin.tsv")


def test_pairs_are_drawn_by_their_content_and_seed(tmp_path):
    pairs = read_pairs(table(tmp_path, numbered(60)))
    drawn = pairs.drawn(25, 3)
    assert len(drawn) == 25 and drawn == pairs.drawn(25, 3) != pairs.drawn(25, 4)
    assert drawn.source.endswith("pairs.tsv: 25 of 60 pairs")
    backwards = read_pairs(table(tmp_path, numbered(60)[::-1]))
    assert set(backwards.drawn(25, 3).target) == set(drawn.target)
    for text, english in zip(drawn.target, drawn.base_language, strict=True):
        assert english == f"This is sentence {text[1:-3]}."


@pytest.mark.parametrize(
    ("tag", "verse"), [("zh-Hant", "　神說、要有光、就有了光。"), ("zh-Hans", "　神说、要有光、就有了光。")]
)
def test_the_verses_of_two_bibles_are_pairs(tag, verse):
    pairs = default_pairs(find_language(tag))
    assert len(pairs) > 20_000
    english = dict(zip(pairs.target, pairs.base_language, strict=True))
    assert english[verse.strip()] == "And God said, Let there be light: and there was light."
    # One of the last: books, chapters and verses are counted alike to the end.
    assert pairs.base_language[-1].endswith("Even so, come, Lord Jesus.")
    assert pairs.target[-1].endswith(("主耶穌阿、我願你來。", "主耶稣阿、我愿你来。"))


def test_the_catalogues_of_programs_are_pairs_where_no_package_has_any(tmp_path):
    sentences = {
        f"The file number {n} cannot be opened.": f"Datei {n} kann nicht geöffnet werden." for n in range(25)
    }
    others = {
        "Open": "Öffnen", "Cannot open the file %s here.": "%s kann nicht geöffnet werden.",
        "menu\x04Close the file and go on.": "Die _Datei schließen.",
        "Left in English as it was.": "Left in English as it was.",
    }  # fmt: skip
    where = tmp_path / "de" / "LC_MESSAGES"
    where.mkdir(parents=True)
    (where / "a.mo").write_bytes(mo_file({"": HEADER, **sentences, **others}))
    (where / "damaged.mo").write_bytes(b"\xde\x12\x04\x95" + b"\0" * 5)
    pairs = default_pairs(find_language("de"), [tmp_path])
    assert len(pairs) == 26 and pairs.source == "the catalogues of 2 programs on this machine"
    english = dict(zip(pairs.target, pairs.base_language, strict=True))
    assert english["Die Datei schließen."] == "Close the file and go on."
    assert english["Datei 3 kann nicht geöffnet werden."] == "The file number 3 cannot be opened."
    assert dict(translated(where / "a.mo"))["Open"] == "Öffnen"
    assert catalogue_files("de", [tmp_path]) == [where / "a.mo", where / "damaged.mo"]


def test_a_language_without_pairs_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CorpusError, match="pass a file of pairs, since vocabx knows none for Swahili"):
        default_pairs(find_language("sw"), [tmp_path])
    several = dataclasses.replace(find_language("de"), parts=(find_language("hi"), find_language("ta")))
    with pytest.raises(CorpusError, match="takes one language"):
        default_pairs(several, [tmp_path])


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("zh-Hant", ("zh_TW",)), ("zh-Hans", ("zh_CN", "zh")), ("hi", ("hi_IN", "hi")),
        ("sr-Latn", ("sr@latin",)), ("pt", ("pt_BR", "pt")), ("de", ("de_DE", "de")),
    ],
)  # fmt: skip
def test_gettext_names_a_language_by_territory_or_script(tag, names):
    assert locales_of(tag) == names
