"""vocabx bases: the base models that have a short name."""

from dataclasses import asdict
from typing import Annotated

from .known_table import AS_JSON, marked, print_table
from .plain_line import json_line


def bases(as_json: Annotated[bool, AS_JSON] = False) -> None:
    """List the base models that have an alias: hub id, licence, language, packaged weights."""
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
