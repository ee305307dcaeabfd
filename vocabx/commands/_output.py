"""Before and after a command writes a checkpoint: room on the disk, rights on the hub, publishing."""

from vocabx.checkpoint.staging import check_space
from vocabx.commands._options import CheckpointOptions
from vocabx.commands.push.hub import check_login
from vocabx.commands.push.hub import publish as publish_directory
from vocabx.commands.push.plan import plan_push
from vocabx.progress import Progress


def prepare_output(options: CheckpointOptions, needed: int) -> None:
    """Refuse now what would fail after the work: a disk too small, a hub that lets nobody in.

    Args:
        options: what was asked.
        needed: bytes that the result takes.

    Raises:
        VocabxError: one of them.
    """
    check_space(options.out, needed)
    if options.push_to_hub:
        check_login(options.push_to_hub)


def publish(options: CheckpointOptions, progress: Progress) -> str:
    """Publish the finished directory where that was asked; returns its URL, or "".

    Raises:
        VocabxError: the hub refused it; the directory is whole on this disk.
    """
    if not options.push_to_hub:
        return ""
    plan = plan_push(options.out, options.push_to_hub, options.private)
    return publish_directory(plan, options.out, progress)
