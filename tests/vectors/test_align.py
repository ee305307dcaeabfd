import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from vocabx.errors import VectorsError
from vocabx.vectors.align import align
from vocabx.vectors.space import WordVectors


def naive_rotation(source, target, pairs):
    """WECHSEL's matrices built explicitly, and scipy's solution."""
    a, b = [], []
    for s, t in pairs:
        for s_cased in (s, s.lower(), s.title()):
            for t_cased in (t, t.lower(), t.title()):
                if s_cased in source.words and t_cased in target.words:
                    a.append(source.matrix[source.words.index(s_cased)])
                    b.append(target.matrix[target.words.index(t_cased)])
    return orthogonal_procrustes(np.array(a, dtype=float), np.array(b, dtype=float))[0]


@pytest.fixture
def rotated(make):
    """Words, their counterparts rotated by a known rotation, and the pairs."""
    source = make([f"w{i}" for i in range(400)], width=8)
    rotation = ortho_group.rvs(8, random_state=1)
    target = make([f"W{i}X" for i in range(400)], source.matrix @ rotation)
    return source, target, rotation, [(f"w{i}", f"W{i}X") for i in range(400)]


def test_a_known_rotation_is_found_and_translates_unseen_words(rotated):
    source, target, rotation, pairs = rotated
    found = align(source, target, pairs[:300], seed=0)
    assert np.allclose(found.rotation, rotation, atol=1e-5)
    assert (found.pairs, found.heldout, found.precision_at_1) == (300, 30, 1.0)
    assert found.better_than_chance and found.chance == pytest.approx(1 / 400)


def test_aligning_a_space_with_itself_gives_the_identity(make):
    space = make([f"w{i}" for i in range(100)], width=5)
    found = align(space, space, [(w, w) for w in space.words], seed=0)
    assert np.allclose(found.rotation, np.eye(5), atol=1e-6)
    assert found.rotation.dtype == np.float64


def test_a_permutation_of_columns_is_found(make):
    source = make([f"w{i}" for i in range(100)], width=6)
    order = np.random.default_rng(0).permutation(6)
    target = make(source.words, source.matrix[:, order])
    found = align(source, target, [(w, w) for w in source.words], seed=0)
    assert np.allclose(found.rotation, np.eye(6)[:, order], atol=1e-5)


def test_casings_are_paired_as_in_wechsel(make):
    source = make(["Bank", "bank", "river", "River", "paris", "Mccoy", "the"], width=3, seed=1)
    target = make(["Bank", "bank", "Ufer", "fluss", "Paris", "PARIS", "der"], width=3, seed=2)
    pairs = [("bank", "Bank"), ("Bank", "Ufer"), ("RIVER", "Fluss"), ("Paris", "PARIS"), ("bank", "Bank")]
    found = align(source, target, [*pairs, ("none", "der")], seed=0)
    assert np.allclose(found.rotation, naive_rotation(source, target, pairs), atol=1e-10)
    assert found.pairs == 5


def test_the_real_rotation_agrees_with_scipy(glove, traditional, cedict):
    source = WordVectors(glove.words[:4000], glove.matrix[:4000], origin="some")
    reduced = traditional.reduced(50)
    target = WordVectors(reduced.words[:4000], reduced.matrix[:4000], origin="some")
    pairs = [pair for pair in cedict.pairs if pair[0] in source.index and pair[1] in target.index][:400]
    found = align(source, target, pairs, seed=0)
    assert found.pairs == 400
    assert np.allclose(found.rotation, naive_rotation(source, target, pairs), atol=1e-8)
    assert np.allclose(found.rotation.T @ found.rotation, np.eye(50), atol=1e-12)


def test_held_out_words_do_not_influence_the_rotation_that_is_measured(make):
    """Random vectors with as many columns as words: a rotation translates only the words it was fitted on."""
    source = make([f"s{i}" for i in range(60)], width=60, seed=1)
    target = make([f"t{i}" for i in range(60)], width=60, seed=2)
    pairs = [(f"s{i}", f"t{i}") for i in range(60)]
    found = align(source, target, pairs, seed=0, heldout_share=0.5)
    mapped = source.matrix @ found.rotation
    assert (np.argmax(mapped @ target.matrix.T, axis=1) == np.arange(60)).mean() > 0.9
    assert found.heldout == 30 and found.precision_at_1 < 0.2 and not found.better_than_chance


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_shuffled_dictionary_is_not_better_than_chance(glove, traditional, cedict, seed):
    reduced = traditional.reduced(50)
    words = [target for _, target in cedict.pairs]
    shuffled = np.random.default_rng(seed).permutation(len(words))
    pairs = [(pair[0], words[i]) for pair, i in zip(cedict.pairs, shuffled, strict=True)]
    found = align(glove, reduced, pairs[:20_000], seed=seed)
    assert not found.better_than_chance


def test_any_translation_counts_as_correct(make):
    """Each word has two translations, and the nearer one is the second in the dictionary."""
    source = make([f"w{i}" for i in range(200)], width=8)
    far = make([f"far{i}" for i in range(200)], width=8, seed=9).matrix
    words = [f"near{i}" for i in range(200)] + [f"far{i}" for i in range(200)]
    target = make(words, np.concatenate([source.matrix, far / 100]))
    pairs = [pair for i in range(200) for pair in ((f"w{i}", f"far{i}"), (f"w{i}", f"near{i}"))]
    assert align(source, target, pairs, seed=0).precision_at_1 == 1.0


def test_the_same_seed_holds_out_the_same_words(rotated):
    source, target, _, pairs = rotated
    one, other = (align(source, target, pairs, seed=4) for _ in range(2))
    assert np.array_equal(one.rotation, other.rotation) and one.precision_at_1 == other.precision_at_1


def test_a_single_pair_is_aligned_without_a_measurement(make):
    found = align(make(["a", "b"]), make(["c", "d"]), [("a", "c")], seed=0)
    assert (found.pairs, found.heldout, found.better_than_chance) == (1, 0, False)


def test_different_widths_are_refused(make):
    with pytest.raises(VectorsError, match="of width 4 and 5 cannot be aligned: reduce the wider"):
        align(make(["a"]), make(["a"], width=5), [("a", "a")], seed=0)


def test_a_dictionary_that_shares_no_word_is_refused_with_examples(make):
    with pytest.raises(VectorsError) as caught:
        align(make(["chat", "chien"]), make(["Katze"]), [("cat", "Katze"), ("dog", "Hund")], seed=0)
    assert all(word in str(caught.value) for word in ("'cat Katze'", "'chat', 'chien'", "'Katze'"))
    assert "\n" not in str(caught.value)
