"""vocabx transfer: replace the tokenizer of a model, and initialize an embedding for each of its tokens."""

from typing import TYPE_CHECKING, Any

import typer

from vocabx.commands.transfer.options import TransferOptions

from .options import command
from .plain_line import json_line

if TYPE_CHECKING:
    from vocabx.commands.transfer.run import TransferResult


@command(TransferOptions, out="{base}-to-{lang}", arguments=(), required=("lang", "tokenizer"), dry_run=True)
def transfer(options: TransferOptions, quiet: bool, dry_run: bool, as_json: bool) -> None:
    """Replace the tokenizer of a base model with another one."""
    from .progress import TerminalProgress

    progress = TerminalProgress(quiet)
    if dry_run:
        from vocabx.commands.transfer.plan import make_transfer_plan

        plan = make_transfer_plan(options, progress).describe()
        if as_json:
            print(json_line(plan))
        else:
            _print_plan(plan)
        return
    from vocabx.commands.transfer.run import transfer as run

    result = run(options, progress)
    if as_json:
        print(json_line({"out": str(result.directory), **result.report.to_dict()}))
    else:
        _print_result(result)
    if not result.passed:
        raise typer.Exit(1)


def _print_plan(plan: dict[str, Any]) -> None:
    from .terminal import (
        planned_checkpoint,
        planned_publishing,
        planned_text,
        planned_without,
        print_properties,
    )

    print_properties(
        {
            "base": f"{plan['base']} ({plan['base_origin']}), {plan['base_family']}",
            "tokenizer": f"{plan['tokenizer']}, {plan['family']}",
            "language": plan["language"],
            "text": planned_text(plan),
            "tokens": f"{plan['old_tokens']:,} → {plan['tokens']:,}",
            **planned_checkpoint(plan),
            **planned_publishing(plan),
            **planned_without(plan),
        }
    )


def _print_result(result: "TransferResult") -> None:
    """Print the numbers of a finished transfer, what was proven, and its path."""
    from rich.table import Table

    from .console import console, print_lines
    from .terminal import comparison_rows, print_claims

    report = result.report
    numbers = Table(title=f"{report.base} with another tokenizer, for {report.language_name}")
    for heading in (f"held-out {report.language} text", "base", "result", "change"):
        numbers.add_column(heading, justify="right" if numbers.columns else "left")
    numbers.add_row("tokens in the vocabulary", f"{report.old_tokens:,}", f"{report.tokens:,}", "")
    for row in comparison_rows(report.target):
        numbers.add_row(*row)
    console().print(numbers)
    print_claims(report.claims, "Certificate")
    counts = report.counts
    lost = f"; {counts.unknown:,} of the copies are of the unknown token" if counts.unknown else ""
    lines = [
        f"embeddings {counts.copied:,} copied ({counts.special:,} for special tokens), {counts.mixed:,} "
        f"mixed, {counts.drawn:,} drawn at random, {counts.mean:,} the mean of all{lost}",
        f"checkpoint {result.directory}",
        f"report     {result.directory / 'report.json'}",
        *([f"published  {result.url}"] if result.url else []),
    ]
    print_lines(lines)
