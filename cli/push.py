"""vocabx push: publish a finished directory on the Hugging Face hub."""

from typing import TYPE_CHECKING

from vocabx.commands.push.options import PushOptions

from .options import command
from .plain_line import json_line

if TYPE_CHECKING:
    from vocabx.commands.push.plan import PushPlan


@command(PushOptions, required=("to",), dry_run=True)
def push(options: PushOptions, quiet: bool, dry_run: bool, as_json: bool) -> None:
    """Publish a finished checkpoint or tokenizer on the Hugging Face hub."""
    from vocabx.commands.push.run import make_push_plan
    from vocabx.commands.push.run import push as run

    from .console import print_lines
    from .progress import TerminalProgress

    progress = TerminalProgress(quiet)
    if dry_run:
        plan = make_push_plan(options, progress)
        if as_json:
            print(json_line({**plan.describe(), "url": ""}))
        else:
            _print(plan)
        return
    result = run(options, progress)
    if as_json:
        print(json_line(result.to_dict()))
    else:
        _print(result.plan)
        print_lines([f"published  {result.url}"])


def _print(plan: "PushPlan") -> None:
    from .terminal import print_properties

    card = plan.metadata
    shown = {name: card[name] for name in ("base_model", "language", "license", "tags") if card.get(name)}
    print_properties(
        {
            "to": f"{plan.repository}, {'private' if plan.private else 'public'}",
            "commit": plan.message,
            **{name: ", ".join(v) if isinstance(v, list) else str(v) for name, v in shown.items()},
            "files": f"{len(plan.files)}, {plan.bytes / 1e6:,.1f} MB",
            **{f"  {file.name}": f"{file.bytes:,} bytes" for file in plan.files},
        }
    )
