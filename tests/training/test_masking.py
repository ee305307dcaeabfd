"""What is hidden from an encoder: whole words or one token of an entity, drawn from seed and position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.training.marks import Marker
from vocabx.training.masking import SHARE, Masking, units_in
from vocabx.training.packed import FIRST, IGNORED, NEXT, PADDING, STARTS, Ends, PackedText, ids_of, pack
from vocabx.training.pair_text import PairText

MASK, BEGIN, END = 3, 1, 2
VOCABULARY = np.arange(10, 1000)


def masking(kind="words", seed=0) -> Masking:
    return Masking(kind, MASK, VOCABULARY, (BEGIN, END), seed)


@st.composite
def sequences(draw):
    """A packed sequence of documents whose words have one to four tokens, and padding."""
    lengths = draw(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=12), min_size=1, max_size=3))
    row = []
    for words in lengths:
        row.append(np.uint32(BEGIN) | STARTS)
        for length in words:
            row += [np.uint32(draw(st.integers(10, 999))) | (NEXT if n else FIRST) for n in range(length)]
        row.append(np.uint32(END))
    row += [np.uint32(END) | PADDING] * draw(st.integers(0, 5))
    return np.array(row, dtype=np.uint32)


@settings(max_examples=60, deadline=None)
@given(sequences(), st.integers(0, 10**6))
def test_words_are_hidden_whole_and_nothing_else_is(stored, position):
    item, ids = masking().item(stored, position), ids_of(stored)
    chosen = item["labels"] != IGNORED
    np.testing.assert_array_equal(item["labels"][chosen], ids[chosen])
    np.testing.assert_array_equal(item["input_ids"][~chosen], ids[~chosen])
    for start, end in units_in(stored):
        assert chosen[start:end].all() or not chosen[start:end].any()
    text = int(((stored & (FIRST | NEXT)) != 0).sum())
    assert chosen.sum() <= max(1, round(SHARE * text))
    assert not chosen[np.isin(ids, (BEGIN, END))].any()
    np.testing.assert_array_equal(item["attention_mask"], (stored & PADDING) == 0)


@settings(max_examples=60, deadline=None)
@given(sequences(), st.integers(0, 10**6))
def test_one_token_of_an_entity_is_hidden(stored, position):
    chosen = masking("entities").item(stored, position)["labels"] != IGNORED
    for start, end in units_in(stored):
        assert chosen[start:end].sum() <= 1
    # No word exceeds the share, so as many as fit are hidden.
    text = int(((stored & (FIRST | NEXT)) != 0).sum())
    assert chosen.sum() == min(len(units_in(stored)), max(1, round(SHARE * text)))


def long_sequence():
    return np.array([np.uint32(index) | FIRST for index in VOCABULARY], dtype=np.uint32)


def test_eight_of_ten_are_masked_one_is_replaced_and_one_stays():
    counts = np.zeros(4)
    for position in range(60):
        item = masking().item(long_sequence(), position)
        hidden = item["labels"] != IGNORED
        shown, was = item["input_ids"][hidden], item["labels"][hidden]
        counts += [(shown == MASK).sum(), ((shown != MASK) & (shown != was)).sum(), (shown == was).sum(), 1]
        assert hidden.sum() == round(SHARE * len(VOCABULARY))
    shares = counts[:3] / counts[:3].sum()
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_the_draw_depends_on_seed_and_position_alone():
    item = masking().item(long_sequence(), 5)
    again = masking().item(long_sequence(), 5)
    assert all((item[name] == again[name]).all() for name in item)
    for other in (masking().item(long_sequence(), 6), masking(seed=1).item(long_sequence(), 5)):
        assert (item["labels"] != other["labels"]).any()


def test_a_document_that_is_split_inside_a_word_has_no_word_across_two_sequences(tmp_path):
    word = [10 | int(FIRST), *[11 | int(NEXT)] * 9]
    packed = pack([word], Ends(BEGIN, END), 6, tmp_path / "text")
    assert [units_in(packed.stored(number)) for number in range(len(packed))] == [[(1, 6)], [(1, 6)]] or len(
        packed
    ) == 3
    assert sum(end - start for n in range(len(packed)) for start, end in units_in(packed.stored(n))) == 10


def test_text_without_a_begin_id_is_packed_whole(tmp_path):
    packed = pack([[7, 8, 9], [5]], Ends(None, END), 6, tmp_path / "text")
    assert ids_of(packed.stored(0)).tolist() == [7, 8, 9, END, 5, END]
    assert packed.pieces(0) == [[7, 8, 9, END], [5, END]]


def test_tokens_of_a_chinese_word_are_one_unit_and_entities_are_nouns_and_verbs(base):
    text = "我喜歡吃蘋果和香蕉"
    words, entities = (Marker(base, "jieba", kind).encode([text])[0] for kind in ("words", "entities"))
    stored = np.array([words, entities], dtype=np.uint32)
    assert ids_of(stored[0]).tolist() == ids_of(stored[1]).tolist() == base.encode([text])[0]

    def texts(row):
        return [base.decode(ids_of(row[start:end]).tolist()) for start, end in units_in(row)]

    assert texts(stored[0]) == ["我", "喜歡", "吃", "蘋果", "和", "香蕉"]
    assert texts(stored[1]) == ["喜歡", "吃", "蘋果", "香蕉"]


def test_english_words_are_units_with_the_space_before_them(base):
    row = np.array(Marker(base, "spaces").encode(["It isn't unbelievable, is it?"])[0], dtype=np.uint32)
    found = [base.decode(ids_of(row[start:end]).tolist()) for start, end in units_in(row)]
    assert found == ["It", " isn't", " unbelievable", ",", " is", " it", "?"]


def test_pairs_are_one_document_with_the_end_id_between_both(base, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("起初\tIn the beginning\n\n神說\tGod said\n", "utf-8")
    pairs = PairText(path, (Marker(base, "jieba"), Marker(base, "spaces")))
    packed = pack(pairs.encoded(Ends(BEGIN, END)), Ends(BEGIN, END), 64, tmp_path / "text")
    wanted = [
        [BEGIN, *base.encode([one])[0], END, *base.encode([other])[0], END]
        for one, other in (("起初", "In the beginning"), ("神說", "God said"))
    ]
    assert sorted(PackedText(packed.path, 64).pieces(0)) == sorted(wanted)
    row = packed.stored(0)
    # Words of both sentences can be hidden, and none across them.
    assert sum(end - start for start, end in units_in(row)) == sum(len(ids) - 3 for ids in wanted)
