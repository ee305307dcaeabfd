"""Several languages at once: their tags, the text of each, and all of them as one."""

import pytest

from vocabx.corpus.document import Document
from vocabx.corpus.languages import language_name
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.several import (
    draw_each,
    find_languages,
    in_turn,
    joined_corpus,
    shares_of,
    text_of,
    with_scripts,
    without_tag,
)
from vocabx.corpus.source import TextSource
from vocabx.errors import CorpusError, LanguageError, OptionError
from vocabx.progress import Quiet

HINDI = "सुबह हम बगीचे में चाय पीते हैं और शहर के बारे में एक किताब पढ़ते हैं। "
TAMIL = "காலையில் நாங்கள் தோட்டத்தில் தேநீர் குடித்து ஒரு புத்தகம் படிக்கிறோம். "


def no_default(language):
    return TextSource(f"default of {language.tag}", None, lambda: iter(()))


@pytest.fixture
def texts(tmp_path):
    """A file of each language: twice as much Hindi."""
    for name, sentence, times in (("hi", HINDI, 60), ("ta", TAMIL, 20)):
        lines = (f"{sentence}{number}\n\n" for number in range(times))
        (tmp_path / f"{name}.txt").write_text("".join(lines), "utf-8")
    return tmp_path


def test_several_languages_are_one_with_the_characters_of_all():
    found = find_languages("hi, ta,zh-TW")
    assert found.tag == "hi,ta,zh-Hant"
    assert found.name == language_name(found.tag) == "Hindi, Tamil and Chinese (Traditional)"
    assert found.scripts == ("Devanagari", "Tamil", "Han", "Bopomofo")
    assert found.blocks == find_languages("zh-Hant").blocks
    assert [one.tag for one in found.each] == ["hi", "ta", "zh-Hant"]
    assert find_languages("hi").each == (find_languages("hi"),)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ("hi,,ta", "no language before or after a comma"),
        ("hi,", "no language before or after a comma"),
        ("hi,qqqq", "unknown language tag 'qqqq'"),
        ("zh-TW,zh-Hant", "names Chinese (Traditional) twice"),
    ],
)
def test_tags_that_name_no_languages_are_refused(tags, says):
    with pytest.raises(LanguageError, match=says.replace("(", r"\(").replace(")", r"\)")):
        find_languages(tags)


def test_each_language_has_its_text_and_the_others_their_default(texts):
    language = find_languages("hi,ta,bn")
    corpus = (f"hi={texts / 'hi.txt'}", f"TA={texts / 'ta.txt'}")
    source = text_of(language, corpus, "text", "", no_default)
    assert [part.description for part in source.parts] == [
        str(texts / "hi.txt"), str(texts / "ta.txt"), "default of bn",
    ]  # fmt: skip
    assert source.bytes is None
    assert "bn: default of bn" in source.description


@pytest.mark.parametrize(
    ("corpus", "says"),
    [
        ("hi.txt", "write --corpus hi=hi.txt"),
        ("bn=hi.txt", "of a language that --lang hi,ta does not name"),
        ("hi=nowhere.txt", "no such text: nowhere.txt"),
    ],
)
def test_text_of_no_language_is_refused(corpus, says):
    with pytest.raises(CorpusError, match=says):
        text_of(find_languages("hi,ta"), (corpus,), "text", "", no_default)


def test_only_chinese_is_converted(texts):
    language, corpus = find_languages("hi,ta"), (f"hi={texts / 'hi.txt'}",)
    with pytest.raises(OptionError, match="--opencc converts Chinese text"):
        text_of(language, corpus, "text", "s2tw", no_default)


def test_a_path_may_hold_an_equals_sign(texts):
    (texts / "a=b.txt").write_text(HINDI, "utf-8")
    path = str(texts / "a=b.txt")
    assert text_of(find_languages("hi"), (path,), "text", "", no_default).description == path
    assert text_of(find_languages("hi"), (f"hi={path}",), "text", "", no_default).description == path
    assert (without_tag(path), without_tag(f"hi={path}")) == (path, path)


def test_texts_are_read_in_turn_by_their_bytes():
    long = [Document("x" * 30, "a", 30 * n) for n in range(1, 5)]
    short = [Document("y" * 10, f"b{n % 2}", 10) for n in range(1, 20)]
    taken = list(in_turn([iter(long), iter(short)]))
    given = {"x": 0, "y": 0}
    for document in taken[: taken.index(next(d for d in reversed(taken) if d.text[0] == "x"))]:
        given[document.text[0]] += len(document.text)
        assert abs(given["x"] - given["y"]) <= 30
    assert len(taken) == len(long) + len(short)
    read = [document.bytes_read for document in taken]
    assert read == sorted(read)


def test_every_language_is_held_out_of_its_own_text(texts):
    corpus = (f"hi={texts / 'hi.txt'}", f"ta={texts / 'ta.txt'}")
    source = text_of(find_languages("hi,ta"), corpus, "text", "", no_default)
    language = with_scripts(find_languages("hi,ta"), source)
    drawn = draw_each(source, language, SampleSizes(100_000, 500), "Reading", Quiet())
    assert all(one.heldout for one in drawn)
    both = joined_corpus(drawn)
    assert sorted(both.learning) == sorted(line for one in drawn for line in one.learning)
    assert set(both.sources) == {str(texts / "hi.txt"), str(texts / "ta.txt")}
    assert both.bytes_read == sum(one.bytes_read for one in drawn)
    # The first lines are of both languages, for what reads only those.
    assert len({line[0] for line in both.learning[:2]}) == 2


def test_text_of_another_language_is_refused_by_the_name_of_both(texts):
    corpus = (f"hi={texts / 'ta.txt'}", f"ta={texts / 'ta.txt'}")
    source = text_of(find_languages("hi,ta"), corpus, "text", "", no_default)
    with pytest.raises(CorpusError, match=r"Hindi.*no letter of Devanagari script"):
        draw_each(source, find_languages("hi,ta"), SampleSizes(), "Reading", Quiet())


def test_scripts_of_a_language_without_a_profile_are_those_of_its_own_text(texts):
    (texts / "am.txt").write_text("ጠዋት በአትክልቱ ውስጥ ሻይ እንጠጣለን። " * 5, "utf-8")
    corpus = (f"hi={texts / 'hi.txt'}", f"am={texts / 'am.txt'}")
    language = find_languages("hi,am")
    assert language.scripts == ()
    found = with_scripts(language, text_of(language, corpus, "text", "", no_default))
    assert found.scripts == ("Devanagari", "Ethiopic")


@pytest.mark.parametrize(
    ("share", "says"),
    [
        ("hi=0.5", "names no share of ta"),
        ("hi=0.5,ta=0.2", "adds up to 0.7"),
        ("hi=0.5,bn=0.5", "cannot read 'bn=0.5'"),
        ("hi=0.5,ta=much", "cannot read 'ta=much'"),
        ("hi=0.5,hi=0.5", "cannot read 'hi=0.5'"),
        ("hi=1,ta=0", "cannot read 'hi=1'"),
        ("hi", "cannot read 'hi'"),
    ],
)
def test_shares_that_cannot_be_are_refused(share, says):
    with pytest.raises(OptionError, match=says):
        shares_of(share, find_languages("hi,ta"))


def test_shares_are_in_the_order_of_the_languages():
    assert shares_of("ta=0.75,hi=0.25", find_languages("hi,ta")) == (0.25, 0.75)
    assert sum(shares_of("hi=0.33,ta=0.33,bn=0.33", find_languages("hi,ta,bn"))) == pytest.approx(1)
    assert shares_of("", find_languages("hi,ta")) == ()
