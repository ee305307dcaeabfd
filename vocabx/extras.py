"""Imports of the packages that only some stages need, with a sentence when one is missing."""

from importlib import import_module
from typing import Any

from vocabx.errors import MissingPackageError


def need(module: str, extra: str) -> Any:
    """Import and return `module`, which the extra `extra` of vocabx installs.

    Raises:
        MissingPackageError: the module is not installed; the message names the extra.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise MissingPackageError(
            f"this needs the package {package}, which is not installed: pip install 'vocabx[{extra}]'"
        ) from None
