"""How many new tokens to add: from what each thousand saves, what it weighs, and how often tokens occur.

The number is the largest of the curve's at which three things hold. Its last step still shortens the time to
write a text by `LEAST_GAIN` per thousand tokens, where that time is the number of tokens times the weights
read for each, which is what decoding takes when reading the weights is what it waits for. And at most
`MOST_RARE` of its tokens occur less than `RARE` times in the learning text. The bounds are inferred.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import Literal

from vocabx.report.extension_report import RARE, CurvePoint, Report

LEAST_GAIN = 0.01
MOST_RARE = 0.1
_NBSP = "\u00a0"


@dataclass(frozen=True)
class Recommended:
    """A number of new tokens.

    Attributes:
        tokens: how many.
        bound: what keeps it from being larger: more would save too little, would occur too rarely to be
            learned, or were not measured.
        why: the reason, in one sentence.
    """

    tokens: int
    bound: Literal["gain", "text", "measured"]
    why: str


def recommended_tokens(report: Report) -> Recommended | None:
    """The number of new tokens that the report's curve recommends.

    None where it has too few points, or the user's training budget has decided.
    """
    if report.budget is not None:
        return None
    points = sorted((point for point in report.curve if point.tokens_share > 0), key=lambda p: p.new_tokens)
    if len(points) < 3 or points[0].new_tokens != 0:
        return None
    best = points[1]
    for one, other in pairwise(points[1:]):
        gain = _gain(report, one, other)
        if gain < LEAST_GAIN:
            return Recommended(best.new_tokens, "gain", _little(report, one, other, gain))
        if other.rare_share is not None and other.rare_share > MOST_RARE:
            return Recommended(best.new_tokens, "text", _rarely(other))
        best = other
    return Recommended(best.new_tokens, "measured", "more were not measured, and the last step still paid")


def read_share(report: Report, tokens: int) -> float:
    """Weights read for a token with so many new tokens, over those that the base reads."""
    weight = report.weight
    return 1.0 if weight is None else 1 + tokens * weight.head / max(1, weight.read)


def _gain(report: Report, one: CurvePoint, other: CurvePoint) -> float:
    """How much less time a text takes, per thousand further tokens."""
    before, after = (point.tokens_share * read_share(report, point.new_tokens) for point in (one, other))
    return log(before / after) * 1000 / (other.new_tokens - one.new_tokens)


def _little(report: Report, one: CurvePoint, other: CurvePoint, gain: float) -> str:
    saved = f"{100 * max(0.0, gain):.1f}{_NBSP}%" if gain >= 0.0005 else "nothing"
    weight = "" if report.weight is None else f" and take {1000 * report.weight.token / 1e6:,.2g} MB"
    return (
        f"from {one.new_tokens:,} to {other.new_tokens:,}, each further thousand would save {saved} of the "
        f"time to write a text{weight}"
    )


def _rarely(point: CurvePoint) -> str:
    share = f"{100 * (point.rare_share or 0):.0f}{_NBSP}%"
    return (
        f"of {point.new_tokens:,} tokens, {share} would occur less than {RARE} times in the learning text, "
        "too rarely to be learned well: more text allows more tokens"
    )
