"""vocabx export: write a checkpoint in a format that other programs read."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from vocabx.commands.export.options import ExportOptions

from .options import command
from .plain_line import json_line

_LOAD_TIKTOKEN = (
    "tiktoken.Encoding(**json.load(open({settings!r})), mergeable_ranks={{base64.b64decode(token): int(rank) "
    "for token, rank in map(str.split, open({path!r}))}})"
)


@command(ExportOptions)
def export(options: ExportOptions, quiet: bool, as_json: bool) -> None:
    """Write a checkpoint for llama.cpp or CTranslate2, its tokenizer for tiktoken, or factors multiplied."""
    from vocabx.commands.export.run import export as run

    from .progress import TerminalProgress
    from .terminal import print_properties

    done = run(options, TerminalProgress(quiet))
    if as_json:
        said = asdict(done)
        print(json_line({k: str(v) if isinstance(v, Path) else v for k, v in said.items()}))
        return
    print_properties(_properties(done))


def _properties(done: Any) -> dict[str, str]:
    """What is printed of a result."""
    match done.__class__.__name__:
        case "TiktokenResult":
            return {
                "files": f"{done.path}, {done.tokens:,} tokens; {done.settings}, {done.special:,} special",
                "checked": f"tiktoken encodes {done.strings:,} strings as the tokenizer does",
                "to load": _LOAD_TIKTOKEN.format(settings=str(done.settings), path=str(done.path)),
            }
        case "Ctranslate2Result":
            return {
                "directory": f"{done.path}, {done.bytes / 1e6:,.1f} MB, {done.dtype}",
                "model": f"{done.loader}, {done.tokens:,} tokens",
                "checked": f"{done.rows:,} rows of {done.matrices} matrices; {done.same} of {done.prompts} "
                "prompts continue with the same token as in transformers",
            }
        case "DenseResult":
            return {
                "directory": f"{done.path}, {done.bytes / 1e6:,.1f} MB",
                "embeddings": f"{done.matrices} of {done.rows:,} × {done.width:,}, from factors of rank "
                f"{done.rank:,}",
            }
    return {
        "file": f"{done.path}, {done.bytes / 1e6:,.1f} MB, {done.tensors} tensors, {done.dtype}",
        "model": f"{done.architecture}, {done.tokens:,} tokens",
        "pre-tokenizer": done.pretokenizer,
    }
