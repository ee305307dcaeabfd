"""A line of text as words, for counting and training. Cases are kept as they are.

spaces   runs of letters, marks and digits; an apostrophe or a joiner inside one does not part it
jieba    Chinese, by jieba's dictionary. It is Simplified: a line is brought to Simplified by OpenCC
         for the cuts only, and the words are those of the line as it stands. Of real Traditional text
         that finds more words of CC-CEDICT than cutting it directly: see docs/vectors.md
none     scripts without spaces, and no dictionary here (Thai, Lao, Khmer, Japanese): each grapheme
         cluster is a word, so that a mark never leaves its letter. Training joins clusters to longer
         pieces: see `pieces.py`
"""

import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import regex

from vocabx._util.cache import cache_directory
from vocabx._util.extras import need
from vocabx.errors import VectorsError

# U+200C and U+200D join letters of Persian and Indic words.
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’\u200c\u200d][\p{L}\p{M}\p{N}]+)*")
_CLUSTER = regex.compile(r"\X")


def words_of(line: str, segmentation: str) -> list[str]:
    """Return the words of a line in their order, without spaces and punctuation.

    Args:
        line: text.
        segmentation: "spaces", "jieba" or "none", as language profiles say it.

    Raises:
        VectorsError: no such segmentation.
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
    # OpenCC keeps the length of all but rare phrases; where it does not, its cuts do not fit the line.
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
    """The cutter of jieba, silent, with its cache in our directory: /tmp, its own choice, is everybody's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jieba = need("jieba", "vectors")
    jieba.setLogLevel(logging.CRITICAL + 1)
    tokenizer = jieba.Tokenizer()
    directory = cache_directory()
    # Where it cannot be written jieba does without a cache: half a second more.
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    tokenizer.tmp_dir = str(directory)
    tokenizer.initialize()
    cut: Callable[[str], list[str]] = tokenizer.lcut
    return cut
