"""vocabx verify: the certificate of an extension, made by anyone."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vocabx.options import VerifyOptions, help_of

DEFAULTS = VerifyOptions()


def _help(name: str) -> str:
    return help_of(name, VerifyOptions)


def verify(
    directory: Annotated[Path, typer.Argument(help=_help("directory"), metavar="<directory>")],
    against: Annotated[str, typer.Option(help=_help("against"))] = DEFAULTS.against,
    lang: Annotated[str, typer.Option(help=_help("lang"))] = DEFAULTS.lang,
    corpus: Annotated[list[str] | None, typer.Option(help=_help("corpus"), metavar="<path>")] = None,
    base_text: Annotated[list[str] | None, typer.Option(help=_help("base_text"), metavar="<path>")] = None,
    text_field: Annotated[str, typer.Option(help=_help("text_field"))] = DEFAULTS.text_field,
    sample_bytes: Annotated[int, typer.Option(help=_help("sample_bytes"))] = DEFAULTS.sample_bytes,
    hostile: Annotated[int, typer.Option(help=_help("hostile"))] = DEFAULTS.hostile,
    seed: Annotated[int, typer.Option(help=_help("seed"))] = DEFAULTS.seed,
    records: Annotated[bool, typer.Option("--records", help=_help("records"))] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Prove an extension against its base, its files against vocabx.json; exit 1 when a claim fails."""
    from vocabx.verification import verify_directory

    from .terminal import TerminalProgress, print_verification

    options = VerifyOptions(
        directory=directory,
        against=against,
        lang=lang,
        corpus=tuple(corpus or ()),
        base_text=tuple(base_text or ()),
        text_field=text_field,
        sample_bytes=sample_bytes,
        hostile=hostile,
        seed=seed,
        records=records,
    )
    found = verify_directory(options, TerminalProgress())
    if as_json:
        print(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        print_verification(found)
    if not found.certificate.passed:
        raise typer.Exit(1)
