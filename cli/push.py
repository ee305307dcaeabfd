"""vocabx push: a finished directory on the Hugging Face hub."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vocabx.push_plan import PushPlan

_DIRECTORY = "A checkpoint or tokenizer that vocabx wrote."
_TO = "Where on the hub: owner/name, or a name below your own."


def push(
    directory: Annotated[Path, typer.Argument(help=_DIRECTORY, metavar="<directory>")],
    to: Annotated[str, typer.Option(help=_TO)],
    private: Annotated[bool, typer.Option("--private", help="Show it to nobody else.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Publish a finished checkpoint or tokenizer on the Hugging Face hub."""
    from vocabx.publishing import check_login
    from vocabx.publishing import push as publish
    from vocabx.push_plan import plan_push

    from .terminal import TerminalProgress

    progress = TerminalProgress()
    plan = plan_push(directory, to, private)
    if not as_json:
        _print(plan)
    for note in plan.notes:
        progress.note(note)
    url = ""
    if not dry_run:
        check_login(to, later=False)
        try:
            url = publish(plan, directory, progress)
        except KeyboardInterrupt as error:
            from .options import Interrupted

            raise Interrupted("; ".join(getattr(error, "__notes__", ()))) from None
    if as_json:
        print(json.dumps({**plan.describe(), "url": url}, ensure_ascii=False))
    elif url:
        typer.echo(f"published  {url}")


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
