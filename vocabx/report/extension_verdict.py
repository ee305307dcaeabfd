"""What an extension brought, in plain words: what got better, what it costs, how many tokens, what next."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from vocabx._util.options import flag
from vocabx.corpus.languages import language_name
from vocabx.initializers.options import SETTINGS, VECTOR_FILES
from vocabx.report.changed_command import changed_command
from vocabx.report.extension_report import RARE, Report
from vocabx.report.recommended import Recommended, read_share, recommended_tokens
from vocabx.tokenizer.training_budget import LEAST

_NBSP = "\u00a0"
# Above this share of the base's tokens, an extension is not worth its cost.
_LITTLE = 0.95
# Above this share of the fewest tokens that the pre-tokenizer allows, more tokens are useless.
_NEAR_FLOOR = 1.1
# Differences that rounding would show as none.
_EVEN = 0.0005
# A recommended number within this share of the number of tokens added is not worth another run.
_ANOTHER = 0.25
# What only the first of two runs needs, or what a better start has no use for.
_OF_ONE_RUN = ("--push-to-hub",)
_SWITCHES_OF_ONE_RUN = ("--resume", "--force", "--quiet", "--json", "--private")
_OF_INITIALIZERS = ("--dictionary", *(flag(name) for name in (*VECTOR_FILES, *SETTINGS)))
_SWITCHES_OF_INITIALIZERS = ("--factorised",)
DEMONSTRATION = (
    "On the demonstration (SmolLM2-135M, Traditional Chinese), the base has 2.34 bits per byte, the default "
    "start 2.63, and this one 2.13; trained for as long as the base left alone, it was level with it after "
    "ten minutes of one core, and 7.0 % ahead after half an hour."
)


@dataclass(frozen=True)
class Step:
    """Something to do next: why, the command, and a remark, "" for none."""

    why: str
    command: str
    remark: str = ""


@dataclass(frozen=True)
class Verdict:
    """The answers of a report, each in whole sentences.

    Attributes:
        answer: whether it is worth it.
        better: what got better.
        costs: what it costs, and what it does not.
        tokens: how many tokens to add, and why.
        steps: what to do next.
        sound: whether every required claim holds.
    """

    answer: str
    better: tuple[str, ...]
    costs: tuple[str, ...]
    tokens: tuple[str, ...]
    steps: tuple[Step, ...]
    sound: bool


def extension_verdict(report: Report) -> Verdict:
    """What the numbers of a report say."""
    recommended = recommended_tokens(report)
    return Verdict(
        answer=_answer(report),
        better=_better(report),
        costs=(*_quality(report), *_other_language(report), *_weight(report), _certificate(report)),
        tokens=_tokens(report, recommended),
        steps=_steps(report, recommended) if report.passed else (),
        sound=report.passed,
    )


def _answer(report: Report) -> str:
    if not report.passed:
        return "Do not use this result: a claim that must hold FAILS; see the certificate."
    text = report.target
    if not text.base.tokens:
        return f"Whether this is worth it cannot be said: no {report.language_name} text was measured."
    if text.tokens_share >= _LITTLE:
        return f"Not worth it: {_fewer(report)}, so little is gained. The base alone serves as well."
    lead = _lead(report)
    if lead is None:
        untested = "" if not report.initializer else " What that costs in quality was not measured."
        return f"{_fewer(report)}.{untested}"
    if lead < 0:
        return (
            f"Worth it for speed and context, if you train it: {_fewer(report)}, and before any training its "
            f"quality is {_percent(lead)} behind the base's."
        )
    side = "even with" if abs(lead) < _EVEN else f"{_percent(lead)} ahead of"
    return (
        f"Worth it for speed and context: {_fewer(report)}, and before any training its quality is {side} "
        "the base's. The base may gain more from training than this does: measure both."
    )


def _fewer(report: Report) -> str:
    share, name = report.target.tokens_share, report.language_name
    if share > 1:
        return f"{name} text takes {share:.2f} times as many tokens as before"
    return f"{name} text takes {1 / max(share, 1e-9):.2f} times fewer tokens"


def _better(report: Report) -> tuple[str, ...]:
    text = report.target
    if not text.base.tokens or text.tokens_share >= 1:
        return ()
    times = 1 / text.tokens_share
    found = [
        f"Tokens: {text.extended.tokens:,} in place of {text.base.tokens:,} for the same text, {times:.2f} "
        f"times fewer. The context holds {times:.2f} times as much {report.language_name}."
    ]
    if report.weight is not None and report.trainable:
        read = read_share(report, report.new_tokens)
        found.append(
            f"Decoding: {times:.2f} times fewer steps for the same text, each of which reads "
            f"{100 * (read - 1):.1f}{_NBSP}% more weights: up to {times / read:.2f} times as fast."
        )
    return tuple(found)


def _lead(report: Report) -> float | None:
    """How far the extended model is ahead of the base before training, as a share of the base's bits."""
    text = report.target
    base, extended = text.base.bits_per_byte, text.extended.bits_per_byte
    return None if not report.initializer or not base or extended is None else (base - extended) / base


