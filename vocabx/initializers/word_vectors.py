"""Word vectors for a pair of languages: the user's files, an installed package's, or trained on the text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vocabx._util.extras import Packages
from vocabx.corpus.languages import Language, find_language
from vocabx.errors import VectorsError
from vocabx.initializers.options import InitializerOptions
from vocabx.progress import Progress
from vocabx.vectors.dictionary import dictionary_packages, find_dictionary, read_dictionary
from vocabx.vectors.packaged_vectors import installed_vectors, packaged_vectors, reading_packages
from vocabx.vectors.read_vectors import load_vectors
from vocabx.vectors.shared_space import SharedSpace, shared_space
from vocabx.vectors.space import WordVectors
from vocabx.vectors.train import train_vectors, training_packages

_EPOCHS = 5


@dataclass(frozen=True)
class Texts:
    """The texts to learn from: lines in either language.

    Attributes:
        language: of the new tokens.
        lines: in that language.
        base_language: BCP 47 tag of the base's language, "und" if it is unknown.
        base_lines: in the base's language.
    """

    language: Language
    lines: Sequence[str] = field(repr=False)
    base_language: str
    base_lines: Sequence[str] = field(repr=False)

    @property
    def source_tag(self) -> str:
        """The base's language, English where it is not known."""
        return "en" if self.base_language == "und" else self.base_language


def find_space(options: InitializerOptions, texts: Texts, seed: int, progress: Progress) -> SharedSpace:
    """Bring word vectors of both languages into one space.

    Vectors that the options do not name come from an installed package, or are trained on the lines.

    Args:
        options: the vector files and the dictionary.
        texts: the languages, and the lines to train on.
        seed: of training, and of the words that the alignment is measured on.
        progress: reports each stage.

    Raises:
        VocabxError: a file cannot be read, no dictionary is known, or it shares no word with the vectors.
    """
    language, source_tag = texts.language, texts.source_tag
    if options.shared_vectors:
        words = _read(options.shared_vectors, progress)
        return SharedSpace(words, words, None, ())
    name = _dictionary_name(options, language)
    dictionary = None if name == "none" else read_dictionary(name, language, source_tag)
    source_language = language if source_tag == language.tag else find_language(source_tag)
    source = _find(options.source_vectors, source_language, texts.base_lines, seed, progress)
    target = _find(options.target_vectors, language, texts.lines, seed, progress)
    for origin in (source.origin, target.origin, "" if dictionary is None else dictionary.origin):
        if "left out" in origin:
            progress.note(f"{origin}.")
    return shared_space(source, target, dictionary, seed=seed, progress=progress)


def check_dictionary(options: InitializerOptions, language: Language, source_tag: str) -> None:
    """Check that the dictionary which `find_space` will read is there.

    Args:
        options: the vector files and the dictionary.
        language: of the new tokens.
        source_tag: BCP 47 tag of the base's language.

    Raises:
        VectorsError: it is not, or none is known for the language.
    """
    if options.shared_vectors:
        return
    name = _dictionary_name(options, language)
    if name != "none":
        find_dictionary(name, language, source_tag)


def _dictionary_name(options: InitializerOptions, language: Language) -> str:
    name = options.dictionary or language.dictionary
    if not name:
        raise VectorsError(
            f"no dictionary is known for {language.name}: pass --dictionary with a file of word pairs, or "
            "identical, which takes words spelled alike as translations"
        )
    return name


def space_packages(options: InitializerOptions, language: Language, source_tag: str) -> Packages:
    """The packages that `find_space` will need.

    Args:
        options: the vector files and the dictionary.
        language: of the new tokens.
        source_tag: BCP 47 tag of the base's language.
    """
    if options.shared_vectors:
        return {}
    needed = dict(dictionary_packages(options.dictionary or language.dictionary))
    for path, side in (
        (options.source_vectors, find_language(source_tag)),
        (options.target_vectors, language),
    ):
        if not path:
            packaged = installed_vectors(side)
            needed |= reading_packages(packaged) if packaged else training_packages(side.segmentation)
    return needed


def space_available(options: InitializerOptions, language: Language, source_tag: str) -> bool:
    """Whether word vectors are available without training: the user's, or both languages' from packages."""
    if options.shared_vectors or (options.source_vectors and options.target_vectors):
        return True
    return (
        installed_vectors(find_language(source_tag)) is not None and installed_vectors(language) is not None
    )


def describe_space(space: SharedSpace) -> dict[str, Any]:
    """The origin of the vectors and the quality of their alignment, as plain data for the manifest."""
    described: dict[str, Any] = {
        "source_vectors": space.source.origin,
        "target_vectors": space.target.origin,
    }
    if space.alignment is not None:
        described |= {
            "pairs": space.alignment.pairs,
            "precision_at_1": round(space.alignment.precision_at_1, 4),
            "chance": round(space.alignment.chance, 6),
        }
    return described


def _find(path: str, language: Language, lines: Sequence[str], seed: int, progress: Progress) -> WordVectors:
    if path:
        return _read(path, progress)
    packaged = packaged_vectors(language.tag, progress)
    if packaged is not None:
        return packaged
    # One pass splits the lines into words, the others train.
    total = (1 + _EPOCHS) * len(lines)
    with progress.stage(f"Training word vectors of {language.name}", total, "lines") as advance:
        return train_vectors(lines, language.segmentation, epochs=_EPOCHS, seed=seed, advance=advance)


def _read(path: str, progress: Progress) -> WordVectors:
    with progress.stage("Reading word vectors"):
        return load_vectors(Path(path))
