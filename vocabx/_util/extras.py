"""Imports of packages that only some stages need, with a helpful error when one is missing."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from vocabx.errors import MissingPackageError


def need(module: str, extra: str) -> Any:
    """Import and return `module`, which vocabx's extra `extra` installs.

    Raises:
        MissingPackageError: the module is not installed; the message names the extra.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise _missing(package, extra) from None


def require(package: str, extra: str) -> None:
    """Check that `package` is installed without importing it, so that a long job fails early.

    Raises:
        MissingPackageError: it is not installed; the message names the extra.
    """
    if not installed(package):
        raise _missing(package, extra)


def installed(package: str) -> bool:
    """Whether `package` can be imported."""
    return find_spec(package) is not None


def _missing(package: str, extra: str) -> MissingPackageError:
    return MissingPackageError(
        f"this needs the package {package}, which is not installed: pip install 'vocabx[{extra}]'"
    )
