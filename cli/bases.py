"""vocabx bases: the base models that have a short name, and the model types that are known."""

from dataclasses import asdict
from typing import Annotated

import typer

from .known_table import AS_JSON, marked, print_table
from .plain_line import json_line


def bases(
    types: Annotated[
        bool, typer.Option("--types", help="List the model types instead, each with what is resized.")
    ] = False,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """List the base models that have an alias: hub id, licence, language, packaged weights."""
    if types:
        _types(as_json)
        return
    from vocabx.commands.bases.run import bases as run

    found = run()
    if as_json:
        print(json_line({"bases": [asdict(one) for one in found]}))
        return
    rows = [
        (
            one.alias,
            one.hub,
            one.licence,
            one.language,
            marked(one.package.partition(" ")[0] or "hub", one.installed),
        )
        for one in found
    ]
    print_table(
        ("alias", "hub id", "licence", "language", "weights"),
        rows,
        "--base also takes a hub id, a directory or a .gguf file.",
    )


def _types(as_json: bool) -> None:
    from vocabx.commands.bases.run import model_types

    found = model_types()
    if as_json:
        content = {"transformers": found.transformers, "types": [one.content for one in found.types]}
        print(json_line(content))
        return
    extended, total = found.share
    print_table(
        ("type", "class", "verdict", "resized, or why not"),
        [(one.type, one.name, one.verdict, one.resized) for one in found.types],
        f"By a run over transformers {found.transformers}: {extended} of {total} with a text vocabulary are "
        "extended, with the proof.",
        mark=False,
    )
