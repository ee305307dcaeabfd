"""vocabx evaluate: several checkpoints and their base, measured side by side on the same texts."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from vocabx.options import EvaluateOptions, help_of

DEFAULTS = EvaluateOptions()


def _help(name: str) -> str:
    return help_of(name, EvaluateOptions)


def evaluate(
    directories: Annotated[list[Path], typer.Argument(help=_help("directories"), metavar="<directory>...")],
    base: Annotated[str, typer.Option(help=_help("base"))] = DEFAULTS.base,
    lang: Annotated[str, typer.Option(help=_help("lang"))] = DEFAULTS.lang,
    corpus: Annotated[list[str] | None, typer.Option(help=_help("corpus"), metavar="<path>")] = None,
    base_text: Annotated[list[str] | None, typer.Option(help=_help("base_text"), metavar="<path>")] = None,
    text_field: Annotated[str, typer.Option(help=_help("text_field"))] = DEFAULTS.text_field,
    opencc: Annotated[str, typer.Option(help=_help("opencc"))] = DEFAULTS.opencc,
    heldout_bytes: Annotated[int, typer.Option(help=_help("heldout_bytes"))] = DEFAULTS.heldout_bytes,
    samples: Annotated[int, typer.Option(help=_help("samples"))] = DEFAULTS.samples,
    generate_tokens: Annotated[int, typer.Option(help=_help("generate_tokens"))] = DEFAULTS.generate_tokens,
    seed: Annotated[int, typer.Option(help=_help("seed"))] = DEFAULTS.seed,
    out: Annotated[Path | None, typer.Option(help=_help("out"))] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Measure several checkpoints and their base side by side, on the same texts."""
    from vocabx.evaluating import evaluate as run

    from .terminal import TerminalProgress

    options = EvaluateOptions(
        directories=tuple(directories),
        base=base,
        lang=lang,
        corpus=tuple(corpus or ()),
        base_text=tuple(base_text or ()),
        text_field=text_field,
        opencc=opencc,
        heldout_bytes=heldout_bytes,
        samples=samples,
        generate_tokens=generate_tokens,
        seed=seed,
        out=out,
        command=shlex.join(["vocabx", *sys.argv[1:]]),
    )
    result = run(options, TerminalProgress())
    if as_json:
        where = None if result.directory is None else str(result.directory)
        print(json.dumps({"out": where, **result.table.to_dict()}, ensure_ascii=False))
        return
    from .evaluate_table import print_evaluation

    print_evaluation(result)
