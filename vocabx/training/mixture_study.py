"""What short trainings with several shares of replay say: both laws, their predictions, and the answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import Count, Written
from vocabx.errors import TrainingError
from vocabx.training.critical_mixture import (
    FEWEST_POINTS as CURVE_POINTS,
)
from vocabx.training.critical_mixture import (
    ChangeCurve,
    critical_share,
    fit_change,
    resampled_changes,
)
from vocabx.training.kept_law import KeptLaw, fit_kept_law, resampled_kept_laws
from vocabx.training.metrics import Measured
from vocabx.training.mixture_law import (
    FEWEST_POINTS,
    FEWEST_SHARES,
    Law,
    MixtureLaw,
    Points,
    fit_mixture_law,
    interval,
    left_out_errors,
    resampled_laws,
)
from vocabx.training.stability_gap import find_gap

Reals = NDArray[np.float64]
# The laws that are tried for the base's language.
AMOUNTS, DCPT = "amounts of both texts", "D-CPT"
_DRAWS = 100
_GRID = 1001


class ShortRun(Written, frozen=True):
    """A short training.

    Attributes:
        replay_share: of its sequences.
        directory: where it is.
        measured: its held-out scores, the first one from before training.
        warmup: steps before its learning rates are constant.
        fitted: whether the laws were fitted to it; if not, they are checked by it.
    """

    replay_share: float
    directory: str
    measured: tuple[Measured, ...]
    warmup: Count
    fitted: bool = True

    @property
    def base_before(self) -> float:
        """The score of the base's language before training."""
        return self.measured[0].base_bits or 0.0

    @property
    def usable(self) -> tuple[Measured, ...]:
        """The scores from the bottom of a stability gap on, at constant learning rates."""
        steps = [one.step for one in self.measured]
        gaps = [
            find_gap(steps, [one.target_bits for one in self.measured]),
            find_gap(steps, [one.base_bits or 0.0 for one in self.measured]),
        ]
        first = max([1, self.warmup, *(gap.step for gap in gaps if gap is not None)])
        return tuple(one for one in self.measured if one.step >= first)


class Prediction(Written, frozen=True):
    """How far off the laws predict the last scores of a share that they were not fitted to: predicted over
    measured minus 1, for the new language and for the base's.
    """

    replay_share: float
    target_error: float
    base_error: float


class ShareAnswer(Written, frozen=True):
    """A share of the new language among the sequences.

    Attributes:
        share: the answer; None where even the smallest share tried does not do.
        low, high: interval of 90 %; None without a share.
        tokens: of training, both languages together.
        target_bits, base_bits: what the laws predict there.
        times: tokens over those of the short runs: above 1 it is an extrapolation.
    """

    share: float | None
    low: float | None
    high: float | None
    tokens: Count
    target_bits: float | None
    base_bits: float | None
    times: float


class MixtureFindings(Written, frozen=True):
    """The laws of some runs, and what they answer.

    Attributes:
        points, dropped: scores that the laws were fitted to, and those left out.
        target_law, base_law: the fitted laws, by each language's own share; of the base's language, that one
            of `base_laws` which predicts shares better that it was not fitted to.
        base_laws: for each law that was tried for the base's language, the largest relative error of its
            predictions of each share between the others by a law without it.
        left_out: predictions of each share between the others by laws without it.
        checked: of runs that no law was fitted to.
        kept_in_runs: the largest share within the tolerance after as many tokens as the short runs.
        critical: the same by the critical mixture ratio.
        kept: the same after `target_tokens` of the new language.
        best: the share with the best score of the new language after `target_tokens` of it.
    """

    points: Count
    dropped: Count
    target_law: MixtureLaw
    base_law: MixtureLaw | KeptLaw
    base_laws: dict[str, float]
    left_out: tuple[Prediction, ...]
    checked: tuple[Prediction, ...]
    kept_in_runs: ShareAnswer
    critical: ShareAnswer
    kept: ShareAnswer
    best: ShareAnswer


