"""Tables and lines on stdout that several commands print."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from vocabx.commands.extend.run import ExtendResult
from vocabx.commands.verify.run import VerifyResult
from vocabx.evaluation.comparison import Comparison
from vocabx.report.extension_report import Report
from vocabx.report.extension_verdict import Verdict, extension_verdict
from vocabx.report.measures import BITS, BITS_START, CHARACTERS_PER_TOKEN, ENCODING, TOKENS, UNKNOWN
from vocabx.tokenizer.certificate import Claim

from .console import console, print_lines
from .runtime_table import print_runtimes

_STYLES = {"holds": "green", "FAILS": "red", "for information": "yellow", "not checked": "yellow"}


def print_plan(plan: dict[str, Any]) -> None:
    """Print the plan of a dry run."""
    rows = {
        "base": f"{plan['base']} ({plan['base_origin']}), {plan['family']}",
        "language": f"{plan['language']}, {' and '.join(plan['scripts'])} script{_planned_shares(plan)}",
        "text": planned_text(plan),
        "learns from": f"at most {plan['learn_bytes'] / 1e6:,.1f} MB of it",
        "tokens": f"{plan['old_tokens']:,} + {plan['new_tokens']:,}, new ids from {plan['first_id']:,}",
    }
    if plan["floor"] is not None:
        rows["floor"] = f"the text's beginning cannot get below {plan['floor']:.3f} of the base's tokens"
    if plan["donor"]:
        rows["donor"] = plan["donor"]
    if "rows" in plan:
        rows |= planned_checkpoint(plan)
        rows["time"] = f"about {plan['estimated_seconds'] / 60:.1f} minutes"
    else:
        rows["writes"] = f"only the tokenizer, to {plan['out']}"
    print_properties(rows | planned_publishing(plan) | planned_without(plan))


def _planned_shares(plan: dict[str, Any]) -> str:
    """How several languages share the tokens, "" for one."""
    shares = [f"{one['language']} {one['share']:.0%}" for one in plan["languages"] if one["share"]]
    if shares:
        return f"; new tokens: {', '.join(shares)}"
    return f"; tokens by {plan['balance']}" if plan["balance"] == "parity" else ""


def print_properties(rows: Mapping[str, str]) -> None:
    """Print one line per property: its name and its value."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(value))
    console().print(table)


def planned_text(plan: dict[str, Any]) -> str:
    """The source of a plan's text, its size if known, what it is, and what of it is not read."""
    size = plan["corpus_bytes"]
    known = f"{plan['corpus']}, {size / 1e6:,.1f} MB" if size else str(plan["corpus"])
    return ". ".join(filter(None, (known, plan.get("corpus_nature"), plan["corpus_unread"])))


def planned_checkpoint(plan: dict[str, Any]) -> dict[str, str]:
    """The properties of the checkpoint that a plan will write."""
    more = plan.get("untie_bytes", 0)
    untied = f" (+{more / 1e6:,.1f} MB on disk and in memory)" if more else ""
    return {
        "embeddings": f"{plan['old_rows']:,} → {plan['rows']:,} rows × {plan['width']:,} {plan['dtype']}, "
        f"{'tied' if plan['tied'] else 'untied'}{untied}, {plan['pad_rows']} padding rows; initializer "
        f"{plan['initializer']}",
        "bits per byte": "measured" if plan["evaluate"] else "not measured",
        "disk": _planned_disk(plan),
    }


def planned_publishing(plan: dict[str, Any]) -> dict[str, str]:
    """Where the result will be published, if it will be."""
    return {"publishes": f"to {plan['push_to_hub']} on the hub"} if plan["push_to_hub"] else {}


def planned_without(plan: dict[str, Any]) -> dict[str, str]:
    """What a plan leaves out for want of packages, which rule it takes, and which files are not copied."""
    notes = [note for note in (plan["left_out"], plan.get("rule"), plan.get("not_copied")) if note]
    return {"note": " ".join(notes)} if notes else {}


def _planned_disk(plan: dict[str, Any]) -> str:
    """The size of the result, with a warning if the disk has less free: the run itself would be refused."""
    needed, free = plan["disk_bytes"], plan["disk_free"]
    lack = f"; only {free / 1e9:.2f} GB are free" if free < needed else ""
    return f"{needed / 1e9:.2f} GB in {plan['out']}{lack}"


def print_result(result: ExtendResult) -> None:
    """Print the numbers of a finished extension, its certificate, and its path."""
    report, out = result.report, console()
    out.print(_numbers(report))
    if report.languages:
        out.print(_languages(report))
    out.print(_claims(report.claims))
    lines = _origin_lines(report)
    if report.initializer:
        why = "random draws" if report.kinds.get("drawn") else "rows outside the hull"
        bound = f"none ({why})" if report.hull_bound is None else f"{report.hull_bound:.2f} nats"
        made = ", ".join(f"{count:,} {kind}" for kind, count in report.kinds.items())
        lines.append(f"new embeddings: {made}; hull bound {bound}; {report.collisions:,} equal another")
        lines += [report.rule] if report.rule else []
        if "precision_at_1" in report.parameters:
            lines.append(
                f"word vectors: aligned on {report.parameters['pairs']:,} pairs; the nearest neighbor of "
                f"{report.parameters['precision_at_1']:.1%} of the held-out words is a translation, "
                f"{report.parameters['chance']:.2%} by chance"
            )
    what = "checkpoint" if report.initializer else "tokenizer "
    print_lines(lines)
    print_verdict(extension_verdict(report), ("better", "costs", "tokens"))
    lines = [f"{what} {result.directory}", f"report     {result.directory / 'report.html'}"]
    lines += [f"published  {result.url}"] if result.url else []
    print_lines(lines)


