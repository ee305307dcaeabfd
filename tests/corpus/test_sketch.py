import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabx.corpus.passages import passages
from vocabx.corpus.sketch import SIZE, Sketch, sketch_of

LONG = [f"Sentence number {number} of a text that is long." for number in range(3 * SIZE)]


@pytest.fixture(scope="module")
def long_sketch() -> Sketch:
    return Sketch.of_text(sketch_of(LONG).to_text())


def test_a_part_of_a_text_is_recognized_by_a_few_of_its_sentences(long_sketch):
    held = long_sketch.holds("\n".join(LONG[700:1300]))
    assert held.share == 1
    assert 120 < held.compared < 280


def test_another_text_is_not_taken_for_it(long_sketch):
    other = [f"Sentence number {number} of a different text." for number in range(600)]
    held = long_sketch.holds("\n".join(other))
    assert held.share == 0 and held.compared > 100


def test_the_share_of_a_text_that_is_known_in_part_is_estimated(long_sketch):
    other = [f"Sentence number {number} of a different text." for number in range(1500)]
    assert 0.4 < long_sketch.holds("\n".join([*other, *LONG[:1500]])).share < 0.6


def test_a_short_text_is_kept_whole(verses):
    held = sketch_of(verses[:200]).holds("\n".join(verses[100:300]))
    assert held.compared > 100
    assert 0.4 < held.share < 0.6


def test_it_matters_neither_how_a_text_is_divided_nor_in_which_order(verses):
    text = "\n".join(verses[:400])
    wanted = sketch_of([text]).to_text()
    assert sketch_of(reversed(passages(text, 3000))).to_text() == wanted
    joined = sketch_of(verses[:300])
    joined.join(sketch_of(verses[200:400]))
    assert joined.to_text() == wanted


def test_a_sketch_takes_little_room(long_sketch):
    assert len(long_sketch.to_text()) == SIZE * 5 * 5 / 4


@given(st.lists(st.text()))
def test_what_is_written_can_be_read(texts):
    written = sketch_of(texts).to_text()
    assert Sketch.of_text(written).to_text() == written