class MixtureStudy(MixtureFindings, frozen=True, kw_only=True):
    """The content of mixture.json.

    Attributes:
        version: of vocabx.
        command: the command line, "" if called from Python.
        checkpoint: the checkpoint that was trained.
        language, base_language: BCP 47 tags.
        tolerance: by how many percent the base's language may get worse.
        base_before: bits per byte of the base's language before training.
        target_tokens: tokens of the new language that the wanted training reads.
        runs: the short trainings.
    """

    version: str
    command: str
    checkpoint: str
    language: str
    base_language: str
    tolerance: float
    base_before: float
    target_tokens: Count
    runs: tuple[ShortRun, ...]


@dataclass(frozen=True)
class Asked:
    """What is asked of a study, beside its runs; see `MixtureStudy`."""

    tolerance: float
    target_tokens: int
    seed: int


def require_enough(runs: Sequence[ShortRun]) -> None:
    """Refuse runs that two laws of seven numbers cannot be fitted to.

    Raises:
        TrainingError: there are too few; the message says how many more are needed.
    """
    fitted = [run for run in runs if run.fitted]
    shares = {run.replay_share for run in fitted}
    count = sum(len(run.usable) for run in fitted)
    each = count / max(1, len(fitted))
    lacking = max(FEWEST_SHARES - len(shares), int(np.ceil((FEWEST_POINTS - count) / max(1.0, each))))
    if lacking > 0:
        raise TrainingError(
            f"{len(shares)} shares with {count} scores after the stability gap are too few for a law: pass "
            f"{lacking} more with --replay-shares and --resume, or more --max-steps"
        )


def study_of(runs: Sequence[ShortRun], asked: Asked) -> MixtureFindings:
    """The laws and answers of a study.

    Args:
        runs: the short trainings.
        asked: what is asked of them.

    Raises:
        TrainingError: see `require_enough`.
    """
    require_enough(runs)
    fitted = [run for run in runs if run.fitted]
    points = {"target": points_of(fitted, "target"), "base": points_of(fitted, "base")}
    kept = _base_law(points["base"], fitted[0].base_before)
    learned = fit_mixture_law(points["target"])
    laws: dict[str, Law] = {"target": learned, "base": kept.law}
    drawn: list[dict[str, Law]] = [
        dict(zip(laws, pair, strict=True))
        for pair in zip(
            *(_resampled(points[name], law, asked.seed) for name, law in laws.items()), strict=True
        )
    ]
    limit = fitted[0].base_before * (1 + asked.tolerance / 100)
    tried = [1 - run.replay_share for run in fitted]
    shares = np.linspace(max(min(tried), 1e-3), max(tried), _GRID)
    reached = int(max(one.tokens for run in fitted for one in run.measured))
    in_runs, in_text = np.full_like(shares, reached), asked.target_tokens / shares

    def answer(choose: Callable[[dict[str, Law], Reals], int | None], tokens: Reals) -> ShareAnswer:
        chosen = choose(laws, tokens)
        others = [choose(one, tokens) for one in drawn]
        return _answer(laws, shares, tokens, reached, chosen, [shares[one or 0] for one in others])

    def within(some: dict[str, Law], tokens: Reals) -> int | None:
        found = np.flatnonzero(some["base"](tokens, 1 - shares) <= limit)
        return int(found[-1]) if len(found) else None

    def lowest(some: dict[str, Law], tokens: Reals) -> int | None:
        return int(np.argmin(some["target"](tokens, shares)))

    counted = len(points["target"].bits)
    return MixtureFindings(
        points=counted,
        dropped=sum(len(run.measured) for run in fitted) - counted,
        target_law=learned,
        base_law=kept.law,
        base_laws=kept.tried,
        left_out=_left_out(left_out_errors(points["target"]), kept.errors),
        checked=tuple(_checked(run, laws) for run in runs if not run.fitted),
        kept_in_runs=answer(within, in_runs),
        critical=_critical(fitted, laws, limit, reached, asked.seed),
        kept=answer(within, in_text),
        best=answer(lowest, in_text),
    )


def points_of(runs: Sequence[ShortRun], kind: str) -> Points:
    """The scores of a language that a law is fitted to: "target" with its share, "base" with the rest."""
    found = [
        (
            one.tokens,
            1 - run.replay_share if kind == "target" else run.replay_share,
            one.target_bits if kind == "target" else one.base_bits or 0.0,
        )
        for run in sorted(runs, key=lambda run: run.replay_share)
        for one in run.usable
    ]
    return Points(*np.array(found, dtype=np.float64).T)


