"""The report page of a training run: one self-contained HTML file."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from vocabx.checkpoint.objective import MEASURE
from vocabx.corpus.languages import language_name
from vocabx.report.contest_plot import contest_curves
from vocabx.report.templates import render_template
from vocabx.report.training_plot import change_curves, heldout_curves, rate_curves
from vocabx.report.training_verdict import training_verdict
from vocabx.training.by_occurrence import OccurrenceGroup
from vocabx.training.record import TrainingRecord
from vocabx.training.stability_gap import find_gap

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
    names = {
        "rows": "new embeddings",
        "composition": "maps of pieces",
        "others": "all weights" if record.method.name == "full" else "adapters",
    }
    values = {
        "record": record,
        "target": target,
        "other": other,
        "verdict": training_verdict(record, target, other),
        "measured": record.measured,
        "gaps": _gaps(record, target, other),
        "measure": MEASURE[record.objective],
        "curves": Markup(heldout_curves(metrics, target, other)) if steps else None,
        "changes": Markup(change_curves(metrics, target, other)) if len(record.measured) > 2 else None,
        "rates": Markup(rate_curves(metrics, names)) if steps else None,
        "contest": record.contest,
        "occurrences": _occurrences(record),
        "contest_curves": _contest_curves(record, target),
        "speed": sum(entry["tokens_per_second"] * entry["seconds"] for entry in steps)
        / max(1e-9, sum(entry["seconds"] for entry in steps)),
    }
    return render_template(
        "training.html",
        values,
        {"count": _count, "bits": _bits, "change": _change, "minutes": _minutes},
    )


def _gaps(record: TrainingRecord, target: str, other: str) -> list[str]:
    """A sentence on each language whose scores got worse at first and then recovered."""
    found = []
    for name, kind in ((target, "target_bits"), (other, "base_bits")):
        scored = [(one.step, bits) for one in record.measured if (bits := getattr(one, kind)) is not None]
        gap = find_gap([step for step, _ in scored], [bits for _, bits in scored])
        if gap is not None:
            worst = f"worst after step {gap.step:,}, by {gap.depth:.3f} bits per byte"
            after = f"and as good as before from step {gap.recovered:,} on" if gap.recovered else ""
            found.append(f"{name} shows a stability gap: {worst}, {after or 'and recovers in part'}.")
    return found


def _occurrences(record: TrainingRecord) -> list[tuple[str, OccurrenceGroup]]:
    """The groups, each with its range in words."""
    groups = record.occurrences
    ends = [group.least - 1 for group in groups[1:]]
    names = [
        f"{g.least}" if g.least == end else f"{g.least} to {end}"
        for g, end in zip(groups, ends, strict=False)
    ]
    return list(zip([*names, *(f"{group.least} or more" for group in groups[-1:])], groups, strict=True))


def _contest_curves(record: TrainingRecord, target: str) -> list[Markup]:
    """Both runs over seconds and over bytes; none without a contest."""
    if record.contest is None:
        return []
    axes = ("trained_seconds", "text_bytes")
    runs, measure = (record.measured, record.contest.measured), MEASURE[record.objective]
    return [Markup(contest_curves(*runs, axis, target, measure)) for axis in axes]


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
