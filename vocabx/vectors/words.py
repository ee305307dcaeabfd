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
    if segmentation == "spaces":
        return WORD.findall(line)
    if segmentation == "jieba":
        return [word for word in _chinese_words(line) if WORD.match(word)]
    if segmentation == "none":
        return [cluster for run in WORD.findall(line) for cluster in _CLUSTER.findall(run)]
    raise VectorsError(f"unknown segmentation {segmentation!r}: use spaces, jieba or none")


def _chinese_words(line: str) -> list[str]:
    simplified = _to_simplified()(line)
    # OpenCC keeps the length of all but rare phrases; otherwise the boundaries would not fit the line.
    found = _jieba()(simplified if len(simplified) == len(line) else line)
    words, start = [], 0
    for word in found:
        words.append(line[start : start + len(word)])
        start += len(word)
    return words


@cache
def _to_simplified() -> Callable[[str], str]:
    converter: Callable[[str], str] = need("opencc", "vectors").OpenCC("t2s").convert
    return converter


@cache
def _jieba() -> Callable[[str], list[str]]:
    """The segmenter of jieba, silent, with its cache in vocabx's directory rather than the shared /tmp."""
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
    segment: Callable[[str], list[str]] = tokenizer.lcut
    return segment
