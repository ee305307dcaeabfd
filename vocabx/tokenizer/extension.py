"""From text or from a donor to an extended tokenizer: find tokens, choose, extend, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vocabx.progress import Advance, Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.donor import DonorMerges, build_donor_merges
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.learn import learn_merges
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.protect import without_fired
from vocabx.tokenizer.select import USED_SHARE, Selection, select_merges
from vocabx.tokenizer.units import tokenize_units

DEFAULT_NEW_TOKENS = 8000
_CURVE_FACTOR = 2
# Most of the frequent pairs of a language that shares its script occur in the other's text too.
_PROTECTED_FACTOR = 5


@dataclass(frozen=True)
class TokenRequest:
    """Which tokens are wanted.

    Attributes:
        new_tokens: how many; None for all of the donor's, or as many of 8,000 as the text supports.
        protected: texts that must be cut as before.
        donor: tokens to take instead of learning them, most frequent first, or None.
        add_intermediates: whether to buy what a donor's token is built from and the donor lacks.
        adapt: whether the pre-tokenizer is widened, so that it cuts no word of the language.
    """

    new_tokens: int | None = None
    protected: Sequence[str] = field(default=(), repr=False)
    donor: Sequence[bytes] | None = field(default=None, repr=False)
    add_intermediates: bool = True
    adapt: bool = False


@dataclass(frozen=True)
class Extension:
    """An extended tokenizer and how it came about.

    Attributes:
        base, tokenizer: before and after.
        start: the base that the merges were added to: with its pre-tokenizer widened, if that was wanted.
        first_id: id of the first new token.
        selection: the merges bought, with their usage in the learning text.
        further: merges that were found and not bought, most useful first: what more tokens would bring.
        pieces: old ids of each new token by its bytes, in id order.
        donation: what was taken of a donor, or None.
        unprotected: the merges that would have been bought had nothing been protected, or None.
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

    @property
    def new_ids(self) -> range:
        """Ids of the new tokens."""
        return range(self.first_id, self.first_id + len(self.pieces))

    def had_nothing_been_protected(self) -> FastTokenizer | None:
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
        lines: the text to learn from; with a donor, the text that usage is counted on.
        alphabet: the characters that new tokens may hold.
        wish: which tokens are wanted.
        first_id: id of the first one, at least `base.size`.
        progress: told of each stage.

    Raises:
        TokenizerError: the text does not support so many tokens, or the pre-tokenizer cannot be adapted.
    """
    start = base.adapted(alphabet) if request.adapt else base
    donor_merges = _donor_merges(start, alphabet, request, progress)
    found = _learn(start, lines, alphabet, request, progress) if donor_merges is None else donor_merges.merges
    candidates = _unfired(start, found, request, progress)
    with progress.stage("Choosing the tokens that are used", unit="lines") as advance:
        selection = _select(start, candidates, lines, request, advance)
    unprotected = None
    if request.protected:
        free = replace(request, protected=(), new_tokens=len(selection.usage))
        unprotected = _select(start, found, lines, free, exact=False).merges
    bought = {merge.token for merge in selection.merges}
    further = tuple(merge for merge in candidates if merge.token not in bought)
    tokenizer = start.extended(selection.merges, first_id)
    pieces = pieces_of(base, selection)
    return Extension(base, tokenizer, start, first_id, selection, further, pieces, donor_merges, unprotected)


def _unfired(
    base: FastTokenizer, found: Sequence[Merge], request: TokenRequest, progress: Progress
) -> Sequence[Merge]:
    if not request.protected:
        return found
    with progress.stage("Protecting text", len(request.protected), "lines") as advance:
        kept = without_fired(base, found, request.protected)
        advance(len(request.protected))
    return kept


def _select(
    base: FastTokenizer,
    candidates: Sequence[Merge],
    lines: Sequence[str],
    request: TokenRequest,
    advance: Advance = lambda done: None,
    exact: bool = True,
) -> Selection:
    wanted, used_share = DEFAULT_NEW_TOKENS, USED_SHARE
    if request.donor is not None:
        # A donor's tokens are kept whether the text holds them or not.
        wanted, used_share = len(candidates), 0.0
    if request.new_tokens is not None:
        wanted = request.new_tokens
    exact = exact and request.new_tokens is not None
    return select_merges(base, candidates, lines, wanted, request.protected, used_share, exact, advance)


def _donor_merges(
    base: FastTokenizer, alphabet: Alphabet, request: TokenRequest, progress: Progress
) -> DonorMerges | None:
    if request.donor is None:
        return None
    with progress.stage("Building the donor's tokens", unit="tokens") as advance:
        return build_donor_merges(
            base, request.donor, alphabet.allows_token, request.add_intermediates, request.new_tokens, advance
        )


def _learn(
    base: FastTokenizer, lines: Sequence[str], alphabet: Alphabet, request: TokenRequest, progress: Progress
) -> Sequence[Merge]:
    limit = (request.new_tokens or DEFAULT_NEW_TOKENS) * (
        _PROTECTED_FACTOR if request.protected else _CURVE_FACTOR
    )
    with progress.stage("Cutting the text with the base", len(lines), "lines") as advance:
        units = tokenize_units(base, lines, alphabet.allows_token, advance)
    with progress.stage("Learning tokens", unit="B") as advance:
        candidates = learn_merges(base, units, limit, alphabet.allows_token)
        # The trainer says nothing while it works.
        advance(sum(len(line.encode()) for line in lines))
    return candidates


def pieces_of(base: FastTokenizer, selection: Selection) -> dict[bytes, tuple[int, ...]]:
    """The pieces of each new token by its bytes: the old ids of `base`, in the order of the new ids."""
    tokens = dict.fromkeys(m.token for m in selection.merges if m.token not in base.known_bytes)
    return {token: base.tokenize(token) for token in tokens}
