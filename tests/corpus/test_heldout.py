import pytest

from vocabx.corpus.heldout import draw_heldout
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError
from vocabx.progress import Quiet


@pytest.fixture
def source(chinese_file):
    return user_source([str(chinese_file)], "text", "")


def drawn(source, size, seed=0, scripts=("Han",)):
    return draw_heldout(source, scripts, size, seed, "Reading text", Quiet())


def size_of(sections):
    return sum(len(section.encode()) for section in sections)


def test_all_of_a_short_text_is_drawn_once(source):
    everything = drawn(source, 10**9)
    assert sorted(everything) == sorted(document.text for document in source.open())
    twice = user_source([*[source.description] * 2], "text", "")
    assert drawn(twice, 10**9) == everything


def test_about_the_requested_size_is_drawn(source):
    few = drawn(source, 10_000)
    assert 10_000 <= size_of(few) <= 13_000
    assert drawn(source, 10_000) == few
    assert set(drawn(source, 10_000, seed=1)) != set(few)
    # A larger sample extends the smaller one.
    assert drawn(source, 20_000)[: len(few)] == few


def test_the_sections_drawn_are_those_that_extend_holds_out(source):
    corpus = sample_corpus(source.open(), ("Han",), 50_000, 10_000, 3)
    assert drawn(source, 10_000, seed=3)[: len(corpus.heldout) - 1] == corpus.heldout[:-1]


def test_a_text_in_another_script_is_refused(english_file):
    with pytest.raises(CorpusError, match="holds no letter of Han script"):
        drawn(user_source([str(english_file)], "text", ""), 10_000)
