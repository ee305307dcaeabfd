"""Span corruption: what the encoder reads and the decoder predicts make the text again."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.training.masking import SHARE
from vocabx.training.packed import IGNORED, PADDING, STARTS
from vocabx.training.spans import SpanCorruption

SENTINELS, END, PAD = tuple(range(900, 850, -1)), 1, 0


def corruption(seed=0):
    return SpanCorruption(SENTINELS, END, PAD, seed)


@st.composite
def sequences(draw):
    """A packed sequence of documents, each with its end, and padding; and its text."""
    documents = draw(st.lists(st.lists(st.integers(10, 99), min_size=1, max_size=30), min_size=1, max_size=3))
    row = [np.uint32(index) for document in documents for index in [*document, END]]
    row[0] |= STARTS
    row += [np.uint32(END) | PADDING] * draw(st.integers(0, 8))
    return np.array(row, dtype=np.uint32), [index for document in documents for index in document]


def joined(item):
    """The text that encoder and decoder hold together."""
    shown = item["input_ids"][item["attention_mask"] == 1].tolist()
    target = item["labels"][item["labels"] != IGNORED].tolist()
    assert shown.pop() == END and target.pop() == END
    spans, text = {}, []
    for index in target:
        if index in SENTINELS:
            last = index
            spans[last] = []
        else:
            spans[last].append(index)
    assert spans.pop(last) == []
    for index in shown:
        text += spans.pop(index) if index in SENTINELS else [index]
    assert not spans
    return text


@settings(max_examples=100, deadline=None)
@given(sequences(), st.integers(0, 10**6))
def test_no_token_is_lost_and_shapes_depend_on_the_length_alone(sequence, position):
    stored, text = sequence
    item = corruption().item(stored, position)
    assert joined(item) == text
    assert item["input_ids"].shape == item["attention_mask"].shape == (len(stored) + 1,)
    other = corruption().item(np.full(len(stored), 50, dtype=np.uint32), position)
    assert item["labels"].shape == other["labels"].shape


def test_fifteen_per_cent_are_hidden_in_spans_of_three():
    shares, lengths = [], []
    for position in range(200):
        hidden = corruption().hidden(200, np.random.Generator(np.random.PCG64(position)))
        starts = hidden & ~np.r_[False, hidden[:-1]]
        shares.append(hidden.sum())
        lengths.append(hidden.sum() / starts.sum())
    assert set(shares) == {round(SHARE * 200)} and set(lengths) == {3.0}


def test_the_draw_depends_on_seed_and_position_alone():
    stored = np.arange(10, 110, dtype=np.uint32)
    item, again = corruption().item(stored, 5), corruption().item(stored, 5)
    assert all((item[name] == again[name]).all() for name in item)
    for other in (corruption().item(stored, 6), corruption(1).item(stored, 5)):
        assert (item["input_ids"] != other["input_ids"]).any()
