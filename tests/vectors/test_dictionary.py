import gzip

import pytest

from vocabx.corpus.languages import find_language
from vocabx.errors import VectorsError
from vocabx.vectors import freedict
from vocabx.vectors.cedict import _without_asides
from vocabx.vectors.dictionary import identical_pairs, read_dictionary

GERMAN, CHINESE = find_language("de"), find_language("zh-Hant")

# Made-up entries in the layout of FreeDict's English-German and Swahili dictionaries.
ENTRIES = {
    "house": 'house /hˈaʊs/\nHaus <neut>, Heim <neut> [arch.]\n      "a house"  - ein Haus\n'
    "   Synonym: {home}\n see: {houses}\n",
    "run": "run /ɹˈʌn/ <v>\n1. laufen <v>; rennen (schnell) <v>\n2. [fig.] in Fahrt sein\n"
    "         Note: Sport\n",
    "open house": "open house\nTag der offenen Tür\n",
    "00databaseinfo": "00databaseinfo\nA dictionary\n",
}


def dict_files(directory, name, packed=True):
    content, index = b"", []
    for headword, entry in ENTRIES.items():
        index.append(f"{headword}\t{digits(len(content))}\t{digits(len(entry.encode()))}")
        content += entry.encode()
    (directory / f"{name}.index").write_text("\n".join(index) + "\n", "utf-8")
    path = directory / f"{name}.dict{'.dz' if packed else ''}"
    path.write_bytes(gzip.compress(content) if packed else content)
    return directory / f"{name}.index"


def digits(number: int) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return (digits(number // 64) if number > 63 else "") + letters[number % 64]


def refusal(name, language=CHINESE, source="en") -> str:
    with pytest.raises(VectorsError) as caught:
        read_dictionary(name, language, source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_cedict_yields_single_words_in_the_script_of_the_language(cedict):
    simplified = read_dictionary("cedict", find_language("zh-Hans"))
    assert len(cedict.pairs) > 80_000 and len(set(cedict.pairs)) == len(cedict.pairs)
    assert {("cat", "貓"), ("computer", "電腦"), ("run", "跑"), ("law", "法律")} <= set(cedict.pairs)
    assert {("cat", "猫"), ("computer", "电脑")} <= set(simplified.pairs)
    assert not {("cat", "貓"), ("computer", "電腦")} & set(simplified.pairs)
    assert not any(set(word) & set(" ()[]/:0123456789") for word, _ in cedict.pairs)


def test_nested_asides_are_removed():
    assert _without_asides("a (b (c/d) e)/f [g]") == "a /f "


@pytest.mark.parametrize("text", ["house\tHaus\nopen house\toffenes Haus\n", "house Haus\n\nrun laufen\n"])
def test_columns_may_be_separated_by_tabs_or_spaces(tmp_path, text):
    path = tmp_path / "en-de.txt"
    path.write_text(text, "utf-8")
    found = read_dictionary(str(path), GERMAN)
    assert found.pairs[0] == ("house", "Haus") and len(found.pairs) == 2
    assert found.origin == "en-de.txt, 2 pairs"


@pytest.mark.parametrize("packed", [True, False])
def test_freedict_yields_single_word_translations(tmp_path, packed):
    path = dict_files(tmp_path, "freedict-eng-deu", packed)
    assert read_dictionary(str(path), GERMAN).pairs == (
        ("house", "Haus"),
        ("house", "Heim"),
        ("run", "laufen"),
        ("run", "rennen"),
    )


def test_freedict_is_found_in_debians_directory_and_reversed_if_necessary(tmp_path, monkeypatch):
    monkeypatch.setattr(freedict, "_WHERE", tmp_path)
    assert "dict-freedict-eng-deu" in refusal("freedict", GERMAN)
    dict_files(tmp_path, "freedict-deu-eng")
    assert ("Haus", "house") in read_dictionary("freedict", GERMAN).pairs
    dict_files(tmp_path, "freedict-eng-deu")
    assert ("house", "Haus") in read_dictionary("freedict", GERMAN).pairs
    assert ("house", "Haus") in read_dictionary("freedict-eng-deu", GERMAN).pairs
    assert "freedict-eng-swh" in refusal("freedict", find_language("sw"))


def test_identical_pairs_are_derived_from_the_vocabularies(make):
    wanted = read_dictionary("identical", GERMAN)
    assert wanted.identical and not wanted.pairs
    pairs = identical_pairs(make(["the", "Berlin", "1999"]), make(["1999", "der", "Berlin"])).pairs
    assert pairs == (("Berlin", "Berlin"), ("1999", "1999"))


@pytest.mark.parametrize(
    ("name", "language", "source", "said"),
    [
        ("cedict", GERMAN, "en", "a dictionary of Chinese, not of German"),
        ("cedict", CHINESE, "fr", "a dictionary of English, not of fr"),
        ("cc-cedit", CHINESE, "en", "Did you mean cc-cedict?"),
        ("muse", GERMAN, "en", "pass its path"),
        ("jmdict", GERMAN, "en", "dict-freedict-jpn-eng"),
        ("/nowhere/en-de.txt", GERMAN, "en", "no dictionary '/nowhere/en-de.txt'"),
    ],
)
def test_unknown_names_are_refused(name, language, source, said):
    assert said in refusal(name, language, source)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no pair"),
        (b"house Haus\nrun\na b c\n", "line 2 is not a pair of words: 'run'"),
        (b"a b c\n", "line 1"),
        (b"\xff\xfe\x00", "no dictionary"),
    ],
)
def test_bad_columns_are_refused(tmp_path, content, said):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    assert said in refusal(str(path))


def test_one_line_that_is_no_pair_is_left_out_and_counted(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_bytes(b"house Haus\nrun\ntree Baum\n")
    found = read_dictionary(str(path), GERMAN)
    assert found.pairs == (("house", "Haus"), ("tree", "Baum"))
    assert found.origin == "pairs.txt, 2 pairs; 1 line without a pair left out"


def test_bad_freedict_files_are_refused(tmp_path):
    path = dict_files(tmp_path, "freedict-eng-deu")
    packed = tmp_path / "freedict-eng-deu.dict.dz"
    packed.write_bytes(packed.read_bytes()[:-20])
    assert "cannot be decompressed" in refusal(str(path), GERMAN)
    packed.unlink()
    assert "needs freedict-eng-deu.dict" in refusal(str(path), GERMAN)
    dict_files(tmp_path, "freedict-eng-deu")
    path.write_text("no index at all\n")
    assert "not an index of the DICT server" in refusal(str(path), GERMAN)
