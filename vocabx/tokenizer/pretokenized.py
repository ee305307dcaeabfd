"""How a pre-tokenizer splits a language's words, and the fewest tokens that it allows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex

from vocabx.errors import TokenizerError
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.fast import FastTokenizer

# Above this share of split words, it is worth mentioning, and an adapted pre-tokenizer is tried.
NOTABLE = 0.01
_SPLIT_WORDS = 10


@dataclass(frozen=True)
class Words:
    """Words of the normalized text: maximal runs of the language's letters and marks, joiners in between.

    Attributes:
        total: occurrences of words.
        split: how many of them the pre-tokenizer splits.
        split_adapted: the same with `FastTokenizer.adapted`; None if few are split or that changes nothing.
        examples: the most frequent split words, each as its parts, with its occurrences.
    """

    total: int
    split: int
    split_adapted: int | None
    examples: tuple[tuple[tuple[str, ...], int], ...]


@dataclass(frozen=True)
class Boundaries:
    """What the boundaries that no token can cross do to a text.

    Attributes:
        least: fewest tokens that the text can have with any vocabulary, the number of parts that the
            pre-tokenizer splits it into; None without a pre-tokenizer.
        least_adapted: the same with --pretokenizer adapt; None where that changes nothing.
        split_share: share of the language's words that are split.
        split_share_adapted: the same with --pretokenizer adapt; None where that changes nothing.
    """

    least: int | None
    least_adapted: int | None
    split_share: float
    split_share_adapted: float | None

    def sentence(self, language: str, tokens: int) -> str:
        """What is lost, and what --pretokenizer adapt would give; "" where nothing worth mentioning is lost.

        Args:
            language: its name.
            tokens: length of the text in tokens now.
        """
        if self.split_share <= NOTABLE:
            return ""
        found = (
            f"The pre-tokenizer splits {_percent(self.split_share)} of the words of {language}, and no token "
            f"can cross such a boundary"
        )
        if self.least is not None:
            found += f": text of {tokens:,} tokens cannot get below {self.least:,}, however many are added"
        if self.split_share_adapted is None:
            return f"{found}."
        floor = "" if self.least_adapted is None else f", and the limit is {self.least_adapted:,} tokens"
        return f"{found}. With --pretokenizer adapt it splits {_percent(self.split_share_adapted)}{floor}."


def boundaries_of(tokenizer: FastTokenizer, texts: Sequence[str], alphabet: Alphabet) -> Boundaries:
    """Find what the pre-tokenizer of `tokenizer` does to texts in the language of `alphabet`."""
    normal = [normalized(tokenizer, text) for text in texts]
    words = split_words(tokenizer, normal, alphabet)
    other = adapted_or_none(tokenizer, alphabet) if words.split_adapted is not None else None
    return Boundaries(
        least=least_tokens(tokenizer, normal),
        least_adapted=None if other is None else least_tokens(other, normal),
        split_share=words.split / max(1, words.total),
        split_share_adapted=None if other is None else (words.split_adapted or 0) / max(1, words.total),
    )


def normalized(tokenizer: FastTokenizer, text: str) -> str:
    """Text as the tokenizer's normalizer leaves it."""
    normalizer = tokenizer.rust.normalizer
    return text if normalizer is None else normalizer.normalize_str(text)


def least_tokens(tokenizer: FastTokenizer, normal: Iterable[str]) -> int | None:
    """Number of parts that normalized texts are split into before tokens are sought; None if they are not."""
    pre_tokenizer = tokenizer.rust.pre_tokenizer
    if pre_tokenizer is None:
        return None
    return sum(len(pre_tokenizer.pre_tokenize_str(text)) for text in normal)


def adapted_or_none(tokenizer: FastTokenizer, alphabet: Alphabet) -> FastTokenizer | None:
    """The tokenizer with a pre-tokenizer that splits no word of `alphabet`; None if it is the same, or none
    can be made.
    """
    try:
        adapted = tokenizer.adapted(alphabet)
    except TokenizerError:
        return None
    same = adapted.spec.get("pre_tokenizer") == tokenizer.spec.get("pre_tokenizer")
    return None if same else adapted


def split_words(tokenizer: FastTokenizer, normal: Sequence[str], alphabet: Alphabet) -> Words:
    """The words of normalized texts that the pre-tokenizer splits, and how many it would split adapted."""
    letters = f"{alphabet.word_class()}+"
    word = regex.compile(rf"{letters}(?:[\u200C\u200D]+{letters})*", regex.V1)
    total = sum(1 for text in normal for _ in word.finditer(text))
    split = _split(tokenizer, normal, word)
    split_adapted = None
    if split.total() > NOTABLE * total:
        adapted = adapted_or_none(tokenizer, alphabet)
        split_adapted = None if adapted is None else _split(adapted, normal, word).total()
    ordered = sorted(split.items(), key=lambda item: (-item[1], item[0]))
    return Words(total, split.total(), split_adapted, tuple(ordered[:_SPLIT_WORDS]))


def _split(
    tokenizer: FastTokenizer, normal: Iterable[str], word: "regex.Pattern[str]"
) -> Counter[tuple[str, ...]]:
    """The words that the pre-tokenizer splits, as their parts, with their occurrences."""
    pre_tokenizer = tokenizer.rust.pre_tokenizer
    split: Counter[tuple[str, ...]] = Counter()
    if pre_tokenizer is None:
        return split
    for text in normal:
        boundaries = {index for _, span in pre_tokenizer.pre_tokenize_str(text) for index in span}
        for found in word.finditer(text):
            start, end = found.span()
            inner = [index for index in range(start + 1, end) if index in boundaries]
            if inner:
                edges = zip([start, *inner], [*inner, end], strict=True)
                split[tuple(text[low:high] for low, high in edges)] += 1
    return split


def _percent(share: float) -> str:
    return "none" if share == 0 else f"{max(0.1, 100 * share):.1f} %"
