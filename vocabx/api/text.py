"""Text for the parts: a sample of files or of a language's own text, and lines of the caller's."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.languages import Language, find_language, with_scripts_of
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sample_sizes import LEARN_BYTES, SampleSizes
from vocabx.corpus.source import default_source, peek, user_source
from vocabx.errors import CorpusError, LanguageError
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.alphabet import Alphabet


def read_text(
    language: str,
    files: str | Path | Sequence[str | Path] = (),
    *,
    text_field: str = "text",
    learn_bytes: int = LEARN_BYTES,
    heldout_bytes: int = 60_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Corpus:
    """Clean and sample text, and split it: distinct lines to learn from, sections held out.

    Args:
        language: BCP 47 tag, as "zh-Hant".
        files: .txt, .jsonl, .json, .csv, .tsv, .parquet or .arrow files (also .gz, .bz2, .xz, .zst),
            directories, globs, or hf:// sources; without any, the text that the language's profile names:
            installed packages, else the hub.
        text_field: field or column of records that holds the text; with dots for nested objects.
        learn_bytes: UTF-8 bytes to learn from.
        heldout_bytes: UTF-8 bytes to hold out.
        seed: of the sample.
        progress: told of the bytes read.

    Raises:
        LanguageError: there is no such tag.
        CorpusError: nothing is found, or too little to hold some out.
        MissingPackageError: a package that reads such files or holds the text is not installed.
    """
    found = find_language(language)
    patterns = (str(files),) if isinstance(files, str | Path) else tuple(map(str, files))
    source = user_source(patterns, text_field, "") if patterns else default_source(found)
    scripts = with_scripts_of(found, peek(source)).scripts
    sizes = SampleSizes(learn_bytes, heldout_bytes, seed)
    return draw_corpus(source, scripts, sizes, "Reading text", progress or Quiet())


def as_alphabet(language: str | Alphabet, sample: Sequence[str]) -> Alphabet:
    """The characters that tokens of a language may hold.

    Args:
        language: BCP 47 tag, "und" for whatever the sample is written in, or an alphabet.
        sample: text in it, for a language whose profile names no script.

    Raises:
        LanguageError: there is no such tag, or the sample tells of no script.
    """
    if isinstance(language, Alphabet):
        return language
    if not isinstance(language, str):
        raise LanguageError(f"the language is a {type(language).__name__}: pass a BCP 47 tag or an Alphabet")
    known = Language("und", "the language", ()) if language == "und" else find_language(language)
    known = with_scripts_of(known, "\n".join(sample))
    return Alphabet(known.scripts, known.blocks)


def alphabet_of(tokens: Sequence[str]) -> Alphabet:
    """The characters of `tokens` and of the scripts that they are written in."""
    characters = {character for token in tokens for character in token}
    try:
        scripts = with_scripts_of(Language("und", "the tokens", ()), "".join(tokens)).scripts
    except LanguageError:
        # Without letters they are of no script of their own, as punctuation and emoji.
        scripts = ("Common",)
    return Alphabet(scripts, tuple((ord(character), ord(character)) for character in sorted(characters)))


def checked_lines(texts: Any, name: str) -> list[str]:
    """`texts` as a list, when they are texts.

    Raises:
        CorpusError: they are no list, or hold something that is no text.
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise CorpusError(f"{name} is a {type(texts).__name__}: pass a list of lines")
    lines = list(texts)
    for number, line in enumerate(lines):
        if not isinstance(line, str):
            raise CorpusError(f"{name}[{number}] is a {type(line).__name__}: pass strings")
        if not line.isascii() and any("\ud800" <= character <= "\udfff" for character in line):
            raise CorpusError(f"{name}[{number}] holds half of a surrogate pair: decode the text as UTF-8")
    return lines
