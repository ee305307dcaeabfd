"""The languages that need no files of the user's: what `vocabx languages` lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vocabx._util.packaged import PackagedFile
from vocabx.corpus.languages import Language, profiles, read_profile
from vocabx.corpus.packaged_text import is_readable
from vocabx.corpus.word_frequencies import is_at_hand, package_name
from vocabx.vectors.dictionary import is_there
from vocabx.vectors.packaged_vectors import installed_vectors


@dataclass(frozen=True)
class KnownLanguage:
    """A language with a profile, and what this machine has of it.

    Attributes:
        tag: BCP 47 tag, as --lang takes it.
        name: in English.
        scripts: Unicode script names.
        text: where its default text is: inside packages, on the Hugging Face hub, or nowhere.
        text_source: those packages with their versions, or the hf:// source.
        text_installed: whether the text is on this machine; False for one on the hub, which is streamed.
        words: where its word frequencies are, as "wordfreq", or "".
        words_installed: whether they are on this machine.
        segmentation: how its lines are split into words: "spaces", "jieba" or "none".
        sentence: one in the language.
        dictionary: the bilingual dictionary with English that word vectors are aligned by, or "".
        dictionary_installed: whether it is on this machine.
        vectors: the packages that hold its word vectors, with their versions, or "".
        vectors_installed: whether they are on this machine.
    """

    tag: str
    name: str
    scripts: tuple[str, ...]
    text: Literal["packaged", "hub", "none"]
    text_source: str
    text_installed: bool
    words: str
    words_installed: bool
    segmentation: str
    sentence: str
    dictionary: str
    dictionary_installed: bool
    vectors: str
    vectors_installed: bool


def languages() -> tuple[KnownLanguage, ...]:
    """The languages that vocabx has a profile of, by their tags.

    Any other language works from the user's own text. Packages are looked for by name and version; their
    content is checked when it is read.
    """
    return tuple(_known(read_profile(tag)) for tag in profiles())


def _known(language: Language) -> KnownLanguage:
    texts = [text.file for text in language.packaged]
    vectors = language.vectors.files if language.vectors else ()
    return KnownLanguage(
        tag=language.tag,
        name=language.name,
        scripts=language.scripts,
        text="packaged" if texts else "hub" if language.hub else "none",
        text_source=_names(texts) or language.hub,
        text_installed=bool(texts) and all(map(is_readable, texts)),
        words=package_name() if language.words else "",
        words_installed=language.words is not None and is_at_hand(language.words),
        segmentation=language.segmentation,
        sentence=language.sentence,
        dictionary=language.dictionary,
        dictionary_installed=bool(language.dictionary) and is_there(language.dictionary, language),
        vectors=_names(vectors),
        vectors_installed=installed_vectors(language) is not None,
    )


def _names(files: Sequence[PackagedFile]) -> str:
    return ", ".join(dict.fromkeys(f"{file.package} {file.version}".strip() for file in files))
