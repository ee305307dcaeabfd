"""Downloads from the Hugging Face hub, with one plain reason when they fail."""

from collections.abc import Sequence
from pathlib import Path

_README = "README.md"


class HubError(Exception):
    """Why a repository is not available, as the end of a sentence; callers add what to do instead."""


def fetch(
    repository: str, kind: str = "model", wanted: Sequence[str] = (), unwanted: Sequence[str] = ()
) -> Path:
    """Download the matching files of a repository, or find them in the cache, and return their directory.

    An unreachable hub is detected at once, without retries. Then the cache is used, even without README.md,
    which only model cards need.

    Args:
        repository: owner/name.
        kind: "model" or "dataset".
        wanted, unwanted: glob patterns of file names.

    Raises:
        HubError: the repository does not exist, is gated, or the hub cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        try:
            directory = snapshot_download(
                repository, repo_type=kind, allow_patterns=list(wanted), ignore_patterns=list(unwanted)
            )
        except LocalEntryNotFoundError:
            directory = snapshot_download(
                repository,
                repo_type=kind,
                allow_patterns=list(wanted),
                ignore_patterns=[*unwanted, _README],
                local_files_only=True,
            )
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        if status in (401, 403):
            reason = "it is gated: accept its terms on the hub and log in with `hf auth login`"
        elif status == 404:
            reason = "the hub has no such repository"
        else:
            reason = f"the hub answered {status}"
    except HFValidationError:
        reason = "it is not a valid hub id"
    except (LocalEntryNotFoundError, OSError):
        reason = "the hub cannot be reached"
    else:
        return Path(directory)
    raise HubError(reason)
