"""The report page of a training run: one self-contained HTML file."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from vocabx.corpus.languages import language_name
from vocabx.report.contest_plot import contest_curves
from vocabx.report.contest_words import contest_sentences
from vocabx.report.templates import render_template
from vocabx.report.training_plot import heldout_curves, rate_curves
from vocabx.training.record import TrainingRecord

_SPACE = "\u00a0"


def render_training_page(
    record: TrainingRecord, metrics: Sequence[dict[str, Any]], base_language: str
) -> str:
    """The content of report.html of a run.

    Args:
        record: the content of training.json.
        metrics: the lines of metrics.jsonl.
        base_language: BCP 47 tag of the base's language.

    Raises:
        MissingPackageError: matplotlib, which draws the plots, is not installed.
    """
    target, other = language_name(record.language), language_name(base_language)
    steps = [entry for entry in metrics if "loss" in entry]
    names = {"rows": "new rows", "others": "all weights" if record.method.name == "full" else "adapters"}
    values = {
        "record": record,
        "target": target,
        "other": other,
        "verdict": verdict(record, target, other),
        "measured": record.measured,
        "curves": Markup(heldout_curves(metrics, target, other)) if steps else None,
        "rates": Markup(rate_curves(metrics, names)) if steps else None,
        "contest": record.contest,
        "contest_sentences": contest_sentences(record.contest, target) if record.contest else [],
        "contest_curves": _contest_curves(record, target),
        "speed": sum(entry["tokens_per_second"] * entry["seconds"] for entry in steps)
        / max(1e-9, sum(entry["seconds"] for entry in steps)),
    }
    return render_template(
        "training.html",
        values,
        {"count": _count, "bits": _bits, "change": _change, "minutes": _minutes},
    )


def _contest_curves(record: TrainingRecord, target: str) -> list[Markup]:
    """Both runs over seconds and over bytes; none without a contest."""
    if record.contest is None:
        return []
    axes = ("trained_seconds", "text_bytes")
    return [Markup(contest_curves(record.measured, record.contest.measured, axis, target)) for axis in axes]


def verdict(record: TrainingRecord, target: str, other: str) -> str:
    """What a run did, in one plain sentence with its held-out scores."""
    tokens = f"{record.steps.tokens:,} tokens"
    if len(record.measured) < 2:
        return f"Trained on {tokens}; held-out text was not measured during training."
    first, last = record.measured[0], record.measured[-1]
    text = f"Bits per byte after {tokens}: {target} {_moved(first.target_bits, last.target_bits)}"
    if first.base_bits is not None and last.base_bits is not None:
        text += f", {other} {_moved(first.base_bits, last.base_bits)}"
    return f"{text}."


def _moved(before: float, after: float) -> str:
    share = 100 * (after / before - 1)
    sign = "\u2212" if share < 0 else "+"
    return f"{before:.3f} → {after:.3f} ({sign}{abs(share):.1f}{_SPACE}%)"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _bits(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"


def _change(number: float | None, first: float | None) -> str:
    if number is None or first is None:
        return ""
    share = 100 * (number / first - 1)
    return f"{share:+.1f}{_SPACE}%".replace("-", "\u2212")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
