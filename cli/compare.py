"""vocabx compare: several initializers for the same new tokens, measured on the same text."""

from vocabx.commands.compare.options import CompareOptions

from .options import command
from .plain_line import json_line

# A comparison writes no checkpoint, so options about one are hidden.
_OF_CHECKPOINTS = (
    "tokenizer_only", "factorised", "factor_balance", "balance", "pad_to_multiple_of", "adversarial",
    "link", "hash", "resume", "push_to_hub", "private",
)  # fmt: skip


@command(
    CompareOptions, out="compare-{base}-{lang}", arguments=(), required=("lang",), hidden=_OF_CHECKPOINTS
)
def compare(options: CompareOptions, quiet: bool, as_json: bool) -> None:
    """Initialize the same new tokens with several initializers, and recommend one."""
    from vocabx.commands.compare.run import compare as run

    from .progress import TerminalProgress

    result = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line({"out": str(result.directory), **result.table.to_dict()}))
        return
    from .compare_table import print_comparison

    print_comparison(result)
