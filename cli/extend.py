"""vocabx extend: new tokens, new rows, a new checkpoint and its report."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from vocabx.options import ExtendOptions, help_of

DEFAULTS = ExtendOptions()


def extend(
    lang: Annotated[str, typer.Option(help=help_of("lang"))],
    base: Annotated[str, typer.Option(help=help_of("base"))] = DEFAULTS.base,
    out: Annotated[Path | None, typer.Option(help=help_of("out") + " Default: BASE-LANG.")] = None,
    corpus: Annotated[list[str] | None, typer.Option(help=help_of("corpus"), metavar="<path>")] = None,
    base_text: Annotated[list[str] | None, typer.Option(help=help_of("base_text"), metavar="<path>")] = None,
    text_field: Annotated[str, typer.Option(help=help_of("text_field"))] = DEFAULTS.text_field,
    opencc: Annotated[str, typer.Option(help=help_of("opencc"))] = DEFAULTS.opencc,
    protect: Annotated[list[str] | None, typer.Option(help=help_of("protect"), metavar="<path>")] = None,
    new_tokens: Annotated[
        int | None, typer.Option(help=help_of("new_tokens"), show_default=False)
    ] = DEFAULTS.new_tokens,
    donor: Annotated[str, typer.Option(help=help_of("donor"), metavar="<path>")] = DEFAULTS.donor,
    intermediates: Annotated[
        str, typer.Option(help=help_of("intermediates"), metavar="buy|drop")
    ] = DEFAULTS.intermediates,
    pretokenizer: Annotated[
        str, typer.Option(help=help_of("pretokenizer"), metavar="keep|adapt")
    ] = DEFAULTS.pretokenizer,
    tokenizer_only: Annotated[bool, typer.Option("--tokenizer-only", help=help_of("tokenizer_only"))] = False,
    factorised: Annotated[bool, typer.Option("--factorised", help=help_of("factorised"))] = False,
    balance: Annotated[float, typer.Option(help=help_of("balance"))] = DEFAULTS.balance,
    init: Annotated[str, typer.Option(help=help_of("init"))] = DEFAULTS.init,
    source_vectors: Annotated[
        str, typer.Option(help=help_of("source_vectors"), metavar="<path>")
    ] = DEFAULTS.source_vectors,
    target_vectors: Annotated[
        str, typer.Option(help=help_of("target_vectors"), metavar="<path>")
    ] = DEFAULTS.target_vectors,
    shared_vectors: Annotated[
        str, typer.Option(help=help_of("shared_vectors"), metavar="<path>")
    ] = DEFAULTS.shared_vectors,
    dictionary: Annotated[str, typer.Option(help=help_of("dictionary"))] = DEFAULTS.dictionary,
    neighbours: Annotated[int, typer.Option(help=help_of("neighbours"))] = DEFAULTS.neighbours,
    temperature: Annotated[float, typer.Option(help=help_of("temperature"))] = DEFAULTS.temperature,
    rank: Annotated[int | None, typer.Option(help=help_of("rank"), show_default=False)] = DEFAULTS.rank,
    fallback: Annotated[
        str, typer.Option(help=help_of("fallback"), metavar="draw|pieces")
    ] = DEFAULTS.fallback,
    candidates: Annotated[int, typer.Option(help=help_of("candidates"))] = DEFAULTS.candidates,
    epochs: Annotated[int, typer.Option(help=help_of("epochs"))] = DEFAULTS.epochs,
    learn_bytes: Annotated[int, typer.Option(help=help_of("learn_bytes"))] = DEFAULTS.learn_bytes,
    heldout_bytes: Annotated[int, typer.Option(help=help_of("heldout_bytes"))] = DEFAULTS.heldout_bytes,
    pad_to_multiple_of: Annotated[
        int, typer.Option(help=help_of("pad_to_multiple_of"))
    ] = DEFAULTS.pad_to_multiple_of,
    hostile: Annotated[int, typer.Option(help=help_of("hostile"))] = DEFAULTS.hostile,
    seed: Annotated[int, typer.Option(help=help_of("seed"))] = DEFAULTS.seed,
    evaluate: Annotated[bool, typer.Option(help=help_of("evaluate"))] = DEFAULTS.evaluate,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Give a base model tokens for a language, and prove what it kept."""
    from .terminal import TerminalProgress, print_plan, print_result

    options = ExtendOptions(
        base=base,
        lang=lang,
        out=out or Path(f"{Path(base).name}-{lang}"),
        corpus=tuple(corpus or ()),
        base_text=tuple(base_text or ()),
        text_field=text_field,
        opencc=opencc,
        protect=tuple(protect or ()),
        new_tokens=new_tokens,
        donor=donor,
        intermediates=intermediates,
        pretokenizer=pretokenizer,
        tokenizer_only=tokenizer_only,
        factorised=factorised,
        balance=balance,
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
        hostile=hostile,
        seed=seed,
        evaluate=evaluate,
        command=shlex.join(["vocabx", *sys.argv[1:]]),
    )
    progress = TerminalProgress()
    if dry_run:
        from vocabx.plan import make_plan, make_vocabulary_plan

        make = make_vocabulary_plan if tokenizer_only else make_plan
        plan = make(options, progress).describe()
        if as_json:
            print(json.dumps(plan, ensure_ascii=False))
        else:
            print_plan(plan)
        return
    from vocabx.pipeline import extend as run

    result = run(options, progress)
    if as_json:
        print(json.dumps({"out": str(result.directory), **result.report.to_dict()}, ensure_ascii=False))
    else:
        print_result(result)
    if not result.certificate.passed:
        raise typer.Exit(1)
