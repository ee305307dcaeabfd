"""vocabx export: a checkpoint as a file for other programs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

_DIRECTORY = "A checkpoint of the Llama family: extended by vocabx, or any other."
_GGUF = "The .gguf file to write, for llama.cpp."
_DTYPE = "Of matrices: auto (as in the checkpoint), f32, f16, bf16 or q8_0."
_PRE = "llama.cpp's name of the pre-tokenizer, at your own risk; found where llama.cpp has one."


def export(
    directory: Annotated[Path, typer.Argument(help=_DIRECTORY, metavar="<directory>")],
    gguf: Annotated[Path, typer.Option(help=_GGUF, metavar="<file>")],
    dtype: Annotated[str, typer.Option(help=_DTYPE)] = "auto",
    pre: Annotated[str, typer.Option(help=_PRE)] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Write a checkpoint as one .gguf file for llama.cpp."""
    from vocabx.gguf_export.export import export_gguf

    from .terminal import TerminalProgress, print_properties

    done = export_gguf(directory, gguf, dtype, pre, TerminalProgress())
    if as_json:
        print(json.dumps({**asdict(done), "path": str(done.path)}, ensure_ascii=False))
        return
    print_properties(
        {
            "file": f"{done.path}, {done.bytes / 1e6:,.1f} MB, {done.tensors} tensors, {done.dtype}",
            "model": f"{done.architecture}, {done.tokens:,} tokens",
            "pre-tokenizer": done.pretokenizer,
        }
    )
