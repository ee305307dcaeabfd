"""vocabx extend: add tokens for a language to a model, and write the checkpoint and its report."""

import typer

from vocabx.commands.extend.options import ExtendOptions

from .options import command
from .plain_line import json_line


@command(ExtendOptions, out="{base}-{lang}", arguments=(), required=("lang",), dry_run=True)
def extend(options: ExtendOptions, quiet: bool, dry_run: bool, as_json: bool) -> None:
    """Add tokens for a language to a base model, and prove what stayed the same."""
    from .progress import TerminalProgress
    from .terminal import print_plan, print_result

    progress = TerminalProgress(quiet)
    if dry_run:
        from vocabx.commands.extend.plan import make_plan
        from vocabx.commands.extend.vocabulary_plan import make_vocabulary_plan

        make = make_vocabulary_plan if options.tokenizer_only else make_plan
        plan = make(options, progress).describe()
        if as_json:
            print(json_line(plan))
        else:
            print_plan(plan)
        return
    from vocabx.commands.extend.run import extend as run

    result = run(options, progress)
    if as_json:
        print(json_line({"out": str(result.directory), **result.report.to_dict()}))
    else:
        print_result(result)
    if not result.certificate.passed:
        raise typer.Exit(1)
