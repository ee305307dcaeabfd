"""The story of `vocabx push`: check a finished directory, ask the hub, upload the files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx.commands.push.hub import check_login, publish
from vocabx.commands.push.options import PushOptions
from vocabx.commands.push.plan import PushPlan, plan_push
from vocabx.progress import Progress, Quiet


@dataclass(frozen=True)
class PushResult:
    """What was published.

    Attributes:
        directory: the directory uploaded.
        plan: its files and its card.
        url: its URL on the hub.
    """

    directory: Path
    plan: PushPlan
    url: str

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {**self.plan.describe(), "url": self.url}


def push(options: PushOptions, progress: Progress | None = None) -> PushResult:
    """Publish a finished checkpoint or tokenizer on the Hugging Face hub.

    Creates the repository if it does not exist. Files of the same name are replaced there; others stay.

    Args:
        options: see `PushOptions`.
        progress: receives notes on the upload and on warnings of the hub.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    progress = progress or Quiet()
    plan = make_push_plan(options, progress)
    check_login(options.to, later=False)
    return PushResult(options.directory, plan, publish(plan, options.directory, progress))


def make_push_plan(options: PushOptions, progress: Progress) -> PushPlan:
    """Plan what `push` would do and report its notes, without network access.

    Raises:
        VocabxError: if the directory cannot be published.
    """
    plan = plan_push(options.directory, options.to, options.private)
    for note in plan.notes:
        progress.note(note)
    return plan
