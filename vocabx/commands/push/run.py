"""The story of `vocabx push`: a finished directory is checked, the hub is asked, the files are sent."""

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
        directory: what was sent.
        plan: its files and its card.
        url: where it is.
    """

    directory: Path
    plan: PushPlan
    url: str

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {**self.plan.describe(), "url": self.url}


def push(options: PushOptions, progress: Progress | None = None) -> PushResult:
    """Publish a finished checkpoint or tokenizer on the Hugging Face hub.

    Makes the repository where there is none. Files of the same name are replaced there, and others stay.

    Args:
        options: what to publish, and where; see `PushOptions`.
        progress: told what is sent and what the hub says of the card.

    Raises:
        VocabxError: the user can repair what is wrong; the message says how.
    """
    progress = progress or Quiet()
    plan = make_push_plan(options, progress)
    check_login(options.to, later=False)
    return PushResult(options.directory, plan, publish(plan, options.directory, progress))


def make_push_plan(options: PushOptions, progress: Progress) -> PushPlan:
    """What `push` would do, with its notes told; asks nobody.

    Raises:
        VocabxError: the directory cannot be published.
    """
    plan = plan_push(options.directory, options.to, options.private)
    for note in plan.notes:
        progress.note(note)
    return plan
