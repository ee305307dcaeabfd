"""vocabx evaluate: measure several checkpoints and their base side by side on the same texts."""

from vocabx.commands.evaluate.options import EvaluateOptions

from .options import command
from .plain_line import json_line


@command(EvaluateOptions, arguments=("directories",))
def evaluate(options: EvaluateOptions, quiet: bool, as_json: bool) -> None:
    """Measure several checkpoints and their base side by side, on the same texts."""
    from vocabx.commands.evaluate.run import evaluate as run

    from .progress import TerminalProgress

    result = run(options, TerminalProgress(quiet))
    if as_json:
        where = None if result.directory is None else str(result.directory)
        print(json_line({"out": where, **result.table.to_dict()}))
        return
    from .evaluate_table import print_evaluation

    print_evaluation(result)
