"""Loading with the auto classes of transformers, without running code from the directory.

A directory may name code in `auto_map`; unless told not to, transformers asks a terminal whether to run it.
"""

from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx.errors import BaseModelError


def load_auto(kind: str, directory: Path, extra: str, **settings: Any) -> Any:
    """What an auto class of transformers loads from a directory; its code is never run.

    Args:
        kind: name of the auto class, such as "AutoTokenizer".
        directory: the directory; nothing is downloaded.
        extra: the extra of vocabx to name if transformers is not installed.
        settings: further arguments of `from_pretrained`.

    Raises:
        BaseModelError: the directory can only be loaded by its own code.
        MissingPackageError: transformers is not installed.
    """
    auto = getattr(need("transformers", extra), kind)
    try:
        return auto.from_pretrained(directory, local_files_only=True, trust_remote_code=False, **settings)
    except ValueError as error:
        raise _own_code(directory, error) from None


def build_auto(kind: str, config: Any, directory: Path, extra: str) -> Any:
    """The model of a configuration, without weights; see `load_auto`.

    Raises:
        BaseModelError: the model can only be built by code of its directory.
        MissingPackageError: transformers is not installed.
    """
    auto = getattr(need("transformers", extra), kind)
    try:
        return auto.from_config(config, trust_remote_code=False)
    except ValueError as error:
        raise _own_code(directory, error) from None


def _own_code(directory: Path, error: ValueError) -> ValueError | BaseModelError:
    if "trust_remote_code" not in str(error):
        return error
    return BaseModelError(
        f"transformers can only load {directory} by running its own code, which vocabx never does: remove "
        "auto_map from its configuration, or pass a model of a known type"
    )