def _quality(report: Report) -> tuple[str, ...]:
    text = report.target
    base, extended, lead = text.base.bits_per_byte, text.extended.bits_per_byte, _lead(report)
    if not report.initializer:
        return ()
    if base is None or extended is None or lead is None:
        return ("Quality: bits per byte were not measured.",)
    sentence = (
        f"Quality before any training: {extended:.2f} bits per byte of {report.language_name}, the base's "
        f"{base:.2f}: {_side(lead)}."
    )
    start, before = text.extended.bits_per_byte_start, text.base.bits_per_byte_start
    if start is not None and before:
        sentence += f" In the first 1,000 bytes of a passage {start:.2f} and {before:.2f}."
    if lead < 0 and report.trainable:
        sentence += " Whether training makes up for that, vocabx train --contest measures."
    return (sentence,)


def _side(lead: float) -> str:
    if abs(lead) < _EVEN:
        return "even"
    return f"{_percent(lead)} {'ahead' if lead > 0 else 'behind'}"


def _other_language(report: Report) -> tuple[str, ...]:
    """What changed for text in the base's language: lines if they were checked, else lengths, and quality."""
    text, name = report.base_language, language_name(report.base_language.language)
    found = ""
    for claim in report.claims:
        if claim.name == "base-text" and claim.checked:
            found = f"{claim.failed:,} of {claim.checked:,} lines are tokenized differently"
    if not found and text.base.tokens:
        same = text.base.tokens == text.extended.tokens
        found = (
            "as many tokens as before"
            if same
            else f"tokens × {text.tokens_share:.3f}, though none should change"
        )
    if not found:
        return ()
    base, extended = text.base.bits_per_byte, text.extended.bits_per_byte
    if report.initializer and base is not None and extended is not None:
        found += f"; {extended:.2f} bits per byte, the base's {base:.2f}"
    return (f"{name}: {found}.",)


def _weight(report: Report) -> tuple[str, ...]:
    weight = report.weight
    if weight is None:
        return ()
    more = weight.result - weight.base
    sentence = (
        f"Size: {more / 1e6:+,.1f} MB on disk and in memory, {100 * more / max(1, weight.base):+.1f}{_NBSP}% "
        f"({weight.base / 1e6:,.1f} → {weight.result / 1e6:,.1f} MB)"
    )
    return (sentence + (", most of it an lm_head of its own." if report.untied else "."),)


def _certificate(report: Report) -> str:
    required = [claim for claim in report.claims if claim.required]
    if not any(claim.checked for claim in required):
        return "Certificate: not checked."
    failed = sum(claim.failed > 0 for claim in required)
    if failed:
        return f"Certificate: {failed} of {len(required)} required claims FAIL."
    return f"Certificate: holds ({len(required)} required claim{'s' if len(required) > 1 else ''})."


