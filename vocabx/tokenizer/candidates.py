"""Merges to choose new tokens from, learned on the text of one language or of several."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from vocabx.progress import Advance, Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.attainable import Attainable, attainable
from vocabx.tokenizer.distinct import distinct_words, usage_in_words
from vocabx.tokenizer.fast import FastTokenizer, Ids
from vocabx.tokenizer.learn import learn_merges
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.parity import LanguageMerges, Ordered, by_parity, by_shares, information_of
from vocabx.tokenizer.select import Quotas, quotas_of
from vocabx.tokenizer.sources import in_several
from vocabx.tokenizer.units import units_of

Balance = Literal["none", "parity"]


@dataclass(frozen=True)
class LearningTexts:
    """What tokens are learned from, by language and source.

    Attributes:
        lines: of each language the lines of each source; see `sources`.
        balance: with several languages, parity puts merges in the order of `by_parity`, none in that of their
            number in all text.
        shares: the share of the new tokens of each language, in place of a balance; or empty.
    """

    lines: Sequence[Sequence[Sequence[str]]] = field(repr=False)
    balance: Balance = "parity"
    shares: tuple[float, ...] = ()


class Learner:
    """Learns merges on texts that are tokenized once, however often it is asked for more."""

    def __init__(
        self, base: FastTokenizer, texts: LearningTexts, alphabet: Alphabet, progress: Progress
    ) -> None:
        """Tokenize the texts.

        Args:
            base: the tokenizer to extend.
            texts: what to learn from.
            alphabet: the characters that new tokens may contain.
            progress: receives the stages.
        """
        self.base, self.texts, self.progress = base, texts, progress
        self.allows = partial(base.allows, alphabet)
        languages = [[line for source in sources for line in source] for sources in texts.lines]
        self.parted = len(languages) > 1 and (texts.balance == "parity" or bool(texts.shares))
        # What is learned on together: the text of one language, or of all.
        self.groups = languages if self.parted else [[line for lines in languages for line in lines]]
        self.information = information_of(self.groups) if self.parted else [1.0]
        self.owners: dict[bytes, int] = {}
        """By token, the number of the language that it was learned for; empty where that is not decided."""
        with progress.stage("Tokenizing the text with the base", sum(map(len, self.groups)), "lines") as done:
            self.words = [distinct_words(base, lines) for lines in self.groups]
            self.units = [
                units_of(base, lines, words, self.allows, done)
                for lines, words in zip(self.groups, self.words, strict=True)
            ]

    def learn(self, limit: int) -> Sequence[Merge]:
        """Up to about `limit` merges of each language, in the order in which they are to be chosen."""
        with self.progress.stage("Learning tokens", unit="B") as advance:
            found = []
            for number, units in enumerate(self.units):
                merges = learn_merges(self.base, units, limit, self.allows)
                found.append(in_several(self.base, merges, self._sources(number)))
                # The trainer reports no progress.
                advance(sum(len(line.encode()) for line in self.groups[number]))
            if not self.parted:
                return found[0]
            ordered = self._ordered(found)
            self.owners = ordered.owners
            return ordered.merges

    def usage(self, extended: FastTokenizer, advance: Advance) -> Ids:
        """How often each id of the base with more tokens occurs in all texts: int64, (`extended.size`,).

        `advance` is called with the number of lines done.
        """
        found = np.zeros(extended.size, dtype=np.int64)
        for lines, words in zip(self.groups, self.words, strict=True):
            if words is None:
                found += extended.usage(lines, advance)
            else:
                found += usage_in_words(extended, words)
                advance(len(lines))
        return found

    def attainable(self, new_tokens: int) -> tuple[Attainable, ...]:
        """The bounds of what so many tokens can do for each text that is learned on."""
        return tuple(attainable(units, new_tokens) for units in self.units)

    def quotas(self, new_tokens: int) -> Quotas | None:
        """How many of so many tokens each language may have, by its share; None without shares."""
        shares = self.texts.shares if self.parted else ()
        return quotas_of(self.owners, shares, new_tokens) if shares else None

    def _sources(self, number: int) -> Sequence[Sequence[Sequence[str]]]:
        return [self.texts.lines[number]] if self.parted else self.texts.lines

    def _ordered(self, found: Sequence[Sequence[Merge]]) -> Ordered:
        languages = [
            LanguageMerges(merges, units.atoms, units.least, information)
            for merges, units, information in zip(found, self.units, self.information, strict=True)
        ]
        return by_shares(languages, self.texts.shares) if self.texts.shares else by_parity(languages)
