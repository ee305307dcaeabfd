"""Word vectors that ship inside installed packages: one reader per format, named in the language profiles."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vocabx._util.extras import Packages, need
from vocabx._util.packaged import is_installed, locate
from vocabx.corpus.languages import Language, PackagedVectors, find_language
from vocabx.errors import VectorsError
from vocabx.progress import Progress
from vocabx.vectors.read_vectors import load_vectors
from vocabx.vectors.space import Matrix, WordVectors, distinct


def packaged_vectors(tag: str, progress: Progress) -> WordVectors | None:
    """Return the word vectors of a language's profile, or None if it names none that are installed.

    Args:
        tag: BCP 47 tag.
        progress: reports one stage.

    Raises:
        LanguageError: the tag is invalid.
        MissingPackageError: the package holds another content, or what reads it is not installed.
    """
    packaged = installed_vectors(find_language(tag))
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


def installed_vectors(language: Language) -> PackagedVectors | None:
    """The word vectors of a language's profile; None if it names none or their packages are not installed."""
    packaged = language.vectors
    return packaged if packaged and all(map(is_installed, packaged.files)) else None


def reading_packages(packaged: PackagedVectors) -> Packages:
    """The packages that reading the word vectors of a profile needs."""
    arrays: Packages = {"pyarrow": "vectors"} if packaged.reader == "glove_arrays" else {}
    return {**arrays, **({"opencc": "vectors"} if packaged.opencc else {})}


def _glove_arrays(paths: list[Path]) -> tuple[tuple[str, ...], Matrix]:
    """A .npy file of vectors and a parquet table of their words, most frequent first."""
    matrix = np.load(paths[0], allow_pickle=False)
    words = need("pyarrow.parquet", "vectors").read_table(paths[1]).column("index").to_pylist()
    if len(words) != len(matrix):
        raise VectorsError(f"{paths[0]}: {len(words):,} words but {len(matrix):,} vectors")
    return tuple(words), matrix


def _word2vec(paths: list[Path]) -> tuple[tuple[str, ...], Matrix]:
    vectors = load_vectors(paths[0])
    return vectors.words, vectors.matrix


def _converted(words: tuple[str, ...], configuration: str) -> tuple[str, ...]:
    """Convert the words with OpenCC as one text: one call per word would take minutes.

    Words are separated by newlines, across which no rule of OpenCC applies.
    """
    from vocabx.corpus.convert import Converter

    # A word that contains a newline itself is left out of the text and not converted.
    lines = "\n".join(word if "\n" not in word else "" for word in words)
    converted = Converter(configuration)(lines).split("\n")
    return tuple(new or old for new, old in zip(converted, words, strict=True))


_READERS: dict[str, Callable[[list[Path]], tuple[tuple[str, ...], Matrix]]] = {
    "glove_arrays": _glove_arrays,
    "word2vec": _word2vec,
}