def _tokens(report: Report, recommended: Recommended | None) -> tuple[str, ...]:
    found = []
    if recommended is not None:
        found.append(
            f"Recommended: {recommended.tokens:,} ({report.new_tokens:,} were added), because "
            f"{recommended.why}."
        )
    if report.budget is not None:
        found.append(
            f"As many as a training budget of {report.budget / 1e6:,.3g} MB supports: nine of ten occur at "
            f"least {LEAST} times in so much text."
        )
    if report.occurrences:
        rare = sum(report.occurrences[:3])
        share = f"{100 * rare / max(1, sum(report.occurrences)):.0f}{_NBSP}%"
        found.append(
            f"In the learning text, {report.occurrences[0]:,} of them do not occur, and {share} occur less "
            f"than {RARE} times."
        )
    boundaries = report.boundaries
    if boundaries is not None and boundaries.least is not None:
        least, now = boundaries.least, report.target.extended.tokens
        sentence = f"No number of tokens brings the {now:,} below {least:,}, the pre-tokenizer's words"
        near = now <= _NEAR_FLOOR * least
        found.append(f"{sentence}: more tokens are useless." if near else f"{sentence}.")
        if split := boundaries.sentence(report.language_name, report.target.base.tokens):
            found.append(split)
    return tuple(found)


def _steps(report: Report, recommended: Recommended | None) -> tuple[Step, ...]:
    if report.target.tokens_share >= _LITTLE and not _adapting_helps(report):
        return ()
    steps = []
    if report.trainable:
        out = report.out or "DIR"
        command = ["vocabx", "train", out, "--max-minutes", "60", "--contest"]
        steps.append(
            Step(
                "Train it for an hour, and the base left alone for another, to see which is better for you",
                shlex.join(command),
            )
        )
    again = report.command if report.command.startswith("vocabx extend ") else ""
    lead = _lead(report)
    out = report.out.rstrip("/")
    if report.trainable and report.initializer != "distill" and (lead is None or lead < 0) and again:
        untie: dict[str, str | None] = {"--untie": None} if report.tied and not report.untied else {}
        changes = {"--init": "distill", **untie, "--out": f"{out}-distill"}
        steps.append(
            Step(
                "Or begin better: new embeddings learned with the model itself, in minutes",
                changed_command(
                    again,
                    changes,
                    (*_OF_ONE_RUN, *_OF_INITIALIZERS, *(("--factor-balance",) if report.factorised else ())),
                    (*_SWITCHES_OF_ONE_RUN, *_SWITCHES_OF_INITIALIZERS),
                ),
                f"{_untying(report) if untie else ''}{DEMONSTRATION}",
            )
        )
    if again and _adapting_helps(report):
        changes = {"--pretokenizer": "adapt", "--out": f"{out}-adapted"}
        steps.append(Step("Let tokens cross the boundaries", _anew(again, changes)))
    if again and not report.origin.donor and recommended is not None and _differs(report, recommended):
        changes = {"--new-tokens": str(recommended.tokens), "--out": f"{out}-{recommended.tokens}"}
        steps.append(Step("With the recommended number", _anew(again, changes)))
    if not report.initializer and again:
        steps.append(
            Step(
                "Write the checkpoint",
                _anew(again, {"--out": f"{out}-checkpoint"}, "--tokenizer-only"),
            )
        )
    return tuple(steps)


def _anew(command: str, changes: Mapping[str, str | None], *switches: str) -> str:
    return changed_command(command, changes, _OF_ONE_RUN, (*switches, *_SWITCHES_OF_ONE_RUN))


def _untying(report: Report) -> str:
    """What an lm_head of its own costs, as a sentence that another follows."""
    if report.weight is None:
        return ""
    size = report.rows * report.weight.head / 1e6
    return f"The lm_head of its own takes {size:,.0f} MB more. "


def _adapting_helps(report: Report) -> bool:
    boundaries = report.boundaries
    return boundaries is not None and boundaries.split_share_adapted is not None


def _differs(report: Report, recommended: Recommended) -> bool:
    return abs(recommended.tokens - report.new_tokens) > _ANOTHER * report.new_tokens


def _percent(share: float) -> str:
    return f"{100 * abs(share):.1f}{_NBSP}%"
