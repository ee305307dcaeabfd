"""vocabx export: write a checkpoint in a format that other programs read."""

from dataclasses import asdict

from vocabx.commands.export.options import ExportOptions

from .options import command
from .plain_line import json_line


@command(ExportOptions, required=("gguf",))
def export(options: ExportOptions, quiet: bool, as_json: bool) -> None:
    """Write a checkpoint as one .gguf file for llama.cpp."""
    from vocabx.commands.export.run import export as run

    from .progress import TerminalProgress
    from .terminal import print_properties

    done = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line({**asdict(done), "path": str(done.path)}))
        return
    print_properties(
        {
            "file": f"{done.path}, {done.bytes / 1e6:,.1f} MB, {done.tensors} tensors, {done.dtype}",
            "model": f"{done.architecture}, {done.tokens:,} tokens",
            "pre-tokenizer": done.pretokenizer,
        }
    )
