"""From text or a donor to an extended tokenizer in one call: find tokens, select, extend."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from vocabx.errors import TokenizerError
from vocabx.progress import Advance, Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.attainable import Attainable
from vocabx.tokenizer.candidates import Learner, LearningTexts
from vocabx.tokenizer.donor import DonorMerges, build_donor_merges
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.protect import without_occurring
from vocabx.tokenizer.select import USED_SHARE, Quotas, Selection, select_merges
from vocabx.tokenizer.training_budget import supported_by

DEFAULT_NEW_TOKENS = 8000
_CURVE_FACTOR = 2
# Of a language that shares its script with the base's, most frequent pairs occur in the base's text too.
_PROTECTED_FACTOR = 5
_MORE = 4
# Shares of new tokens that only build others, tried in this order where fewer give too few tokens.
_UNUSED_SHARES = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class TokenRequest:
    """Which tokens to add.

    Attributes:
        new_tokens: how many; None for all of the donor's, or up to 8,000, as many as the text supports.
        protected: texts whose tokenization must not change.
        donor: tokens to take instead of learning some, most frequent first, or None.
        add_intermediates: whether to add tokens that a donor's token is built from and the donor lacks.
        adapt: whether to widen the pre-tokenizer, so that it splits no word of the language.
        strict: whether to refuse a text that supports fewer than `new_tokens`; otherwise, as many as it
            supports are added.
        budget: bytes of text that training will read, or None. Tokens that would occur too rarely there are
            left out, see `training_budget`.
        texts: the text by language and source, all lines of which are the text that is learned from; None for
            one language and one source.
        told: called before learning with what tokens can do for each text that is learned on.
    """

    new_tokens: int | None = None
    protected: Sequence[str] = field(default=(), repr=False)
    donor: Sequence[bytes] | None = field(default=None, repr=False)
    add_intermediates: bool = True
    adapt: bool = False
    strict: bool = True
    budget: int | None = None
    texts: LearningTexts | None = None
    told: Callable[[tuple[Attainable, ...]], None] = field(default=lambda found: None, repr=False)


@dataclass(frozen=True)
class Extension:
    """An extended tokenizer and its provenance.

    Attributes:
        base, tokenizer: before and after.
        start: the tokenizer that the merges were added to: the base, its pre-tokenizer widened if requested.
        first_id: id of the first new token.
        selection: the selected merges, with their usage in the learning text.
        further: merges found and not selected, most useful first: what more new tokens would bring.
        pieces: old ids of each new token by its bytes, in id order.
        donor_merges: what was taken from a donor, or None.
        unprotected: the merges that would have been selected without protected text; None when there is none.
        attainable: what was known before learning, of each text that was learned on; empty with a donor.
    """

    base: FastTokenizer
    tokenizer: FastTokenizer
    start: FastTokenizer
    first_id: int
    selection: Selection
    further: tuple[Merge, ...]
    pieces: dict[bytes, tuple[int, ...]]
    donor_merges: DonorMerges | None = None
    unprotected: tuple[Merge, ...] | None = None
    attainable: tuple[Attainable, ...] = ()

    @property
    def new_ids(self) -> range:
        """Ids of the new tokens."""
        return range(self.first_id, self.first_id + len(self.pieces))

    def without_protection(self) -> FastTokenizer | None:
        """The tokenizer of `unprotected`, or None when nothing was protected."""
        if self.unprotected is None:
            return None
        return self.start.extended(self.unprotected, self.first_id)


def extend_tokenizer(
    base: FastTokenizer,
    lines: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
    first_id: int,
    progress: Progress,
) -> Extension:
    """Find new tokens and add them to `base`.

    Args:
        base: the tokenizer to extend.
        lines: the text to learn from; with a donor, the text on which usage is counted.
        alphabet: the characters that new tokens may contain.
        request: which tokens to add.
        first_id: id of the first one, at least `base.size`.
        progress: reports each stage.

    Raises:
        TokenizerError: the text does not support so many tokens, or any, or the pre-tokenizer cannot be
            adapted.
    """
    start = base.adapted(alphabet) if request.adapt else base
    letters = _lost_letters(start, lines, alphabet, request)
    if not letters:
        return _extended(base, start, lines, alphabet, request, first_id, progress)
    return _with_letters(base, start, letters, lines, alphabet, request, first_id, progress)


def _with_letters(
    base: FastTokenizer,
    start: FastTokenizer,
    letters: tuple[Merge, ...],
    lines: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
    first_id: int,
    progress: Progress,
) -> Extension:
    """The extension whose first new tokens are `letters`, without which `start` drops parts of the text."""
    whole = start.extended(letters, first_id)
    if request.new_tokens is not None:
        request = replace(request, new_tokens=request.new_tokens - len(letters))
    made = _extended(whole, whole, lines, alphabet, request, first_id + len(letters), progress)
    usage = made.tokenizer.usage(lines)[first_id : first_id + len(letters)]
    selection = replace(
        made.selection,
        merges=(*letters, *made.selection.merges),
        usage=np.concatenate([usage, made.selection.usage]),
    )
    return replace(
        made,
        base=base,
        start=start,
        first_id=first_id,
        selection=selection,
        pieces=pieces_of(base, selection),
        unprotected=None if made.unprotected is None else (*letters, *made.unprotected),
    )


def _lost_letters(
    start: FastTokenizer, lines: Sequence[str], alphabet: Alphabet, request: TokenRequest
) -> tuple[Merge, ...]:
    """The tokens that `start` lacks for characters of the language: bytes, which it drops.

    Raises:
        TokenizerError: they are in protected text, or more than the tokens asked for.
    """
    counts = Counter[str]()
    for line in lines:
        counts.update(line)
    characters = {character: count for character, count in counts.items() if alphabet.allows(character)}
    lost = start.lost_tokens("".join(characters))
    if not lost:
        return ()
    if not set(lost).isdisjoint(start.lost_tokens("\n".join(request.protected))):
        raise TokenizerError(
            "the base's tokenizer drops bytes of the protected text that the language needs tokens for: "
            "leave text in the language out of --protect"
        )
    if request.new_tokens is not None and request.new_tokens <= len(lost):
        raise TokenizerError(
            f"the base's tokenizer has no tokens for {len(lost)} bytes of the language, which come first: "
            f"pass --new-tokens of more than {len(lost)}"
        )
    occurring = Counter[int]()
    for character, count in characters.items():
        occurring.update(dict.fromkeys(start.normal(character).encode(), count))
    return tuple(Merge(b"", token, max(occurring[byte] for byte in token)) for token in lost)


def _extended(
    base: FastTokenizer,
    start: FastTokenizer,
    lines: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
    first_id: int,
    progress: Progress,
) -> Extension:
    """The extension of a `start` that drops nothing of the language; see `extend_tokenizer`."""
    donor_merges = _donor_merges(start, alphabet, request, progress)
    learner = None
    bounds: tuple[Attainable, ...] = ()
    if donor_merges is None:
        learner = Learner(start, request.texts or LearningTexts([[lines]]), alphabet, progress)
        bounds = learner.attainable(request.new_tokens or DEFAULT_NEW_TOKENS)
        request.told(bounds)
        limit = (request.new_tokens or DEFAULT_NEW_TOKENS) * (
            _PROTECTED_FACTOR if request.protected else _CURVE_FACTOR
        )
        found: Sequence[Merge] = learner.learn(limit)
    else:
        found = donor_merges.merges
    while True:
        candidates = _without_protected(start, found, request, progress)
        with progress.stage("Selecting tokens", unit="lines") as advance:
            quotas = None if learner is None else learner.quotas(request.new_tokens or DEFAULT_NEW_TOKENS)
            selection = _select(start, candidates, lines, request, first_id, advance, learner, quotas)
        if learner is None or len(selection.usage) >= (request.new_tokens or 0):
            break
        # A small text leaves so many merges unused that twice as many are too few to choose from.
        limit *= _MORE
        more = learner.learn(limit)
        if len(more) <= len(found):
            break
        found = more
    if donor_merges is None and not request.strict:
        selection = _relaxed(selection, start, candidates, lines, request, first_id, learner, quotas)
    _check_number(selection, request)
    if request.budget is not None:

        def select(number: int) -> Selection:
            fewer = replace(request, new_tokens=number)
            shares = None if learner is None else learner.quotas(number)
            return _select(start, candidates, lines, fewer, first_id, learner=learner, quotas=shares)

        size = sum(len(line.encode()) for line in lines)
        selection = supported_by(request.budget, size, selection, select)
    unprotected = None
    if request.protected:
        free = replace(request, protected=(), new_tokens=len(selection.usage))
        again = _select(start, found, lines, free, first_id, learner=learner, quotas=quotas)
        unprotected = again.merges
    selected = {merge.token for merge in selection.merges}
    further = tuple(merge for merge in candidates if merge.token not in selected)
    pieces = pieces_of(base, selection)
    return Extension(
        base,
        selection.tokenizer,
        start,
        first_id,
        selection,
        further,
        pieces,
        donor_merges,
        unprotected,
        bounds,
    )


def _without_protected(
    base: FastTokenizer, found: Sequence[Merge], request: TokenRequest, progress: Progress
) -> Sequence[Merge]:
    if not request.protected:
        return found
    with progress.stage("Protecting text", len(request.protected), "lines") as advance:
        kept = without_occurring(base, found, request.protected)
        advance(len(request.protected))
    return kept


def _select(
    base: FastTokenizer,
    candidates: Sequence[Merge],
    lines: Sequence[str],
    request: TokenRequest,
    first_id: int,
    advance: Advance = lambda done: None,
    learner: Learner | None = None,
    quotas: Quotas | None = None,
    used_share: float = USED_SHARE,
) -> Selection:
    wanted = DEFAULT_NEW_TOKENS
    if request.donor is not None:
        # A donor's tokens are kept whether or not the text contains them.
        wanted, used_share = len(candidates), 0.0
    if request.new_tokens is not None:
        wanted = request.new_tokens
    return select_merges(
        base,
        candidates,
        lines,
        wanted,
        request.protected,
        used_share,
        False,
        advance,
        first_id,
        quotas,
        # The learner knows the text's words, each of which need be tokenized only once.
        None if learner is None else learner.usage,
    )


def _relaxed(
    selection: Selection,
    base: FastTokenizer,
    candidates: Sequence[Merge],
    lines: Sequence[str],
    request: TokenRequest,
    first_id: int,
    learner: Learner | None,
    quotas: Quotas | None,
) -> Selection:
    """More tokens for a request that was not met, some of which only build others.

    Two percent of a small number leave room for none of those, so that almost nothing can be built. As many
    are let in as by default, but no more than half.
    """
    wanted, most = request.new_tokens or 0, (1 - USED_SHARE) * DEFAULT_NEW_TOKENS
    if len(selection.usage) >= wanted:
        return selection
    last = min(_UNUSED_SHARES[-1], most / wanted)
    for share in (*(share for share in _UNUSED_SHARES if share < last), last):
        used = 1 - share
        more = _select(
            base, candidates, lines, request, first_id, learner=learner, quotas=quotas, used_share=used
        )
        if len(more.usage) > len(selection.usage):
            selection = more
        if len(selection.usage) >= wanted:
            break
    return selection


def _check_number(selection: Selection, request: TokenRequest) -> None:
    """Refuse fewer tokens than were asked for, or as many of which too many are unused.

    Raises:
        TokenizerError: the request is strict and not met, or there are no tokens at all.
    """
    wanted, found = request.new_tokens, len(selection.usage)
    if wanted is None or (found and not request.strict):
        return
    if found < wanted:
        advice = "lower --new-tokens or give more text" if found else "give more text"
        what = "text" if request.donor is None else "donor"
        raise TokenizerError(f"the {what} supports only {found} new tokens, not {wanted}: {advice}")
    if request.donor is None and selection.unused > (1 - USED_SHARE) * wanted:
        raise TokenizerError(
            f"only {wanted - selection.unused} of {wanted} new tokens would be used: lower --new-tokens or "
            "give more text"
        )


def _donor_merges(
    base: FastTokenizer, alphabet: Alphabet, request: TokenRequest, progress: Progress
) -> DonorMerges | None:
    if request.donor is None:
        return None
    with progress.stage("Building the donor's tokens", unit="tokens") as advance:
        return build_donor_merges(
            base,
            request.donor,
            partial(base.allows, alphabet),
            request.add_intermediates,
            request.new_tokens,
            advance,
        )


def pieces_of(base: FastTokenizer, selection: Selection) -> dict[bytes, tuple[int, ...]]:
    """The pieces of each new token by its bytes: the old ids of `base`, in the order of the new ids.

    A byte for which the base has no token has those of other bytes, all together.
    """
    tokens = dict.fromkeys(m.token for m in selection.merges if m.token not in base.known_bytes)
    found = {token: base.tokenize(token) for token in tokens}
    if all(found.values()):
        return found
    single = {index: data.strip() for index, data in base.token_bytes.items() if len(data.strip()) == 1}
    others = tuple(index for index, data in single.items() if data[0] >= 0x80) or tuple(single)
    return {token: pieces or others or base.reached_ids[:1] for token, pieces in found.items()}
