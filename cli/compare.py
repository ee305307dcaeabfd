"""vocabx compare: the same new tokens by several initializers, measured on the same text."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from vocabx.options import CompareOptions, help_of

DEFAULTS = CompareOptions()


def _help(name: str) -> str:
    return help_of(name, CompareOptions)


def compare(
    lang: Annotated[str, typer.Option(help=_help("lang"))],
    base: Annotated[str, typer.Option(help=_help("base"))] = DEFAULTS.base,
    init: Annotated[str, typer.Option(help=_help("init"))] = DEFAULTS.init,
    out: Annotated[Path | None, typer.Option(help=_help("out") + " Default: compare-BASE-LANG.")] = None,
    train_tokens: Annotated[int, typer.Option(help=_help("train_tokens"))] = DEFAULTS.train_tokens,
    corpus: Annotated[list[str] | None, typer.Option(help=_help("corpus"), metavar="<path>")] = None,
    base_text: Annotated[list[str] | None, typer.Option(help=_help("base_text"), metavar="<path>")] = None,
    text_field: Annotated[str, typer.Option(help=_help("text_field"))] = DEFAULTS.text_field,
    opencc: Annotated[str, typer.Option(help=_help("opencc"))] = DEFAULTS.opencc,
    new_tokens: Annotated[int | None, typer.Option(help=_help("new_tokens"), show_default=False)] = None,
    donor: Annotated[str, typer.Option(help=_help("donor"), metavar="<path>")] = DEFAULTS.donor,
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
    seed: Annotated[int, typer.Option(help=_help("seed"))] = DEFAULTS.seed,
    evaluate: Annotated[bool, typer.Option(help=_help("evaluate"))] = DEFAULTS.evaluate,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Place the same new tokens by several initializers, and say which to choose."""
    from vocabx.comparison import compare as run

    from .terminal import TerminalProgress

    options = CompareOptions(
        lang=lang,
        base=base,
        init=init,
        out=out or Path(f"compare-{Path(base).name}-{lang}"),
        train_tokens=train_tokens,
        corpus=tuple(corpus or ()),
        base_text=tuple(base_text or ()),
        text_field=text_field,
        opencc=opencc,
        new_tokens=new_tokens,
        donor=donor,
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
        seed=seed,
        evaluate=evaluate,
        command=shlex.join(["vocabx", *sys.argv[1:]]),
    )
    result = run(options, TerminalProgress())
    if as_json:
        print(json.dumps({"out": str(result.directory), **result.table.to_dict()}, ensure_ascii=False))
        return
    from .compare_table import print_comparison

    print_comparison(result)
