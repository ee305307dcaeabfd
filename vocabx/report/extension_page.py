"""The report page of an extension: one self-contained HTML file."""

import math

from markupsafe import Markup

from vocabx._util.extras import left_out
from vocabx.corpus.languages import language_name
from vocabx.evaluation.comparison import Comparison
from vocabx.report.extension_plots import norms_histogram, tokens_curve
from vocabx.report.extension_report import CurvePoint, Report
from vocabx.report.extension_verdict import extension_verdict
from vocabx.report.measures import BITS, BITS_START, CHARACTERS_PER_TOKEN, ENCODING, TOKENS, UNKNOWN
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.report.templates import render_template, visible

# CSS classes of outcomes.
_STYLES = {"holds": "pass", "FAILS": "fail", "for information": "info", "not checked": "info"}
_SPACE = "\u00a0"
_MINUS = "\u2212"
_NOT_MEASURED = "not measured"
_DRAWN, _OUTSIDE = "none: embeddings were drawn at random", "none: embeddings lie outside the hull"


def render_page(report: Report) -> str:
    """The content of report.html. Equal reports give equal pages; without matplotlib, pages without plots."""
    curve, norms = report.curve, report.norms
    undrawn = left_out({"the plot": PLOTS})
    if undrawn:
        curve, norms = (), ()
    values = {
        "report": report,
        # No attribute of HTML names several languages.
        "language": "und" if "," in report.language else report.language,
        "base_name": report.base.rstrip("/").rpartition("/")[2] or report.base,
        "verdict": extension_verdict(report),
        "comparisons": [
            (text, name, _rows(text, bool(report.initializer)))
            for text, name in (
                (report.target, report.language_name),
                (report.base_language, language_name(report.base_language.language)),
            )
        ],
        "outcomes": [(claim, claim.outcome, _STYLES[claim.outcome]) for claim in report.claims],
        "hull": _hull(report),
        "undrawn": undrawn or _NOT_MEASURED,
        "curve": Markup(tokens_curve(curve, report.new_tokens, report.language_name, _floor(report)))
        if curve
        else None,
        "steps": _steps(curve, report.new_tokens),
        "paragraphs": report.paragraphs,
        "frequent": report.frequent,
        "norms": Markup(norms_histogram(norms)) if norms else None,
    }
    return render_template(
        "page.html",
        values,
        {"count": _count, "number": _number, "visible": visible, "seconds": _seconds},
    )


def _floor(report: Report) -> float | None:
    """The fewest tokens that the pre-tokenizer allows, as a share of the base's."""
    least = None if report.boundaries is None else report.boundaries.least
    return None if least is None else least / max(1, report.target.base.tokens)


def _hull(report: Report) -> str:
    if report.hull_bound is not None:
        return f"{report.hull_bound:.3g}{_SPACE}nats"
    return _DRAWN if report.kinds.get("drawn", 1) else _OUTSIDE


def _rows(text: Comparison, with_models: bool) -> list[tuple[str, str, str, str]]:
    """The rows of the table of numbers: measure, base, extended, and the change in words."""
    base, extended = text.base, text.extended
    rows = [
        (TOKENS, _count(base.tokens), _count(extended.tokens), _saved(text)),
        (
            CHARACTERS_PER_TOKEN,
            f"{base.characters_per_token:.2f}",
            f"{extended.characters_per_token:.2f}",
            _times(extended.characters_per_token, base.characters_per_token),
        ),
    ]
    if base.unknown or extended.unknown:
        rows.append((UNKNOWN, _count(base.unknown), _count(extended.unknown), ""))
    scored = (
        (BITS, base.bits_per_byte, extended.bits_per_byte),
        (BITS_START, base.bits_per_byte_start, extended.bits_per_byte_start),
    )
    for name, before, after in scored if with_models else ():
        change = "" if before is None or after is None else _difference(before, after)
        rows.append((name, _number(before, 3), _number(after, 3), change))
    speeds = _count(round(base.encode_speed)), _count(round(extended.encode_speed))
    change = _times(extended.encode_speed, base.encode_speed)
    rows.append((ENCODING, *speeds, change))
    return [(name[0].upper() + name[1:], one, other, change) for name, one, other, change in rows]


def _saved(text: Comparison) -> str:
    saved = text.base.tokens - text.extended.tokens
    if not saved or not text.base.tokens:
        return "no change"
    share = f"{100 * abs(saved) / text.base.tokens:.1f}{_SPACE}%"
    return f"{saved:,} saved ({share})" if saved > 0 else f"{-saved:,} more ({share})"


def _difference(before: float, after: float) -> str:
    if round(before, 3) == round(after, 3):
        return "no change"
    sign, word = (_MINUS, "better") if after < before else ("+", "worse")
    return f"{sign}{abs(after - before):.3f}, {word}"


def _times(after: float, before: float) -> str:
    return f"×{_SPACE}{after / before:.2f}" if before else ""


def _steps(curve: tuple[CurvePoint, ...], added: int) -> str:
    """What the last step up to the number of added tokens saved, and what one step further would save."""
    points = sorted(curve, key=lambda point: point.new_tokens)
    reached = [point for point in points if point.new_tokens <= added]
    further = [point for point in points if point.new_tokens > added]
    parts = []
    if len(reached) > 1:
        parts.append(_step(reached[-2], reached[-1], "saved"))
    if reached and further:
        parts.append(_step(reached[-1], further[0], "would save"))
    return "; ".join(parts)


def _step(start: CurvePoint, end: CurvePoint, verb: str) -> str:
    # Steps differ in length, so only the saving per token is comparable.
    points = 100 * (start.tokens_share - end.tokens_share) * 1000 / (end.new_tokens - start.new_tokens)
    step = f"the step from {start.new_tokens:,} to {end.new_tokens:,} tokens"
    return f"{step} {verb} {points:.2g} percentage points per thousand tokens"


def _count(number: int) -> str:
    return f"{number:,}"


def _number(number: float | None, digits: int) -> str:
    return _NOT_MEASURED if number is None or math.isnan(number) else f"{number:.{digits}f}"


def _seconds(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
