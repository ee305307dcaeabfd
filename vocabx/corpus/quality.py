"""Leaves out documents that would teach a vocabulary or a model little: `--quality`.

Every rule counts what it drops, and a sample of that is kept for the user to look at. Memory does not grow
with the text. Documents are judged in their order, so that the result does not depend on how they are divided
among files.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from vocabx._util.extras import installed, left_out, require_all
from vocabx.corpus.boilerplate import Boilerplate
from vocabx.corpus.clean import clean
from vocabx.corpus.detect_language import PACKAGES as DETECTOR
from vocabx.corpus.detect_language import describe, other_languages
from vocabx.corpus.document import Document
from vocabx.corpus.dropped import Dropped
from vocabx.corpus.engine import in_order
from vocabx.corpus.languages import Language
from vocabx.corpus.near_duplicates import PACKAGES as MINHASH
from vocabx.corpus.near_duplicates import NearDuplicates
from vocabx.corpus.perplexity import Perplexity
from vocabx.corpus.quality_options import QualityOptions
from vocabx.corpus.quality_rules import Rules
from vocabx.corpus.read_text import check_damaged
from vocabx.corpus.several import joined_source, texts_by_language
from vocabx.corpus.shard import Shard, divided, worth_dividing
from vocabx.corpus.skipped import Skipped
from vocabx.corpus.source import TextSource
from vocabx.errors import CorpusError
from vocabx.progress import Advance

# Of a smaller corpus every line is needed, and the user can look at it.
LARGE = 50_000_000
OTHER_LANGUAGE = "other language"
BOILERPLATE = "boilerplate"
NEAR_DUPLICATE = "near-duplicate"
PERPLEXITY = "high perplexity"
_DOCUMENTS, _CHARACTERS = 256, 1 << 20
# Documents whose perplexities tell which ones are high.
_RANKED = 10_000


def with_quality(source: TextSource, language: Language, options: QualityOptions) -> TextSource:
    """A source without the documents that `--quality` leaves out; the same one where it leaves out nothing.

    Args:
        source: the user's text.
        language: what it should be in, with its scripts.
        options: whether to leave anything out, and what.

    Raises:
        MissingPackageError: what was asked for is not installed.
        CorpusError: there is no such n-gram model.
    """
    large = source.bytes is None or source.bytes > LARGE
    judged = large or options.always or options.model
    if not (judged if options.wanted is None else options.wanted):
        return source
    if options.wanted:
        require_all(MINHASH)
    quality = _Quality(source, language, options)
    return replace(source, open=quality.open, dropped=quality.dropped, shards=())


def text_with_quality(
    source: TextSource, language: Language, corpus: Sequence[str], options: QualityOptions
) -> TextSource:
    """The user's text without what `--quality` leaves out; default text stays as it is.

    Args:
        source: the text; of several languages, with a part for each, or one of all of them.
        language: one or several, with their scripts.
        corpus: the patterns of --corpus, which may name languages.
        options: see `with_quality`.

    Raises:
        VocabxError: see `with_quality`.
    """
    if not corpus:
        return source
    if not source.parts:
        return with_quality(source, language, options)
    named, _ = texts_by_language(corpus, language)
    pairs = zip(language.parts, source.parts, strict=True)
    parts = [with_quality(text, one, options) if one.tag in named else text for one, text in pairs]
    return joined_source(language.parts, parts)


class _Quality:
    """The rules for one source. One pass at a time."""

    def __init__(self, source: TextSource, language: Language, options: QualityOptions) -> None:
        self.source, self.language, self.options = source, language, options
        self.rules = Rules(language.scripts)
        self.perplexity = (
            Perplexity(Path(options.model), language.segmentation == "spaces") if options.model else None
        )
        self.highest: float | None = None
        self.dropped = Dropped()
        self.dropped.lacking = left_out(
            {"the search for near-duplicates": MINHASH, "the rule on languages": DETECTOR}
        )

    def open(self) -> Iterator[Document]:
        """The documents that are kept, cleaned.

        Raises:
            CorpusError: there are documents, and none of them is kept.
        """
        if self.perplexity is not None and self.highest is None:
            self.highest = self._highest(self.perplexity)
        self.dropped.clear()
        boilerplate = Boilerplate()
        near = NearDuplicates(self.language.scripts) if installed("rensa") else None
        first = ""
        for judged in self._judged():
            first = first or judged.documents[0].text
            yield from self._kept(judged, boilerplate, near)
        if self.dropped.read and self.dropped.documents == self.dropped.read:
            raise CorpusError(
                f"nothing of {self.source.description} is left by --quality, which drops "
                f"{self.dropped.by_rule()}; it begins in {describe(first) or 'no script'}: check --lang, or "
                "pass --no-quality"
            )

    def _judged(self) -> Iterator["_Judged"]:
        """All documents in their order, judged one by one: here, or where the engine says."""
        engine, skipped = self.options.engine, self.source.skipped
        if not self.source.shards or (engine == "local" and not worth_dividing(self.source.shards)):
            for batch in _batches(self.source.open()):
                yield _judge(batch, self.rules, self.language.tag)
            return
        skipped.clear()
        work = partial(_judge_shard, scripts=self.language.scripts, tag=self.language.tag)
        shards = divided(self.source.shards)
        for found, left_out_here in in_order(engine, work, shards, lambda read: None, _shard_bytes):
            skipped.merge(left_out_here)
            yield from found
        check_damaged(skipped)

    def _kept(
        self, judged: "_Judged", boilerplate: Boilerplate, near: NearDuplicates | None
    ) -> Iterator[Document]:
        batch, texts = judged.documents, list(judged.texts)
        reasons, details = list(judged.reasons), list(judged.details)

        def left() -> list[int]:
            return [n for n, document in enumerate(batch) if not (reasons[n] or document.learn_only)]

        whole = list(texts)
        for n in left():
            texts[n], lines = boilerplate.without(texts[n])
            self.dropped.lines += lines
            if not texts[n].strip():
                reasons[n] = BOILERPLATE
        if near is not None:
            kept = left()
            for n, similar in zip(kept, near.add([texts[n] for n in kept]), strict=True):
                if similar:
                    reasons[n], details[n] = NEAR_DUPLICATE, f"{similar:.2f}"
        if self.perplexity is not None and self.highest is not None:
            kept = left()
            for n, value in zip(kept, self.perplexity.of([texts[n] for n in kept]), strict=True):
                if value > self.highest:
                    reasons[n], details[n] = PERPLEXITY, f"{value:.1f}"
        for n, document in enumerate(batch):
            self.dropped.add(document.source, whole[n], reasons[n], details[n])
            if not reasons[n]:
                yield replace(document, text=texts[n])

    def _highest(self, perplexity: Perplexity) -> float:
        """The perplexity that `share` of the documents do not exceed, by a sample of them."""
        sample: list[tuple[int, str]] = []
        for batch in _batches(self.source.open()):
            texts = [clean(document.text) for document in batch]
            reasons = self.rules.judge(texts, [document.part for document in batch])
            for text, reason in zip(texts, reasons, strict=True):
                if not reason:
                    push = heapq.heappush if len(sample) < _RANKED else heapq.heappushpop
                    push(sample, (-_number(text), text))
        values = perplexity.of([text for _, text in sample])
        return float(np.quantile(values, self.options.share)) if values else 0.0


@dataclass(frozen=True)
class _Judged:
    """Documents, cleaned, each with the rule on single documents that drops it, or "", and its detail."""

    documents: Sequence[Document]
    texts: Sequence[str]
    reasons: Sequence[str]
    details: Sequence[str]


def _judge(batch: Sequence[Document], rules: Rules, tag: str) -> _Judged:
    texts = [clean(document.text) for document in batch]
    reasons = rules.judge(texts, [document.part for document in batch])
    details = [""] * len(batch)
    for number, document in enumerate(batch):
        if document.learn_only:
            reasons[number] = ""
    kept = [n for n, document in enumerate(batch) if not (reasons[n] or document.learn_only)]
    for n, other in zip(kept, other_languages([texts[n] for n in kept], tag), strict=True):
        if other:
            reasons[n], details[n] = OTHER_LANGUAGE, other
    return _Judged(batch, texts, reasons, details)


def _judge_shard(
    shard: Shard, advance: Advance, scripts: Sequence[str], tag: str
) -> tuple[list[_Judged], Skipped]:
    """The documents of a shard, judged, and what of it was left out."""
    skipped, rules = Skipped(), Rules(scripts)
    return [_judge(batch, rules, tag) for batch in _batches(shard.documents(skipped))], skipped


def _shard_bytes(shard: Shard) -> int:
    return shard.bytes


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.text)
        if len(batch) >= _DOCUMENTS or size >= _CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
