"""The certificate: what an extended tokenizer is proven to have kept, each claim with its count.

The claims compare the two tokenizers themselves and do not trust how the extension was made; only the
usage of new tokens is counted where they are chosen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.hostile import hostile_strings

_Result = TypeVar("_Result")
_Pair = tuple[ByteLevelTokenizer, ByteLevelTokenizer]
_Advance = Callable[[float], None]
_EXAMPLES = 5
_BATCH = 1024
_SECTIONS = (
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "truncation",
    "padding",
    "added_tokens",
)
_MODEL_SECTIONS = ("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                   "fuse_unk", "byte_fallback", "ignore_merges")  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One claim: how many cases were checked, how many failed, the first of those.

    Attributes:
        name: short, for machines.
        sentence: what is claimed, for people.
        checked, failed: counts.
        required: False when a failure is information and no fault.
        examples: the first counterexamples.
    """

    name: str
    sentence: str
    checked: int
    failed: int
    required: bool
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no case failed."""
        return self.failed == 0


@dataclass(frozen=True)
class Certificate:
    """All claims about one extension."""

    claims: tuple[Claim, ...]

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return all(claim.holds for claim in self.claims if claim.required)


def verify(
    base: ByteLevelTokenizer,
    extended: ByteLevelTokenizer,
    alphabet: Alphabet,
    target_texts: Sequence[str],
    base_texts: Sequence[str],
    usage: NDArray[np.int64],
    seed: int,
    hostile: int = 2000,
    advance: Callable[[float], None] = lambda done: None,
) -> Certificate:
    """Check an extension against its base.

    Args:
        base, extended: the two tokenizers.
        alphabet: the characters of the new language.
        target_texts: text in the new language.
        base_texts: lines of text in the base's language.
        usage: how often each new token occurs in the text it was learned from.
        seed: of the hostile strings.
        hostile: how many of them.
        advance: called with the number of texts compared.
    """
    literals = [token["content"] for token in base.spec["added_tokens"]]
    strings = hostile_strings(hostile, seed, literals)
    foreign = [text for text in strings if not alphabet.touches(text)]
    # A line of the base's language that holds some of the new one may change. Where most lines do, the two
    # share a script, and the number of changed lines is information.
    own = [text for text in base_texts if not alphabet.touches(text)]
    shares_script = len(own) < len(base_texts) / 2
    pair = (base, extended)
    return Certificate(
        (
            _base_ids(base, extended),
            _base_merges(base, extended),
            _settings(base, extended),
            _same_ids("base-text", "Text in the base's language is cut exactly as before.",
                      pair, base_texts if shares_script else own, advance, required=not shares_script),
            _same_ids("other-text", "Hostile strings without the new language are cut exactly as before.",
                      pair, foreign, advance, required=True),
            *_round_trips(pair, [*target_texts, *base_texts, *strings], advance),
            _reachable(base, extended),
            _used(base, extended, usage),
        )
    )  # fmt: skip


def _claim(name: str, sentence: str, cases: Iterable[tuple[str, bool]], required: bool = True) -> Claim:
    checked = failed = 0
    examples: list[str] = []
    for text, good in cases:
        checked += 1
        if not good:
            failed += 1
            if len(examples) < _EXAMPLES:
                examples.append(text)
    return Claim(name, sentence, checked, failed, required, tuple(examples))


def _base_ids(base: ByteLevelTokenizer, extended: ByteLevelTokenizer) -> Claim:
    after = extended.vocabulary
    cases = ((f"{text} was {index}, is {after.get(text)}", after.get(text) == index)
             for text, index in base.vocabulary.items())  # fmt: skip
    return _claim("base-ids", "Every token of the base keeps its id.", cases)


def _base_merges(base: ByteLevelTokenizer, extended: ByteLevelTokenizer) -> Claim:
    before, after = base.spec["model"]["merges"], extended.spec["model"]["merges"]
    cases = ((f"merge {n}: {old}", n < len(after) and after[n] == old) for n, old in enumerate(before))
    return _claim("base-merges", "The merges of the base come first, in their order.", cases)


def _settings(base: ByteLevelTokenizer, extended: ByteLevelTokenizer) -> Claim:
    cases = [(key, base.spec.get(key) == extended.spec.get(key)) for key in _SECTIONS]
    before, after = base.spec["model"], extended.spec["model"]
    cases += [(f"model.{key}", before.get(key) == after.get(key)) for key in _MODEL_SECTIONS]
    return _claim("settings", "Everything that is not vocabulary or merges is unchanged.", cases)


def _same_ids(
    name: str, sentence: str, pair: _Pair, texts: Sequence[str], advance: _Advance, required: bool
) -> Claim:
    compared = _both(pair, texts, lambda tokenizer, batch: tokenizer.encode(batch), advance)
    return _claim(name, sentence, ((text, a == b) for text, a, b in compared), required)


def _round_trips(pair: _Pair, texts: Sequence[str], advance: _Advance) -> tuple[Claim, Claim]:
    def there_and_back(tokenizer: ByteLevelTokenizer, batch: Sequence[str]) -> list[str]:
        return tokenizer.rust.decode_batch(tokenizer.encode(batch), skip_special_tokens=False)

    decoded = list(_both(pair, texts, there_and_back, advance))
    # Some bases normalise, or lack tokens for bytes they never met: an extension cannot mend that.
    lossless = [(text, b) for text, a, b in decoded if a == text]
    return (
        _claim(
            "round-trip",
            "Every text that the base gives back whole decodes to itself.",
            ((text, b == text) for text, b in lossless),
        ),
        _claim(
            "base-round-trip",
            "The base itself gives every text back whole.",
            ((text, a == text) for text, a, _ in decoded),
            required=False,
        ),
    )


def _both(
    pair: _Pair,
    texts: Sequence[str],
    run: Callable[[ByteLevelTokenizer, Sequence[str]], list[_Result]],
    advance: _Advance,
) -> Iterable[tuple[str, _Result, _Result]]:
    """Each text with what base and extension make of it."""
    base, extended = pair
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        yield from zip(batch, run(base, batch), run(extended, batch), strict=True)
        advance(len(batch))


def _new_ids(base: ByteLevelTokenizer, extended: ByteLevelTokenizer) -> list[int]:
    known = base.token_bytes.keys() | base.added_ids
    return sorted(index for index in extended.token_bytes if index not in known)


def _reachable(base: ByteLevelTokenizer, extended: ByteLevelTokenizer) -> Claim:
    texts = ((index, extended.text_of(index)) for index in _new_ids(base, extended))
    whole = [(index, text) for index, text in texts if text is not None]
    cut = extended.encode([text for _, text in whole])
    cases = ((f"{text} (id {index}) is cut into {ids}", ids == [index])
             for (index, text), ids in zip(whole, cut, strict=True))  # fmt: skip
    return _claim("reachable", "Every new token of whole characters is what its own text is cut into.", cases)


def _used(base: ByteLevelTokenizer, extended: ByteLevelTokenizer, usage: NDArray[np.int64]) -> Claim:
    cases = ((extended.describe(index), bool(count))
             for index, count in zip(_new_ids(base, extended), usage.tolist(), strict=True))  # fmt: skip
    return _claim("used", "Every new token occurs in the text it was learned from.", cases, required=False)
