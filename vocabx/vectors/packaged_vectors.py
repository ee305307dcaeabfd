"""Word vectors that ship inside installed packages: one reader a format, named by the language profiles."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vocabx._util.extras import need
from vocabx._util.packaged import locate
from vocabx.corpus.languages import find_language
from vocabx.errors import VectorsError
from vocabx.progress import Progress
from vocabx.vectors.read_vectors import load_vectors
from vocabx.vectors.space import Matrix, WordVectors, distinct


def packaged_vectors(tag: str, progress: Progress) -> WordVectors | None:
    """Return the word vectors that the profile of a language names, or None where it names none.

    Args:
        tag: BCP 47 tag.
        progress: shows one stage.

    Raises:
        LanguageError: no such tag.
        MissingPackageError: the package that holds them is not installed.
    """
    packaged = find_language(tag).vectors
    if packaged is None:
        return None
    names = " and ".join(dict.fromkeys(f"{file.package} {file.version}" for file in packaged.files))
    with progress.stage(f"Reading word vectors of {names}"):
        words, matrix = _READERS[packaged.reader]([locate(file) for file in packaged.files])
        if packaged.opencc:
            words = _converted(words, packaged.opencc)
        kept, rows, _ = distinct(words, matrix)
    through = f", words by OpenCC {packaged.opencc}" if packaged.opencc else ""
    origin = f"{names}, {len(kept):,} words of {matrix.shape[1]}{through}"
    return WordVectors(kept, rows, origin=origin)


def _glove_arrays(paths: list[Path]) -> tuple[tuple[str, ...], Matrix]:
    """An .npy of rows and a parquet table of their words, the most frequent first."""
    matrix = np.load(paths[0], allow_pickle=False)
    words = need("pyarrow.parquet", "vectors").read_table(paths[1]).column("index").to_pylist()
    if len(words) != len(matrix):
        raise VectorsError(f"{paths[0]}: {len(words):,} words but {len(matrix):,} vectors")
    return tuple(words), matrix


def _word2vec(paths: list[Path]) -> tuple[tuple[str, ...], Matrix]:
    vectors = load_vectors(paths[0])
    return vectors.words, vectors.matrix


def _converted(words: tuple[str, ...], configuration: str) -> tuple[str, ...]:
    """The words by OpenCC, in one text: a call for each word would take minutes.

    A line end stands between words, and no rule of OpenCC reaches over one.
    """
    from vocabx.corpus.convert import Converter

    # A vocabulary may hold a line end inside a word: it stays as it is, apart from the text.
    lines = "\n".join(word if "\n" not in word else "" for word in words)
    converted = Converter(configuration)(lines).split("\n")
    return tuple(new or old for new, old in zip(converted, words, strict=True))


_READERS: dict[str, Callable[[list[Path]], tuple[tuple[str, ...], Matrix]]] = {
    "glove_arrays": _glove_arrays,
    "word2vec": _word2vec,
}