def print_verdict(verdict: Verdict, names: tuple[str, str, str]) -> None:
    """Print the answers of a verdict, each group after its name, and what to do next."""
    print_lines(["", verdict.answer], style="bold")
    groups = (verdict.better, verdict.costs, verdict.tokens)
    for name, sentences in zip(names, groups, strict=True):
        print_lines(f"{'' if number else name:11}{sentence}" for number, sentence in enumerate(sentences))
    for number, step in enumerate(verdict.steps):
        print_lines([f"{'' if number else 'next':11}{step.why}:"])
        print_lines([f"             {step.command}"], style="cyan")
        print_lines(f"             {remark}" for remark in [step.remark] if remark)


def _origin_lines(report: Report) -> list[str]:
    """Lines about the origin of the new tokens."""
    origin, lines = report.origin, []
    if origin.donor:
        lines.append(
            f"{origin.taken:,} tokens from {origin.donor} and {origin.intermediates:,} intermediates to "
            f"build them; {origin.left_out:,} left out, {origin.known:,} already in the base"
        )
    if origin.unprotected_share is not None:
        lines.append(
            f"protecting {origin.protected} costs compression: tokens × {report.target.tokens_share:.3f}, "
            f"without protection × {origin.unprotected_share:.3f}"
        )
    if origin.pruned:
        lines.append(
            f"{origin.pruned:,} tokens of the base were removed (of {origin.pruned_scripts}): text with them "
            "is tokenized differently, and the ids of the others moved"
        )
    if origin.superwords:
        lines.append(f"{origin.superwords:,} of the new tokens hold several words")
    if origin.adapted:
        lines.append("the pre-tokenizer was widened so that it no longer splits words of the language")
    return lines


def _numbers(report: Report) -> Table:
    table = Table(title=f"{report.base} + {report.new_tokens:,} tokens for {report.language_name}")
    for heading in ("held-out text", "", "base", "extended", "change"):
        table.add_column(heading, justify="left" if heading in ("held-out text", "") else "right")
    for text in (report.target, report.base_language):
        for number, row in enumerate(comparison_rows(text)):
            table.add_row(text.language if number == 0 else "", *row)
        table.add_section()
    return table


def _languages(report: Report) -> Table:
    """Each of several languages on its own held-out text."""
    table = Table(title="Languages, each on its own held-out text")
    for heading in ("", "new tokens", "base", "extended", "ratio", "floor", "per kB of bzip2"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in report.languages:
        floor = "" if one.floor is None else f"{one.floor:.3f}"
        before, after = one.cost
        table.add_row(
            one.language, f"{one.new_tokens:,}", f"{one.base_tokens:,}", f"{one.tokens:,}",
            f"× {one.tokens_share:.3f}", floor, f"{before:,.0f} → {after:,.0f}",
        )  # fmt: skip
    return table


def comparison_rows(text: Comparison) -> list[tuple[str, str, str, str]]:
    """Table rows that compare two models on one text: measure, before, after, change."""
    base, extended = text.base, text.extended
    rows = [
        (TOKENS, f"{base.tokens:,}", f"{extended.tokens:,}", f"× {text.tokens_share:.3f}"),
        (
            CHARACTERS_PER_TOKEN,
            f"{base.characters_per_token:.2f}",
            f"{extended.characters_per_token:.2f}",
            f"× {extended.characters_per_token / base.characters_per_token:.2f}",
        ),
        (
            ENCODING,
            f"{base.encode_speed:,.0f}",
            f"{extended.encode_speed:,.0f}",
            f"× {extended.encode_speed / base.encode_speed:.2f}",
        ),
    ]
    if base.unknown or extended.unknown:
        rows.append((UNKNOWN, f"{base.unknown:,}", f"{extended.unknown:,}", ""))
    scores = (
        (BITS, base.bits_per_byte, extended.bits_per_byte),
        (BITS_START, base.bits_per_byte_start, extended.bits_per_byte_start),
    )
    for name, before, after in scores:
        if before is not None and after is not None:
            rows.append((name, f"{before:.3f}", f"{after:.3f}", f"{after - before:+.3f}"))
    return rows


def print_verification(found: VerifyResult) -> None:
    """Print the certificate of a directory, with the first counterexamples of what fails."""
    title = f"{found.directory} against {found.base}: {found.new_tokens:,} new tokens"
    console().print(_claims(found.certificate.claims, title))
    for claim in found.certificate.claims:
        if claim.failed and claim.required:
            print_lines([f"{claim.name}, first counterexamples:"], style="bold")
            print_lines(f"  {example!r}" for example in claim.examples)
    if found.runtimes:
        print_runtimes(found.runtimes)


def print_claims(claims: Sequence[Claim], title: str) -> None:
    """Print a table of claims with their counts."""
    console().print(_claims(claims, title))


def _claims(claims: Sequence[Claim], title: str = "Certificate") -> Table:
    table = Table(title=title)
    table.add_column("claim", overflow="fold")
    table.add_column("checked", justify="right")
    table.add_column("failed", justify="right")
    table.add_column("")
    for claim in claims:
        outcome = Text(claim.outcome, style=_STYLES[claim.outcome])
        table.add_row(claim.sentence, f"{claim.checked:,}", f"{claim.failed:,}", outcome)
    return table
