"""What a contest with the base left alone showed, in sentences for the page and the terminal."""

from collections.abc import Callable

from vocabx.training.contest import Contest, Equal
from vocabx.training.forecast import FEWEST_POINTS, Crossing

_NBSP = "\u00a0"
# Differences that rounding would show as none.
_LEAST = 0.0005
# A smaller vocabulary is somewhat faster; what is outside is another load of the machine.
_SPEEDS = (0.9, 1.5)


def contest_sentences(contest: Contest, language: str, measure: str = "bits per byte") -> list[str]:
    """Tokens, quality at equal time and at equal text, and where the curves cross.

    Args:
        contest: what `vocabx train` recorded.
        language: the name of the language.
        measure: what the scores are.
    """
    time, text = contest.equal_time, contest.equal_text
    sentences = [
        _tokens(contest.fewer_tokens, language),
        f"After {duration(time.at)} of training each: {_lead(time, measure)}.",
        f"After {size(text.at)} of text each: {_lead(text, measure)}.",
        _crossing(contest.crossing_time, time.at, duration, "of training", "training time"),
        _crossing(contest.crossing_text, text.at, size, "of text", "text"),
    ]
    if not _SPEEDS[0] <= contest.speed <= _SPEEDS[1]:
        sentences.append(
            f"Per token, the base was {contest.speed:.2f} times as fast as the extended model: the machine "
            "was busier during one of the runs: only the comparison over text is fair."
        )
    return sentences


def duration(seconds: float) -> str:
    """Seconds in a unit that suits them."""
    for unit, name, least in ((86400.0, "days", 3.0), (3600.0, "hours", 3.0), (60.0, "minutes", 3.0)):
        if seconds >= least * unit:
            return f"{seconds / unit:.3g}{_NBSP}{name}"
    return f"{seconds:.3g}{_NBSP}seconds"


def size(number: float) -> str:
    """Bytes in a unit that suits them."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.3g}{_NBSP}{name}"
    return f"{number:.0f}{_NBSP}bytes"


def _tokens(ratio: float, language: str) -> str:
    if abs(ratio - 1) < 0.005:
        return f"The extended model needs as many tokens for the same {language} text as the base."
    how = f"{ratio:.2f} times fewer" if ratio > 1 else f"{1 / ratio:.2f} times more"
    return f"The extended model needs {how} tokens for the same {language} text than the base."


def _lead(equal: Equal, measure: str) -> str:
    both = f"{equal.extended:.3f} and {equal.base:.3f} {measure}"
    ending = "" if equal.decayed else ", with the learning rates of the longer run not decayed yet"
    if abs(equal.lead) < _LEAST:
        return f"the extended model and the base left alone are even ({both}){ending}"
    side = "ahead of" if equal.lead > 0 else "behind"
    share = 100 * abs(equal.lead) / equal.base
    return (
        f"the extended model is {side} the base left alone by {abs(equal.lead):.3f} {measure}, "
        f"{share:.1f}{_NBSP}% ({both}){ending}"
    )


def _crossing(found: Crossing, run: float, amount: Callable[[float], str], of: str, axis: str) -> str:
    within = f"{found.within:g} times this run"
    if found.verdict == "too_few":
        return (
            f"Whether the curves cross over {axis} cannot be said: {min(found.points)} scores lie between "
            f"warmup and decay, and {FEWEST_POINTS} are needed."
        )
    if found.verdict == "extended_ahead":
        return (
            f"Over {axis}, the extended model is ahead throughout, and the fitted curves do not cross within "
            f"{within} either{_doubt(found)}."
        )
    if found.verdict == "base_ahead":
        return (
            f"Over {axis}, the extended model does not catch up with the base left alone: the fitted curves "
            f"do not cross within {within}{_doubt(found)}."
        )
    at = f"{amount(found.at or 0.0)} {of}"
    interval = f"90{_NBSP}% interval: {_interval(found, amount, within)}"
    names = ("The extended model", "the base left alone")
    if found.verdict.startswith("base"):
        names = ("The base left alone", "the extended model")
    if found.verdict.endswith("overtook"):
        return f"{names[0]} overtook {names[1]} after about {at} ({interval})."
    times = f"{(found.at or 0.0) / run:.1f} times this run"
    return f"{names[0]} would overtake {names[1]} after about {at}, {times} ({interval})."


def _interval(found: Crossing, amount: Callable[[float], str], within: str) -> str:
    low = "unknown" if found.low is None else amount(found.low)
    return f"{low} to {amount(found.high)}" if found.high is not None else f"{low} to beyond {within}"


def _doubt(found: Crossing) -> str:
    """How sure that is, where the bootstrap has another opinion."""
    share = f"{100 * found.share:.0f}{_NBSP}%"
    return f" (they do in {share} of the bootstrap's draws)" if found.share >= 0.05 else ""
