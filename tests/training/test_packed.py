from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabx.training.packed import IGNORED, Ends, PackedText, pack

ENDS = Ends(begin=1, end=2)


def read(packed: PackedText):
    return [packed.sequence(number) for number in range(len(packed))]


def pieces_of(packed: PackedText):
    """The pieces of each sequence, found from positions alone, padding included."""
    for sequence in read(packed):
        starts = [*np.flatnonzero(sequence.positions == 0), len(sequence.ids)]
        for low, high in pairwise(starts):
            yield sequence.ids[low:high].tolist(), sequence.labels[low:high].tolist()


@given(st.lists(st.lists(st.integers(3, 900), max_size=60), min_size=1, max_size=40), st.integers(3, 33))
def test_every_token_of_every_document_is_packed_once_and_in_order(tmp_path_factory, documents, length):
    path = tmp_path_factory.mktemp("packed") / "text"
    packed = pack(documents, ENDS, length, path)
    pieces = [ids for ids, labels in pieces_of(packed) if ids[0] == ENDS.begin]
    expected = []
    for document in documents:
        body = [*document, ENDS.end]
        expected += [[ENDS.begin, *body[i : i + length - 1]] for i in range(0, len(body), length - 1)]
    assert sorted(pieces) == sorted(expected)


def test_a_label_is_the_next_token_of_the_same_document(tmp_path):
    packed = pack([[5, 6], [7], [8, 9, 10]], ENDS, 9, tmp_path / "text")
    for ids, labels in pieces_of(packed):
        if ids[0] == ENDS.begin:
            assert labels == [*ids[1:], IGNORED]
        else:
            assert set(labels) == {IGNORED}


def test_short_documents_share_a_sequence_and_long_ones_are_continued(tmp_path):
    packed = pack([[5] * 3, [6] * 3, [7] * 25], ENDS, 10, tmp_path / "text")
    # 26 tokens with its end, 9 per piece after the begin token; the other two documents fill one sequence.
    assert len(packed) == 4
    assert sum(sequence.ids.tolist().count(7) for sequence in read(packed)) == 25


def test_little_is_lost_to_padding(tmp_path):
    lengths = np.random.RandomState(0).geometric(0.01, 3000)
    packed = pack([[5] * int(length) for length in lengths], ENDS, 256, tmp_path / "text")
    labels = np.concatenate([sequence.positions for sequence in read(packed)])
    used = int(sum(lengths)) + 2 * len(lengths)
    assert used / len(labels) > 0.98


def test_documents_with_equal_begin_and_end_tokens_keep_their_boundaries(tmp_path):
    packed = pack([[5, 6], [7, 8]], Ends(0, 0), 8, tmp_path / "text")
    (sequence,) = read(packed)
    assert sequence.positions.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert sequence.labels.tolist() == [5, 6, 0, IGNORED, 7, 8, 0, IGNORED]


@pytest.mark.parametrize("length", [3, 64])
def test_no_documents_give_no_sequences(tmp_path, length):
    assert len(pack([], ENDS, length, tmp_path / "text")) == 0
