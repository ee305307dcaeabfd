"""Verifies an extended tokenizer against its base, on real text and on adversarial strings.

The claims compare the two tokenizers and assume nothing about how the extension was made. Claims about the
vocabulary check every token; claims about text are counted in one pass, in which each reader tokenizes each
text once. `agreement` compares other readers, and what transformers adds around a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vocabx._util.extras import installed
from vocabx.errors import TokenizerError
from vocabx.progress import Advance
from vocabx.tokenizer.adversarial import ADVERSARIAL_COUNT, adversarial_strings
from vocabx.tokenizer.agreement import Reader, readers_of, special_token_claims
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.certificate import Certificate, Claim, Tally, claim
from vocabx.tokenizer.fast import FastTokenizer, Ids
from vocabx.tokenizer.loaded import Loaded, looking
from vocabx.tokenizer.sentencepiece_model import SPACE, is_unused

_Pair = tuple[FastTokenizer, FastTokenizer]
_BATCH = 1024
# In a small set, a megabyte of one character would be out of proportion.
_WITH_LONG = 1000
# Adversarial strings that transformers tokenizes even where it holds the very tokenizer of tokenizer.json.
_SAMPLES = 500
_SECTIONS = ("normalizer", "post_processor", "decoder", "truncation", "padding")


@dataclass(frozen=True)
class Texts:
    """The texts that an extension is verified on.

    Attributes:
        target: text in the new language.
        base: lines of text in the base's language.
        protected: lines whose tokenization must not change, in any language.
        seed: of the adversarial strings.
        adversarial: number of adversarial strings.
    """

    target: Sequence[str] = field(repr=False)
    base: Sequence[str] = field(repr=False)
    protected: Sequence[str] = field(default=(), repr=False)
    seed: int = 0
    adversarial: int = ADVERSARIAL_COUNT


def verify(
    base: FastTokenizer,
    extended: FastTokenizer,
    alphabet: Alphabet,
    texts: Texts,
    directories: tuple[Path, Path] | None = None,
    advance: Advance = lambda done: None,
) -> Certificate:
    """Check an extension against its base.

    Args:
        base, extended: the two tokenizers.
        alphabet: the characters of the new language.
        texts: what to verify it on.
        directories: of the base and of the extension, to check how transformers reads their files. Without
            them, or without transformers, these claims are left out.
        advance: called with the number of texts compared.

    Raises:
        TokenizerError: the two are of different families, so neither can extend the other.
    """
    if base.family != extended.family:
        raise TokenizerError(
            f"the base is a {base.family} tokenizer and the other a {extended.family} one: neither can be an "
            "extension of the other"
        )
    pair = (base, extended)
    literals = [token["content"] for token in base.spec["added_tokens"]]
    adversarial = adversarial_strings(
        texts.adversarial, texts.seed, literals, long=texts.adversarial >= _WITH_LONG
    )
    samples = adversarial_strings(min(texts.adversarial, _SAMPLES), texts.seed, literals, long=False)
    read = directories if installed("transformers") else None
    with looking(read or (), samples) as elsewhere:
        vocabulary = (_base_ids(pair), _base_rules(pair), _base_reachable(pair), _settings(pair))
        reachable = _reachable(pair)
        before, after = elsewhere.result() if read else (None, None)
    groups = {
        "target": texts.target, "base": texts.base, "protected": texts.protected, "adversarial": adversarial
    }  # fmt: skip
    counts = _Counts(pair, alphabet, texts.base)
    readers = readers_of(*pair, directories, after, samples)
    used = _count(pair, groups, counts, readers, advance)
    return Certificate(
        (
            *vocabulary,
            *counts.claims(),
            *(found for reader in readers for found in reader.claims()),
            added_tokens_claim(pair),
            _no_added_tokens(pair),
            *_unused(pair),
            reachable,
            _used(pair, used),
            *_around(read, before, after),
        )
    )


def _around(
    directories: tuple[Path, Path] | None, before: Loaded | None, after: Loaded | None
) -> list[Claim]:
    """The claims about what transformers adds to the text, where it can load both."""
    if directories is None or before is None or after is None:
        return []
    return special_token_claims(directories[0], before, after)


def new_tokens(base: FastTokenizer, extended: FastTokenizer) -> list[str]:
    """The texts of the tokens that `base` lacks, those aside that are no whole characters."""
    known = base.id_to_piece.keys()
    pieces = extended.id_to_piece
    ids = (index for index in sorted(pieces) if index not in known and not is_unused(pieces[index]))
    return [text for index in ids if (text := extended.text_of(index))]


def _count(
    pair: _Pair,
    groups: Mapping[str, Sequence[str]],
    counts: "_Counts",
    readers: Sequence[Reader],
    advance: Advance,
) -> Ids:
    """Tokenize texts by their kind and count them; how often each id occurs in text of the new language."""
    used = np.zeros(pair[1].size, dtype=np.int64)
    for kind, group in groups.items():
        for start in range(0, len(group), _BATCH):
            batch = group[start : start + _BATCH]
            old, new = (tokenizer.encode(batch) for tokenizer in pair)
            counts.add(kind, batch, old, new)
            for reader in readers:
                reader.add(batch, old, new)
            if kind == "target":
                ids = np.fromiter((i for row in new for i in row), dtype=np.int64)
                used += np.bincount(ids, minlength=len(used))
            advance(len(batch))
    return used


class _Counts:
    """The tallies of the claims about text."""

    def __init__(self, pair: _Pair, alphabet: Alphabet, base_text: Sequence[str]) -> None:
        self.pair, self.alphabet = pair, alphabet
        self.same_decoding = _same_decoding(pair)
        # A line of the base's language that contains some of the new one may change. Where most lines do, the
        # two share a script, and the number of changed lines is only information.
        own = sum(map(self._is_foreign, base_text))
        self.shares_script = own < len(base_text) / 2
        self.literals = [token["content"] for token in pair[1].spec["added_tokens"]]
        self.base_text = Tally(
            "base-text", "Text in the base's language is tokenized exactly as before.", not self.shares_script
        )
        self.other = Tally(
            "other-text", "Adversarial strings without the new language are tokenized exactly as before."
        )
        self.dropped = Tally(
            "base-drops",
            "Text of which the base drops bytes is tokenized exactly as before.",
            required=False,
        )
        self.protected = Tally("protected", "The protected text is tokenized exactly as before.")
        self.words = Tally(
            "pre-tokenizer",
            "The pre-tokenizer was changed, and splits text without the new language as before.",
        )
        self.round_trip = Tally("round-trip", "Every text that the tokens can represent decodes to itself.")
        self.base_round_trip = Tally(
            "base-round-trip", "The base itself decodes every text to itself.", required=False
        )
        self.known = Tally("known", "Text in the new language contains no unknown token.", required=False)

    def add(
        self, kind: str, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]
    ) -> None:
        """Count a batch of texts of one kind, with the base's ids (`old`) and the extension's (`new`)."""
        base, extended = (tokenizer.rust for tokenizer in self.pair)
        before = base.decode_batch(old, skip_special_tokens=False)
        # The same ids of the same tokens are the same text.
        other = [n for n, ids in enumerate(new) if not self.same_decoding or ids != old[n]]
        decoded = extended.decode_batch([new[n] for n in other], skip_special_tokens=False)
        after = list(before)
        for n, back in zip(other, decoded, strict=True):
            after[n] = back
        for text, a, b, old_text, new_text in zip(batch, old, new, before, after, strict=True):
            self._count_tokenization(kind, text, a == b)
            self._count_round_trip(kind, text, (a, old_text), (b, new_text))

    def claims(self) -> list[Claim]:
        """The claims; optional ones only where they had cases."""
        tallies = [self.base_text, self.other, self.round_trip, self.base_round_trip]
        optional = (self.protected, self.words, self.known, self.dropped)
        return [tally.claim() for tally in (*tallies, *(tally for tally in optional if tally.checked))]

    def _count_tokenization(self, kind: str, text: str, same: bool) -> None:
        if kind == "protected":
            self.protected.add(text, same)
            return
        foreign = kind != "target" and self._is_foreign(text)
        if foreign and self.pair[0].lost_tokens(text):
            # What it has no tokens for may have some now.
            self.dropped.add(text, same)
            return
        if kind == "base" and (foreign or self.shares_script):
            self.base_text.add(text, same)
        if kind == "adversarial" and foreign:
            self.other.add(text, same)
        if foreign and self._other_words:
            self.words.add(text, self._same_words(text))

    def _count_round_trip(
        self, kind: str, text: str, old: tuple[list[int], str], new: tuple[list[int], str]
    ) -> None:
        base, extended = self.pair
        whole = self._is_kept(text, old[1])
        self.base_round_trip.add(text, whole)
        lost = extended.loses_text and extended.unknown_id in new[0]
        # Some bases normalize, or lack tokens for bytes they never met: no extension can repair that. A text
        # that the base lost to its unknown token counts if the extension has tokens for all of it.
        found = base.loses_text and base.unknown_id in old[0] and not lost
        if whole or (found and not any(literal in text for literal in self.literals)):
            self.round_trip.add(text, whole if new[1] == old[1] else self._is_kept(text, new[1]))
        if kind == "target" and extended.loses_text:
            self.known.add(text, not lost)

    def _is_kept(self, text: str, decoded: str) -> bool:
        canonical = self.pair[0].canonical
        return decoded == text or canonical(decoded) == canonical(text)

    def _is_foreign(self, text: str) -> bool:
        # A normalizer may produce the language's characters from others, e.g. vertical forms of brackets.
        touches = self.alphabet.touches
        return not touches(text) and (text.isascii() or not touches(self.pair[0].normal(text)))

    @property
    def _other_words(self) -> bool:
        base, extended = self.pair
        return bool(base.spec.get("pre_tokenizer") != extended.spec.get("pre_tokenizer"))

    def _same_words(self, text: str) -> bool:
        before, after = (
            None
            if tokenizer.rust.pre_tokenizer is None
            else tokenizer.rust.pre_tokenizer.pre_tokenize_str(text)
            for tokenizer in self.pair
        )
        return before == after


def _same_decoding(pair: _Pair) -> bool:
    """Whether all ids of the base are certain to be decoded alike by the extension."""
    base, extended = pair
    old, new = base.spec, extended.spec
    settings = [{**spec["model"], "vocab": None, "merges": None} for spec in (old, new)]
    # With two pieces for an id, the library alone knows which it takes.
    unique = all(len(one.id_to_piece) == len(one.vocabulary) for one in pair)
    kept = base.id_to_piece.items() <= extended.id_to_piece.items()
    added = base.added_ids == extended.added_ids & base.id_to_piece.keys()
    same = settings[0] == settings[1] and bool(old.get("decoder") == new.get("decoder"))
    return unique and kept and added and same


def _base_ids(pair: _Pair) -> Claim:
    before, after = pair[0].vocabulary, pair[1].vocabulary
    cases = ((f"{text} was {index}, is {after.get(text)}", after.get(text) == index)
             for text, index in before.items())  # fmt: skip
    return claim("base-ids", "Every token of the base keeps its id.", cases)


def _base_rules(pair: _Pair) -> Claim:
    def comparable(tokenizer: FastTokenizer) -> list[str]:
        return [rule if isinstance(rule, str) else " ".join(map(str, rule)) for rule in tokenizer.rules()]

    before, after = map(comparable, pair)
    known = set(before)
    kept = after if pair[0].appends_rules else [rule for rule in after if rule in known]
    cases = ((f"rule {n}: {old}", n < len(kept) and kept[n] == old) for n, old in enumerate(before))
    return claim("base-rules", "The base's merges or scores are unchanged and in the same order.", cases)


def _base_reachable(pair: _Pair) -> Claim:
    base, extended = pair

    def reached(index: int) -> bool:
        return extended.id_to_piece.get(index) == base.id_to_piece[index] and extended.reaches(index)

    cases = ((f"{base.describe(index)} (id {index})", reached(index)) for index in base.reached_ids)
    return claim("base-reachable", "Every token that is reachable in the base is still reachable.", cases)


def _settings(pair: _Pair) -> Claim:
    before, after = (tokenizer.spec for tokenizer in pair)
    cases = [(key, before.get(key) == after.get(key)) for key in _SECTIONS]
    model, new_model = before["model"], after["model"]
    keys = sorted((model.keys() | new_model.keys()) - {"vocab", "merges", "type"})
    # A setting that is not stated is off.
    cases += [(f"model.{key}", (model.get(key) or None) == (new_model.get(key) or None)) for key in keys]
    return claim("settings", "Everything except the vocabulary and merges is unchanged.", cases)


def added_tokens_claim(pair: tuple[FastTokenizer, FastTokenizer]) -> Claim:
    """Whether each added token of a base is stated, numbered and found in an extension as before.

    Args:
        pair: the base and the extension.
    """
    base, extended = pair
    known = {token["content"]: token for token in extended.spec["added_tokens"]}
    new = set(_new_ids(pair))

    def is_kept(token: dict[str, Any]) -> bool:
        content = token["content"]
        if known.get(content) != token or extended.rust.token_to_id(content) != token["id"]:
            return False
        # Where it is no token of its own, the model must not find it as a piece.
        texts = [content, content.upper(), content.lower(), f"a{content}a", f"a {content} a"]
        encoded = zip(base.encode(texts), extended.encode(texts), strict=True)
        return all(old == ids or not new.isdisjoint(ids) for old, ids in encoded)

    cases = (
        (f"{token['content']} (id {token['id']})", is_kept(token)) for token in base.spec["added_tokens"]
    )
    sentence = "Every added token of the base keeps its id and its settings, and is matched as before."
    return claim("base-added-tokens", sentence, cases)


def _no_added_tokens(pair: _Pair) -> Claim:
    before = {token["content"] for token in pair[0].spec["added_tokens"]}
    new = [token for token in pair[1].spec["added_tokens"] if token["content"] not in before]
    cases = ((token["content"], bool(token.get("special"))) for token in new)
    return claim("added-tokens", "No new token is matched as a whole string before tokenization.", cases)


def _unused(pair: _Pair) -> list[Claim]:
    """No text gives an unused entry, not even its own name; no claim where there are none."""
    extended = pair[1]

    def is_missed(index: int) -> bool:
        name = extended.id_to_piece[index]
        texts = [name, f" {name}", f"a{name}a", name.replace(" ", SPACE), name.replace(" ", "\u0120")]
        return all(index not in ids for ids in extended.encode(texts))

    cases = (
        (f"{extended.id_to_piece[index]} (id {index})", is_missed(index)) for index in extended.unused_ids
    )
    sentence = "No text is tokenized into an unused entry, not even the text of its name."
    return [claim("unused", sentence, cases)] if extended.unused_ids else []


def _new_ids(pair: _Pair) -> list[int]:
    base, extended = pair
    known = base.id_to_piece.keys()
    return sorted(index for index in extended.token_bytes if index not in known)


def _reachable(pair: _Pair) -> Claim:
    extended = pair[1]
    new = _new_ids(pair)
    cases = ((f"{extended.describe(index)} (id {index})", extended.reaches(index)) for index in new)
    return claim("reachable", "The text of every new token is tokenized as that token.", cases)


def _used(pair: _Pair, usage: Ids) -> Claim:
    extended = pair[1]
    cases = ((extended.describe(index), bool(usage[index])) for index in _new_ids(pair))
    sentence = "Every new token occurs in the text of the new language."
    return claim("used", sentence, cases, required=False)
