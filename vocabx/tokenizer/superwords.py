"""Superwords: tokens across the spaces between words, learned after the tokens inside words.

As in SuperBPE (arXiv 2503.13423), a second stage of BPE runs on text that is tokenized by the first, without
the boundaries between words. No merge of the base joins two words, so that a text which is not split between
words is tokenized by them as before, and the tokens of both stages come after them. Only words of the
language that single spaces separate are kept together; the pre-tokenizer splits everything else as before.

How many tokens each stage gets is decided by what they save: the first gets as many as make the sum of both
largest (inferred; the paper compares fixed numbers). Byte-level BPE only.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vocabx.errors import TokenizerError
from vocabx.progress import Advance, Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.candidates import Learner, LearningTexts
from vocabx.tokenizer.extension import (
    DEFAULT_NEW_TOKENS,
    Extension,
    TokenRequest,
    extend_tokenizer,
    pieces_of,
)
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.protect import without_occurring
from vocabx.tokenizer.select import USED_SHARE, Selection, select_merges
from vocabx.tokenizer.widen import with_joined_words

# As in the paper.
_MOST_WORDS = 4


@dataclass(frozen=True)
class SpacedAlphabet(Alphabet):
    """An alphabet whose tokens may hold up to four words with single spaces in between."""

    def allows_token(self, token: bytes) -> bool:
        """Whether `Alphabet` allows each word of `token`, which may begin with a space, not end in one."""
        allows = super().allows_token
        words = token.removeprefix(b" ").split(b" ")
        if len(words) == 1:
            return allows(token)
        return len(words) <= _MOST_WORDS and all(word and allows(word) for word in words)


def spaced(alphabet: Alphabet) -> SpacedAlphabet:
    """The alphabet with spaces inside tokens."""
    return SpacedAlphabet(alphabet.scripts, alphabet.blocks)


def extend_with_superwords(
    base: FastTokenizer,
    lines: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
    first_id: int,
    progress: Progress,
) -> Extension:
    """Find new tokens of words, then across the spaces between them, and add both to `base`.

    The words are those of --pretokenizer adapt. Where superwords would save less than the last tokens of the
    first stage, there are none.

    Args:
        base, lines, alphabet, request, first_id, progress: see `extend_tokenizer`.

    Raises:
        TokenizerError: see `joined` and `extend_tokenizer`.
    """
    start = joined(base, alphabet)
    first = extend_tokenizer(base, lines, alphabet, replace(request, adapt=True), first_id, progress)
    wanted = request.new_tokens or DEFAULT_NEW_TOKENS
    words = first.selection.merges
    whole, found = _second(start, words, lines, alphabet, request, first_id, wanted, progress)
    words = words[: words_first(words, found, wanted)]
    own = len(_tokens(base, words))
    if own >= wanted or not found:
        return first
    whole, found = _second(start, words, lines, alphabet, request, first_id, wanted, progress)
    with progress.stage("Selecting superwords", unit="lines") as advance:
        second = _selected(whole, found, lines, wanted - own, request, first_id + own, advance)
    merges = (*words, *second.merges)
    tokenizer = start.extended(merges, first_id)
    usage = tokenizer.usage(lines)
    if usage.sum() >= first.tokenizer.usage(lines).sum():
        return first
    usage = usage[first_id : first_id + len(_tokens(base, merges))]
    selection = Selection(merges, usage, first.selection.dropped + second.dropped, tokenizer)
    chosen = {merge.token for merge in merges}
    return replace(
        first,
        tokenizer=tokenizer,
        start=start,
        selection=selection,
        further=tuple(merge for merge in found if merge.token not in chosen),
        pieces=pieces_of(base, selection),
    )


def _second(
    start: FastTokenizer,
    words: Sequence[Merge],
    lines: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
    first_id: int,
    wanted: int,
    progress: Progress,
) -> tuple[FastTokenizer, Sequence[Merge]]:
    """The tokenizer of the first stage, and merges of the second after it."""
    whole = start.extended(words, first_id)
    texts = request.texts or LearningTexts([[lines]])
    found = Learner(whole, texts, spaced(alphabet), progress).learn(wanted)
    if request.protected:
        found = without_occurring(whole, found, request.protected)
    return whole, found


def _selected(
    whole: FastTokenizer,
    found: Sequence[Merge],
    lines: Sequence[str],
    wanted: int,
    request: TokenRequest,
    first_id: int,
    advance: Advance,
) -> Selection:
    """The superwords; where the usual share of unused ones leaves too few, with more of those."""
    # Two percent of a small number leave room for none of those, see `extension`.
    relaxed = 1 - min(0.5, (1 - USED_SHARE) * DEFAULT_NEW_TOKENS / wanted)
    best = None
    for share in (USED_SHARE, relaxed):
        made = select_merges(whole, found, lines, wanted, request.protected, share, False, advance, first_id)
        if best is None or len(made.usage) > len(best.usage):
            best = made
        if len(best.usage) >= wanted:
            break
    assert best is not None
    return best


def _tokens(base: FastTokenizer, merges: Sequence[Merge]) -> tuple[bytes, ...]:
    """The new tokens that merges make, in the order of their ids."""
    return tuple(dict.fromkeys(merge.token for merge in merges if merge.token not in base.known_bytes))


def joined(tokenizer: FastTokenizer, alphabet: Alphabet) -> FastTokenizer:
    """A tokenizer whose pre-tokenizer keeps words of `alphabet` together that single spaces separate.

    Raises:
        TokenizerError: it is no byte-level BPE, has tokens across spaces already, or has no pattern of words.
    """
    if not isinstance(tokenizer, ByteLevelTokenizer):
        raise TokenizerError(
            f"--superwords is for byte-level BPE, and this is {tokenizer.family}: leave the option out"
        )
    if crossing := next((token for token in tokenizer.known_bytes if _crosses(token)), None):
        raise TokenizerError(
            f"the base has tokens across spaces already, such as {crossing.decode()!r}: leave --superwords "
            "out"
        )
    spec: dict[str, Any] = copy.copy(tokenizer.spec)
    spec["pre_tokenizer"] = with_joined_words(tokenizer.spec["pre_tokenizer"], alphabet)
    return type(tokenizer)(spec)


def spanning(tokens: Sequence[bytes]) -> int:
    """How many tokens hold more than one word."""
    return sum(map(_crosses, tokens))


def _crosses(token: bytes) -> bool:
    """Whether a token holds a letter, a space and a letter."""
    text = token.decode("utf-8", "ignore")
    before, _, after = text.lstrip(" ").partition(" ")
    return bool(before and after) and before[-1].isalpha() and after[0].isalpha()


def words_first(first: Sequence[Merge], second: Sequence[Merge], wanted: int) -> int:
    """How many merges of the first stage make the merges of both save most tokens.

    Args:
        first: of the first stage, in their order; each makes a token.
        second: of the second stage, after all of the first.
        wanted: how many tokens there shall be in all.
    """
    one = np.concatenate([[0], np.cumsum([merge.count for merge in first])])
    two = np.concatenate([[0], np.cumsum([merge.count for merge in second])])
    counts = np.arange(min(wanted, len(first)) + 1)
    saved = one[counts] + two[np.minimum(wanted - counts, len(second))]
    return int(counts[np.argmax(saved)])
