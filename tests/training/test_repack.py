"""The text of a run in another tokenizer's tokens."""

from collections import Counter

import pytest

from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.training.order import Order
from vocabx.training.packed import Ends, pack
from vocabx.training.repack import OrderedText, Tokenization, repacked_text

LENGTH = 64
WINDOW = 32


@pytest.fixture(scope="module")
def tokenizations(small_extended):
    extended = small_extended()
    base = extended.with_name(extended.name.removesuffix("-extended"))
    return [Tokenization(read_tokenizer(directory), Ends(0, 0)) for directory in (extended, base)]


@pytest.fixture
def source_of(tokenizations, tmp_path):
    def make(target, replay=()):
        texts = [
            pack(tokenizations[0].tokenizer.encode(documents), tokenizations[0].ends, LENGTH, tmp_path / name)
            for name, documents in (("target", target), ("replay", replay))
        ]
        order = Order(len(texts[0]), len(texts[1]), 0.25, len(texts[0]), len(texts[1]), 5)
        return OrderedText(texts[0], texts[1] if replay else None, order, tokenizations[0])

    return make


def documents_of(pieces, tokenization):
    return [tokenization.tokenizer.rust.decode(ids, skip_special_tokens=False) for ids in pieces]


def bytes_of(pieces, tokenization):
    known = tokenization.tokenizer.token_bytes
    return Counter(b"".join(known.get(index, b"") for ids in pieces for index in ids))


def all_pieces(packed):
    return [piece for number in range(len(packed)) for piece in packed.pieces(number)]


def test_a_window_holds_the_same_documents(source_of, tokenizations, verses, english, tmp_path):
    # Short enough for one sequence under both tokenizers.
    source = source_of([line[:12] for line in verses[:900]], [line[:30] for line in english[:200]])
    assert len(source.target) > 2 * WINDOW
    read = [ids for position in range(WINDOW) for ids, _ in source.pieces(position)]
    repacked = repacked_text(source, tokenizations[1], 1, 0, tmp_path / "repacked")
    found = [piece[1:-1] for piece in all_pieces(repacked)]
    assert all(piece[0] == piece[-1] == 0 for piece in all_pieces(repacked))
    assert Counter(documents_of(found, tokenizations[1])) == Counter(documents_of(read, tokenizations[0]))
    assert sum(map(len, found)) > 1.2 * sum(map(len, read))


def test_long_documents_lose_no_text_but_split_characters(source_of, tokenizations, verses, tmp_path):
    source = source_of(["\n".join(verses[start : start + 5]) for start in range(0, 300, 5)])
    read = [ids for position in range(WINDOW) for ids, _ in source.pieces(position)]
    pieces = all_pieces(repacked_text(source, tokenizations[1], 1, 0, tmp_path / "repacked"))
    assert max(map(len, pieces)) <= LENGTH
    before, after = bytes_of(read, tokenizations[0]), bytes_of(pieces, tokenizations[1])
    assert not after - before
    # At most the bytes of one character on each side of a split.
    assert (before - after).total() <= 4 * len(read)
    assert (before - after).total() < 0.03 * before.total()


def test_text_is_written_until_there_is_enough(source_of, tokenizations, verses, tmp_path):
    source = source_of([line[:12] for line in verses[:200]])
    repacked = repacked_text(source, tokenizations[1], 3 * len(source.target), 0, tmp_path / "repacked")
    assert len(repacked) >= 3 * len(source.target)


def test_the_same_seed_gives_the_same_bytes(source_of, tokenizations, verses, tmp_path):
    source = source_of([line[:12] for line in verses[:200]])
    one, two, other = (
        repacked_text(source, tokenizations[1], 40, seed, tmp_path / name).path.read_bytes()
        for seed, name in ((0, "one"), (0, "two"), (1, "other"))
    )
    assert one == two != other
