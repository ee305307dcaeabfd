"""vocabx merge: a finished training run becomes a checkpoint."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocabx.options import help_of
from vocabx.training.options import MergeOptions

if TYPE_CHECKING:
    from vocabx.merging import MergeResult

DEFAULTS = MergeOptions()


def _help(name: str) -> str:
    return help_of(name, MergeOptions)


def merge(
    directory: Annotated[Path, typer.Argument(help=_help("directory"), metavar="<directory>")],
    out: Annotated[Path, typer.Option(help=_help("out"))] = DEFAULTS.out,
    base: Annotated[str, typer.Option(help=_help("base"), metavar="<directory>")] = DEFAULTS.base,
    onto: Annotated[str, typer.Option(help=_help("onto"), metavar="trained|original")] = DEFAULTS.onto,
    compare: Annotated[bool, typer.Option(help=_help("compare"))] = DEFAULTS.compare,
    link: Annotated[bool, typer.Option("--link", help=_help("link"))] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Make a checkpoint of a finished training run: adapters added, new rows in their place."""
    from vocabx.merging import merge as run

    from .terminal import TerminalProgress

    options = MergeOptions(
        directory=directory,
        out=out,
        base=base,
        onto=onto,
        compare=compare,
        link=link,
        command=shlex.join(["vocabx", *sys.argv[1:]]),
    )
    merged = run(options, TerminalProgress())
    if as_json:
        print(json.dumps(merged.to_dict(), ensure_ascii=False))
    else:
        _print(merged)


def _print(merged: "MergeResult") -> None:
    from .terminal import print_properties

    onto = f" onto the {merged.onto} weights" if merged.method in ("qlora", "lora") else ""
    rows = {
        "checkpoint": f"{merged.directory}",
        "merged": f"{merged.method}{onto}; {merged.changed:,} of {merged.tensors:,} tensors changed",
    }
    found = merged.agreement
    if found is not None:
        rows |= {
            "compared on": f"{found.bytes:,} bytes of {found.text}",
            "bits per byte": f"{found.trained:.4f} trained, {found.merged:.4f} merged, "
            f"{found.difference:+.4f}",
            "divergence": f"{found.divergence:.2e} nats a token",
        }
    print_properties(rows)
