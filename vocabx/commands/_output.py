"""Before and after a command writes a checkpoint: disk space, permissions on the hub, publishing."""

from vocabx.checkpoint.staging import check_space
from vocabx.commands._options import CheckpointOptions
from vocabx.commands.push.hub import check_login
from vocabx.commands.push.hub import publish as publish_directory
from vocabx.commands.push.plan import plan_push
from vocabx.progress import Progress


def prepare_output(options: CheckpointOptions, needed: int) -> None:
    """Check early what would otherwise fail after the work: disk space, and permissions on the hub.

    Args:
        options: the options of the command.
        needed: size of the result in bytes.

    Raises:
        VocabxError: if either check fails.
    """
    check_space(options.out, needed)
    if options.push_to_hub:
        check_login(options.push_to_hub)


def inputs_of(options: CheckpointOptions) -> tuple[str, ...]:
    """Names of files and directories that a command reads, as they were given."""
    vectors = (options.source_vectors, options.target_vectors, options.shared_vectors, options.dictionary)
    return (options.base, *options.corpus, *options.base_text, *filter(None, vectors))


def publish(options: CheckpointOptions, progress: Progress) -> str:
    """Publish the finished directory if requested; returns its URL, or "".

    Raises:
        VocabxError: if the hub refuses it; the local directory is complete nevertheless.
    """
    if not options.push_to_hub:
        return ""
    plan = plan_push(options.out, options.push_to_hub, options.private)
    return publish_directory(plan, options.out, progress)
