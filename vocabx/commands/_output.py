"""Before and after a command writes a checkpoint: disk space, permissions on the hub, publishing."""

from dataclasses import fields
from typing import Any

from vocabx._util.options import flag
from vocabx._util.paths import path_of
from vocabx.checkpoint.journal import SWITCHED_ON, check_same
from vocabx.checkpoint.staging import check_space, unfinished_of
from vocabx.commands._options import CheckpointOptions
from vocabx.commands.push.hub import check_login
from vocabx.commands.push.hub import publish as publish_directory
from vocabx.commands.push.plan import plan_push
from vocabx.corpus.several import without_tag
from vocabx.progress import Progress

# Options that leave the embedding matrices as they are.
_DECIDE_NOTHING = {
    "out", "resume", "force", "command", "evaluate", "hash", "link", "strict", "adversarial", "push_to_hub",
    "private",
}  # fmt: skip


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


def check_resumed(options: CheckpointOptions) -> None:
    """Refuse --resume with other options than the unfinished run was begun with, before any work.

    Raises:
        OutputError: one differs; the message names it.
    """
    if options.resume:
        check_same(unfinished_of(options.out), deciding(options))


def deciding(options: CheckpointOptions) -> dict[str, str]:
    """The options that decide what is written, by their flag, in words: "" for those that are not given."""
    return {
        flag(one.name): _in_words(getattr(options, one.name))
        for one in fields(options)
        if one.name not in _DECIDE_NOTHING
    }


def _in_words(value: Any) -> str:
    if value in (None, False, (), ""):
        return ""
    if value is True:
        return SWITCHED_ON
    values = value if isinstance(value, tuple) else (value,)
    # The same files may be named from another directory.
    return " ".join(str(path_of(one).resolve()) if _is_there(one) else str(one) for one in values)


def _is_there(value: Any) -> bool:
    try:
        return isinstance(value, str) and path_of(value).exists()
    except OSError:
        return False


def inputs_of(options: CheckpointOptions) -> tuple[str, ...]:
    """Names of files and directories that a command reads, as they were given."""
    vectors = (options.source_vectors, options.target_vectors, options.shared_vectors, options.dictionary)
    return (options.base, *map(without_tag, options.corpus), *options.base_text, *filter(None, vectors))


def publish(options: CheckpointOptions, progress: Progress) -> str:
    """Publish the finished directory if requested; returns its URL, or "".

    Raises:
        VocabxError: if the hub refuses it; the local directory is complete nevertheless.
    """
    if not options.push_to_hub:
        return ""
    plan = plan_push(options.out, options.push_to_hub, options.private)
    return publish_directory(plan, options.out, progress)
