import langcodes
import pytest
import regex
from fontTools import unicodedata
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.corpus.document import Document
from vocabx.corpus.languages import find_language, profiles, with_scripts_of
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.scripts import script_of_letter
from vocabx.errors import LanguageError

GREEK = "Το γρήγορο καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί, Windows 11. "


def refusal(tag: str) -> str:
    with pytest.raises(LanguageError) as caught:
        find_language(tag)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("tag", profiles())
def test_every_profile_is_found_by_its_own_tag_and_is_complete(tag):
    language = find_language(tag)
    assert language.tag == tag
    assert language.name and language.scripts
    assert all(regex.compile(rf"\p{{Script={script}}}") for script in language.scripts)
    assert all(0 < low <= high <= 0x10FFFF for low, high in language.blocks)
    assert language.packaged or language.hub.startswith("hf://")


@pytest.mark.parametrize("tag", profiles())
def test_the_sentence_of_a_profile_is_in_its_scripts_which_are_those_of_its_tag(tag):
    language = find_language(tag)
    found = {script_of_letter(character) for character in language.sentence} - {""}
    assert found and found <= set(language.scripts)
    several = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Hani", "Kore": "Hang"}
    code = langcodes.Language.get(tag).maximize().script
    assert unicodedata.script_name(several.get(code, code)) in language.scripts


@pytest.mark.parametrize(
    ("tag", "profile"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh_hant", "zh-Hant"),
        ("ZH-TW", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("en-GB", "en"),
        ("deu", "de"),
        ("ja-JP", "ja"),
        ("hi-Deva", "hi"),
        ("no", "nb"),
        ("tl", "fil"),
        ("sh", "sr-Latn"),
    ],
)
def test_a_regional_tag_finds_the_profile_of_its_language_and_script(tag, profile):
    assert find_language(tag) == find_language(profile)


@pytest.mark.parametrize("tag", ["hi-Latn", "zh-Latn", "sr", "yue", "ru-Latn", "sw-Arab"])
def test_a_language_in_another_script_does_not_get_the_profile(tag):
    language = find_language(tag)
    assert language.tag == tag
    assert language.scripts == ()


@pytest.mark.parametrize("tag", ["zh-Hantt", "zh-Hnat", "zhHant"])
def test_a_mistyped_tag_is_refused_with_the_nearest(tag):
    assert "Did you mean zh-Hant?" in refusal(tag)


@pytest.mark.parametrize("tag", ["", " ", "und", "chinese", "日本", "de de", "xx", "en-Latn-Cyrl", "../en"])
def test_an_invalid_tag_is_refused_with_an_example_of_a_valid_one(tag):
    assert refusal(tag).startswith(f"unknown language tag {tag!r}.")
    assert refusal(tag).endswith("Pass a BCP 47 tag such as zh-Hant or de")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12) | st.text("abxyzXZ0189-_ ", max_size=16))
def test_any_tag_gives_a_language_or_a_refusal(tag):
    try:
        assert find_language(tag).tag
    except LanguageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("tag", "sample", "scripts"),
    [
        ("pnt", GREEK, {"Greek"}),
        ("sr", "Брза смеђа лисица", {"Cyrillic"}),
        ("sr-Latn", "Brza smeđa lisica", {"Latin"}),
        ("my", "မြန်မာဘာသာ", {"Myanmar"}),
        ("yue", "佢哋喺度食飯 OK", {"Han"}),
        ("am", "አማርኛ ቋንቋ and English words", {"Ethiopic"}),
        ("ain", "アイヌ・イタㇰ 日本語漢字", {"Katakana", "Han"}),
        ("ccp", "𑄌𑄋𑄴𑄟𑄳𑄦 𑄞𑄌𑄴", {"Chakma"}),
        ("rhg", "𐴌𐴟𐴇𐴥𐴝𐴚𐴒𐴙𐴝 𐴇𐴝𐴕𐴞𐴉𐴞", {"Hanifi_Rohingya"}),
        ("unr", "𞓐𞓨𞓪 𞓕𞓣", {"Nag_Mundari"}),
        ("mni", "ꯃꯤꯇꯩꯂꯣꯟ", {"Meetei_Mayek"}),
        ("uga", "𐎀𐎁𐎂", {"Ugaritic"}),
    ],
)
def test_a_language_without_a_profile_gets_its_scripts_from_the_text(tag, sample, scripts):
    found = with_scripts_of(find_language(tag), sample)
    assert set(found.scripts) == scripts
    assert found.tag == tag and found.name == find_language(tag).name


@pytest.mark.parametrize("letters", ["𑄌𑄋𑄟𑄦", "𐴌𐴇𐴚𐴒", "𞓐𞓨𞓪𞓕", "ꠍꠤꠟꠐ"], ids=["ccp", "rhg", "unr", "syl"])
def test_a_text_in_a_young_script_can_be_sampled(letters):
    documents = [Document(f"{letters * 30} {number}.\n" * 9, "a", number) for number in range(40)]
    scripts = with_scripts_of(find_language("syl"), documents[0].text).scripts
    corpus = sample_corpus(documents, scripts, 10_000, 1000, seed=0)
    assert corpus.script_share == 1 and corpus.learning and corpus.heldout


def test_a_few_foreign_words_do_not_add_a_script():
    assert with_scripts_of(find_language("pnt"), GREEK * 20 + "и так далее").scripts == ("Greek",)


def test_the_scripts_of_a_profile_are_not_changed_by_the_text():
    language = find_language("zh-Hant")
    assert with_scripts_of(language, "English only") is language


@pytest.mark.parametrize("sample", ["", "12345 … !", "ー ـ"])
def test_text_without_letters_of_a_script_is_refused(sample):
    with pytest.raises(LanguageError, match=r"^cannot tell the script of Pontic from the text"):
        with_scripts_of(find_language("pnt"), sample)
