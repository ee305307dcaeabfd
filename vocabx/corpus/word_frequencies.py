"""Text of languages for which no running text is at hand: words in a seeded order, as often as they are used.

The frequencies are those of the package wordfreq. A word occurs as often as its share of a text of the given
size says, up to rounding: systematic sampling (Cochran, Sampling Techniques, 1977, chapter 8) rather than
independent draws, whose noise would decide which rare words are learned. Beyond its words nothing in such a
text is language: no grammar, no sense.

Words that a script writes without a space between them are comma-separated. Which word follows which is
chance here, and no token holds a comma, so none is learned across two words.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

import numpy as np
import regex
from numpy.typing import NDArray

from vocabx._util.extras import Packages, installed, need
from vocabx.corpus.convert import PACKAGES as OPENCC
from vocabx.corpus.convert import Converter
from vocabx.corpus.document import Document
from vocabx.corpus.languages import Language, WordList
from vocabx.corpus.scripts import letter_pattern

_PACKAGE = "wordfreq"
PACKAGES: Packages = {_PACKAGE: "wordfreq"}
# Each line begins without a space and with a capital, as one word in twelve of running text does.
_WORDS_A_LINE = 12
_LINES_A_DOCUMENT = 20


def word_packages(words: WordList) -> Packages:
    """What text from a list of words needs beyond vocabx's own requirements."""
    return {**PACKAGES, **(OPENCC if words.opencc else {})}


def is_at_hand(words: WordList) -> bool:
    """Whether the packages that hold and convert a list of words are installed."""
    return all(map(installed, word_packages(words)))


def package_name() -> str:
    """The package with its version where it is installed, as sources are described."""
    return f"{_PACKAGE} {version(_PACKAGE)}" if installed(_PACKAGE) else _PACKAGE


def word_text(language: Language, size: int, seed: int = 0, learn_only: bool = False) -> Iterator[Document]:
    """Yield documents of about `size` UTF-8 bytes of a language's words, the same for the same seed.

    Args:
        language: one with `words`.
        size: bytes wanted.
        seed: changes the order of the words.
        learn_only: see `Document`.

    Raises:
        MissingPackageError: wordfreq is not installed, or OpenCC where it is needed.
    """
    assert language.words is not None
    found = word_frequencies(language.words, language.scripts)
    order = draw_words([*found], [*found.values()], size, seed)
    names = list(found)
    read = 0
    for start in range(0, len(order), _WORDS_A_LINE * _LINES_A_DOCUMENT):
        chosen = [names[index] for index in order[start : start + _WORDS_A_LINE * _LINES_A_DOCUMENT]]
        lines = (chosen[at : at + _WORDS_A_LINE] for at in range(0, len(chosen), _WORDS_A_LINE))
        text = "\n".join(_line(words, language) for words in lines)
        read += len(text.encode())
        yield Document(text, package_name(), read, learn_only)


def word_frequencies(words: WordList, scripts: Sequence[str]) -> dict[str, float]:
    """The words of a list that are written in the scripts, with their shares of all words, converted.

    Words that a conversion makes equal count together. Words with digits are left out: wordfreq writes
    numbers as zeros.

    Raises:
        MissingPackageError: wordfreq is not installed, or OpenCC where it is needed.
    """
    listed: Mapping[str, float] = need(_PACKAGE, PACKAGES[_PACKAGE]).get_frequency_dict(words.name)
    letter = letter_pattern(scripts).pattern
    # Marks of any script, apostrophes, hyphens and joiners are parts of words beside letters.
    other = r"[\p{M}'’\-·\u200c\u200d]"
    word = regex.compile(rf"(?:{letter}|{other})*{letter}(?:{letter}|{other})*", regex.V1)
    kept = [(text, share) for text, share in listed.items() if word.fullmatch(text)]
    if not words.opencc:
        return dict(kept)
    # One call for all: each takes longer than a word.
    converted = Converter(words.opencc)("\n".join(text for text, _ in kept)).split("\n")
    found: dict[str, float] = {}
    for text, (_, share) in zip(converted, kept, strict=True):
        found[text] = found.get(text, 0.0) + share
    return found


def draw_words(words: Sequence[str], shares: Sequence[float], size: int, seed: int) -> NDArray[np.int32]:
    """Indices of words in random order, each as often as its share says within 1, for `size` UTF-8 bytes.

    Args:
        words: the words; one more byte is counted for each, a space or a comma.
        shares: their shares, in any unit.
        size: UTF-8 bytes of text wanted, approximately.
        seed: of the order, and of where the rounding begins.
    """
    lengths = np.array([len(word.encode()) + 1 for word in words], dtype=np.float64)
    weights = np.asarray(shares, dtype=np.float64)
    weights = weights / weights.sum()
    rng = np.random.default_rng(seed)
    count = size / float(lengths @ weights)
    ends = np.floor(np.cumsum(weights) * count + rng.random()).astype(np.int64)
    order = np.repeat(np.arange(len(words), dtype=np.int32), np.diff(ends, prepend=0))
    rng.shuffle(order)
    return order


def _line(words: Sequence[str], language: Language) -> str:
    """Words joined as the language's script joins them, the first with a capital where it has those."""
    assert language.words is not None
    joined = language.words.joined or len(words)
    parts = [",".join(words[start : start + joined]) for start in range(0, len(words), joined)]
    return _capital(" ".join(parts), language.tag)


def _capital(line: str, tag: str) -> str:
    """A line with a capital; Turkish has two letters i."""
    first = "İ" if tag == "tr" and line.startswith("i") else line[:1].title()
    return first + line[1:]