@dataclass(frozen=True)
class _BaseLaw:
    """The law of the base's language, its errors for shares that were left out, and the worst of each law."""

    law: MixtureLaw | KeptLaw
    errors: dict[float, float]
    tried: dict[str, float]


def _base_law(points: Points, before: float) -> _BaseLaw:
    """Of both laws, the one that predicts shares better that it was not fitted to."""
    fits: dict[str, Callable[[Points], MixtureLaw | KeptLaw]] = {
        AMOUNTS: lambda some: fit_kept_law(some, before),
        DCPT: fit_mixture_law,
    }
    errors = {name: left_out_errors(points, fit) for name, fit in fits.items()}
    tried = {name: max(map(abs, one.values()), default=0.0) for name, one in errors.items()}
    best = min(tried, key=lambda name: tried[name])
    return _BaseLaw(fits[best](points), errors[best], tried)


def _resampled(points: Points, law: Any, seed: int) -> Sequence[Law]:
    resample: Any = resampled_kept_laws if isinstance(law, KeptLaw) else resampled_laws
    found: Sequence[Law] = resample(points, law, _DRAWS, seed)
    return found


def _left_out(target: dict[float, float], base: dict[float, float]) -> tuple[Prediction, ...]:
    base_of = {round(share, 9): error for share, error in base.items()}
    return tuple(
        Prediction(round(1 - share, 9), error, base_of[round(1 - share, 9)])
        for share, error in sorted(target.items(), reverse=True)
        if round(1 - share, 9) in base_of
    )


def _checked(run: ShortRun, laws: dict[str, Law]) -> Prediction:
    last, replay = run.measured[-1], run.replay_share
    target = float(laws["target"](last.tokens, 1 - replay)) / last.target_bits
    base = float(laws["base"](last.tokens, replay)) / (last.base_bits or 1.0)
    return Prediction(replay, target - 1, base - 1)


def _answer(
    laws: dict[str, Law],
    shares: Reals,
    tokens: Reals,
    reached: int,
    chosen: int | None,
    others: Sequence[float],
) -> ShareAnswer:
    if chosen is None:
        return ShareAnswer(None, None, None, int(tokens[0]), None, None, float(tokens[0] / reached))
    low, high = interval(others)
    share, amount = float(shares[chosen]), float(tokens[chosen])
    return ShareAnswer(
        share=round(share, 4),
        low=round(low, 4),
        high=round(high, 4),
        tokens=int(amount),
        target_bits=float(laws["target"](amount, share)),
        base_bits=float(laws["base"](amount, 1 - share)),
        times=amount / reached,
    )


def _critical(
    runs: Sequence[ShortRun], laws: dict[str, Law], limit: float, reached: int, seed: int
) -> ShareAnswer:
    """The critical mixture ratio after as many tokens as the short runs."""
    curves: dict[float, ChangeCurve] = {}
    scores: dict[float, tuple[Reals, Reals]] = {}
    for run in runs:
        usable = run.usable
        if len(usable) < CURVE_POINTS:
            continue
        tokens = np.array([one.tokens for one in usable], dtype=np.float64)
        change = np.array([(one.base_bits or 0.0) - run.base_before for one in usable])
        share = 1 - run.replay_share
        curves[share], scores[share] = fit_change(tokens, change), (tokens, change)
    if len(curves) < 2:
        return ShareAnswer(None, None, None, reached, None, None, 1.0)
    ends = dict.fromkeys(curves, float(reached))
    rise = limit - runs[0].base_before
    found = critical_share({one: float(curve(reached)) for one, curve in curves.items()}, rise)
    drawn = [
        critical_share(changes, rise) for changes in resampled_changes(curves, scores, ends, _DRAWS, seed)
    ]
    if found is None:
        return ShareAnswer(None, None, None, reached, None, None, 1.0)
    low, high = interval([min(curves) if one is None else one for one in drawn])
    return ShareAnswer(
        round(found, 4), round(low, 4), round(high, 4), reached,
        float(laws["target"](reached, found)), float(laws["base"](reached, 1 - found)), 1.0,
    )  # fmt: skip
