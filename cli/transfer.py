"""vocabx transfer: another tokenizer for a model, and rows for each of its tokens."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vocabx.options import TransferOptions, help_of

if TYPE_CHECKING:
    from vocabx.transfer_pipeline import TransferResult

DEFAULTS = TransferOptions()


def _help(name: str) -> str:
    return help_of(name, TransferOptions)


def transfer(
    tokenizer: Annotated[str, typer.Option(help=_help("tokenizer"))],
    lang: Annotated[str, typer.Option(help=_help("lang"))],
    base: Annotated[str, typer.Option(help=_help("base"))] = DEFAULTS.base,
    out: Annotated[Path | None, typer.Option(help=_help("out") + " Default: BASE-to-LANG.")] = None,
    corpus: Annotated[list[str] | None, typer.Option(help=_help("corpus"), metavar="<path>")] = None,
    base_text: Annotated[list[str] | None, typer.Option(help=_help("base_text"), metavar="<path>")] = None,
    text_field: Annotated[str, typer.Option(help=_help("text_field"))] = DEFAULTS.text_field,
    init: Annotated[str, typer.Option(help=_help("init"))] = DEFAULTS.init,
    source_vectors: Annotated[
        str, typer.Option(help=_help("source_vectors"), metavar="<path>")
    ] = DEFAULTS.source_vectors,
    target_vectors: Annotated[
        str, typer.Option(help=_help("target_vectors"), metavar="<path>")
    ] = DEFAULTS.target_vectors,
    shared_vectors: Annotated[
        str, typer.Option(help=_help("shared_vectors"), metavar="<path>")
    ] = DEFAULTS.shared_vectors,
    dictionary: Annotated[str, typer.Option(help=_help("dictionary"))] = DEFAULTS.dictionary,
    neighbours: Annotated[int, typer.Option(help=_help("neighbours"))] = DEFAULTS.neighbours,
    temperature: Annotated[float, typer.Option(help=_help("temperature"))] = DEFAULTS.temperature,
    rank: Annotated[int | None, typer.Option(help=_help("rank"), show_default=False)] = DEFAULTS.rank,
    fallback: Annotated[str, typer.Option(help=_help("fallback"), metavar="draw|pieces")] = DEFAULTS.fallback,
    candidates: Annotated[int, typer.Option(help=_help("candidates"))] = DEFAULTS.candidates,
    epochs: Annotated[int, typer.Option(help=_help("epochs"))] = DEFAULTS.epochs,
    learn_bytes: Annotated[int, typer.Option(help=_help("learn_bytes"))] = DEFAULTS.learn_bytes,
    heldout_bytes: Annotated[int, typer.Option(help=_help("heldout_bytes"))] = DEFAULTS.heldout_bytes,
    pad_to_multiple_of: Annotated[
        int, typer.Option(help=_help("pad_to_multiple_of"))
    ] = DEFAULTS.pad_to_multiple_of,
    seed: Annotated[int, typer.Option(help=_help("seed"))] = DEFAULTS.seed,
    evaluate: Annotated[bool, typer.Option(help=_help("evaluate"))] = DEFAULTS.evaluate,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Give a base model another tokenizer in the place of its own."""
    from .terminal import TerminalProgress

    options = TransferOptions(
        base=base,
        tokenizer=tokenizer,
        lang=lang,
        out=out or Path(f"{Path(base).name}-to-{lang}"),
        corpus=tuple(corpus or ()),
        base_text=tuple(base_text or ()),
        text_field=text_field,
        init=init,
        source_vectors=source_vectors,
        target_vectors=target_vectors,
        shared_vectors=shared_vectors,
        dictionary=dictionary,
        neighbours=neighbours,
        temperature=temperature,
        rank=rank,
        fallback=fallback,
        candidates=candidates,
        epochs=epochs,
        learn_bytes=learn_bytes,
        heldout_bytes=heldout_bytes,
        pad_to_multiple_of=pad_to_multiple_of,
        seed=seed,
        evaluate=evaluate,
        command=shlex.join(["vocabx", *sys.argv[1:]]),
    )
    progress = TerminalProgress()
    if dry_run:
        from vocabx.transfer_plan import make_transfer_plan

        plan = make_transfer_plan(options, progress).describe()
        if as_json:
            print(json.dumps(plan, ensure_ascii=False))
        else:
            _print_plan(plan)
        return
    from vocabx.transfer_pipeline import transfer as run

    result = run(options, progress)
    if as_json:
        print(json.dumps({"out": str(result.directory), **result.report.to_dict()}, ensure_ascii=False))
    else:
        _print_result(result)
    if not result.passed:
        raise typer.Exit(1)


def _print_plan(plan: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    size = plan["corpus_bytes"]
    rows = {
        "base": f"{plan['base']} ({plan['base_origin']}), {plan['base_family']}",
        "tokenizer": f"{plan['tokenizer']}, {plan['family']}",
        "language": plan["language"],
        "text": plan["corpus"] + (f", {size / 1e6:,.1f} MB" if size else ""),
        "tokens": f"{plan['old_tokens']:,} → {plan['tokens']:,}",
        "rows": f"{plan['old_rows']:,} → {plan['rows']:,} rows × {plan['width']:,} {plan['dtype']} by "
        f"{plan['initializer']}, {'tied' if plan['tied'] else 'not tied'}, {plan['pad_rows']} of them pad",
        "bits per byte": "measured" if plan["evaluate"] else "not measured",
        "disk": f"{plan['disk_bytes'] / 1e9:.2f} GB in {plan['out']}",
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    Console().print(table)


def _print_result(result: "TransferResult") -> None:
    """Print the numbers of a finished transfer, what was proven, and where it is."""
    from rich.console import Console
    from rich.table import Table

    from .terminal import comparison_rows, print_claims

    report, console = result.report, Console()
    numbers = Table(title=f"{report.base} with another tokenizer, for {report.language_name}")
    for heading in (f"held-out {report.language} text", "base", "result", "change"):
        numbers.add_column(heading, justify="right" if numbers.columns else "left")
    numbers.add_row("tokens in the vocabulary", f"{report.old_tokens:,}", f"{report.tokens:,}", "")
    for row in comparison_rows(report.target):
        numbers.add_row(*row)
    console.print(numbers)
    print_claims(report.claims, "Proof")
    counts = report.counts
    lost = f"; {counts.unknown:,} copied are the unknown token's" if counts.unknown else ""
    for line in (
        f"rows       {counts.copied:,} copied ({counts.special:,} for special tokens), {counts.mixed:,} "
        f"mixed, {counts.drawn:,} drawn, {counts.mean:,} the mean of all{lost}",
        f"checkpoint {result.directory}",
        f"report     {result.directory / 'report.json'}",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
