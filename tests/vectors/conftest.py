"""Real vectors from packages, and small real models trained and saved by gensim."""

from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText, Word2Vec
from gensim.models.fasttext import save_facebook_model

from vocabx.corpus.languages import find_language
from vocabx.progress import Quiet
from vocabx.vectors.dictionary import Dictionary, read_dictionary
from vocabx.vectors.packaged_vectors import packaged_vectors
from vocabx.vectors.space import WordVectors

SENTENCES = [
    ["the", "law", "of", "the", "land", "must", "be", "read", "to", "everyone"],
    ["the", "court", "reads", "the", "law", "and", "the", "land", "listens"],
    ["judges", "of", "the", "court", "listen", "to", "the", "people", "of", "the", "land"],
] * 30
SETTINGS = {"vector_size": 12, "min_count": 1, "epochs": 2, "seed": 1, "workers": 1}


@pytest.fixture(scope="session")
def glove() -> WordVectors:
    vectors = packaged_vectors("en", Quiet())
    assert vectors is not None
    return vectors


@pytest.fixture(scope="session")
def traditional() -> WordVectors:
    vectors = packaged_vectors("zh-Hant", Quiet())
    assert vectors is not None
    return vectors


@pytest.fixture(scope="session")
def cedict() -> Dictionary:
    return read_dictionary("cc-cedict", find_language("zh-Hant"))


@pytest.fixture(scope="session")
def fasttext_model() -> FastText:
    return FastText(SENTENCES, **SETTINGS, bucket=500, min_n=2, max_n=4)


@pytest.fixture(scope="session")
def fasttext_file(fasttext_model, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    save_facebook_model(fasttext_model, str(path))
    return path


@pytest.fixture(scope="session")
def word2vec_model() -> Word2Vec:
    return Word2Vec(SENTENCES, **SETTINGS)


@pytest.fixture
def make():
    """A function that makes word vectors for given words, random ones unless a matrix is given."""

    def made(words, matrix=None, counts=None, width=4, seed=0) -> WordVectors:
        if matrix is None:
            matrix = np.random.default_rng(seed).standard_normal((len(words), width))
        counted = None if counts is None else np.asarray(counts, dtype=np.int64)
        return WordVectors(tuple(words), np.asarray(matrix, dtype=np.float32), counted, origin="a test")

    return made
