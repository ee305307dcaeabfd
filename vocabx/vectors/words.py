"""Splits lines of text into words, for counting and training. Case is preserved.

spaces   runs of letters, marks and digits; an apostrophe or joiner inside one does not split it
jieba    Chinese, by jieba's dictionary, which is Simplified: OpenCC converts the line to Simplified to find
         the boundaries, and the words are those of the original line. On real Traditional text this finds
         more words of CC-CEDICT than segmenting it directly: see docs/vectors.md
none     scripts without spaces for which there is no dictionary (Thai, Lao, Khmer, Japanese): each grapheme
         cluster is a word, so that a mark is never separated from its letter. For training, clusters are
         joined into longer pieces: see `split_words.py`
"""

import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import regex

from vocabx._util.cache import cache_directory
from vocabx._util.extras import Packages, need
from vocabx.errors import VectorsError

# U+200C and U+200D occur inside Persian and Indic words.
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’\u200c\u200d][\p{L}\p{M}\p{N}]+)*")
_CLUSTER = regex.compile(r"\X")


def segmentation_packages(segmentation: str) -> Packages:
    """The packages that `words_of` needs."""
    return {"jieba": "vectors", "opencc": "vectors"} if segmentation == "jieba" else {}


def words_of(line: str, segmentation: str) -> list[str]:
    """Return the words of a line in order, without spaces and punctuation.

    Args:
        line: text.
        segmentation: "spaces", "jieba" or "none", as stated in the language profile.

    Raises:
        VectorsError: there is no such segmentation.
        MissingPackageError: jieba or OpenCC is needed and not installed.
    """
    return [line[start:end] for start, end in word_spans(line, segmentation)]


def word_spans(line: str, segmentation: str) -> list[tuple[int, int]]:
    """Where the words of a line begin and end; arguments and errors as for `words_of`."""
    if segmentation == "jieba":
        found = _chinese_spans(line)
        return [(start, end) for start, end in found if WORD.match(line, start, end)]
    runs = [found.span() for found in WORD.finditer(line)]
    if segmentation == "spaces":
        return runs
    if segmentation == "none":
        return [found.span() for start, end in runs for found in _CLUSTER.finditer(line, start, end)]
    raise VectorsError(f"unknown segmentation {segmentation!r}: use spaces, jieba or none")


def as_simplified(line: str) -> str:
    """A Chinese line as jieba's dictionary writes it; the line itself where that would move its characters.

    OpenCC keeps the length of all but rare phrases; otherwise the boundaries would not fit the line.

    Raises:
        MissingPackageError: OpenCC is not installed.
    """
    simplified = _to_simplified()(line)
    return simplified if len(simplified) == len(line) else line


def _chinese_spans(line: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for word in jieba_tokenizer().lcut(as_simplified(line)):
        spans.append((start, start + len(word)))
        start += len(word)
    return spans


@cache
def _to_simplified() -> Callable[[str], str]:
    converter: Callable[[str], str] = need("opencc", "vectors").OpenCC("t2s").convert
    return converter


@cache
def jieba_tokenizer() -> Any:
    """The Tokenizer of jieba, silent, with its cache in vocabx's directory rather than the shared /tmp.

    Raises:
        MissingPackageError: jieba is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jieba = need("jieba", "vectors")
    jieba.setLogLevel(logging.CRITICAL + 1)
    tokenizer = jieba.Tokenizer()
    directory = cache_directory()
    # Where the directory is not writable, jieba works without a cache, half a second slower.
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    tokenizer.tmp_dir = str(directory)
    tokenizer.initialize()
    return tokenizer
