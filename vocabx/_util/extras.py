"""Imports of packages that only some stages need, with a helpful error when one is missing.

What a job needs is gathered first, and asked for at once: nobody should install one package to be told of the
next.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from vocabx.errors import MissingPackageError

# Names of modules, each with the extra of vocabx that installs it; "" for one that none does.
Packages: TypeAlias = Mapping[str, str]


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
        raise _missing({package: extra}) from None


def require_all(packages: Packages) -> None:
    """Check that `packages` are installed without importing them, so that a long job fails early.

    Raises:
        MissingPackageError: some are not; the message names all of them and one line that installs them.
    """
    lacking = missing(packages)
    if lacking:
        raise _missing(lacking)


def missing(packages: Packages) -> dict[str, str]:
    """Those of `packages` that are not installed."""
    return {package: extra for package, extra in packages.items() if not installed(package)}


def installed(package: str) -> bool:
    """Whether `package` can be imported."""
    return find_spec(package) is not None


def left_out(parts: Mapping[str, Packages]) -> str:
    """One sentence on what a job leaves out for want of packages, or "" where it leaves out nothing.

    Args:
        parts: what could be left out, in words, each with the packages that it needs.
    """
    lacking = {name: missing(packages) for name, packages in parts.items()}
    names = [name for name, packages in lacking.items() if packages]
    if not names:
        return ""
    packages = {package: extra for found in lacking.values() for package, extra in found.items()}
    return f"Without {_listed(packages)}, this leaves out {_listed(names)}: {_install(packages)}"


def _missing(packages: Packages) -> MissingPackageError:
    several = len(packages) > 1
    return MissingPackageError(
        f"this needs the package{'s' if several else ''} {_listed(packages)}, which "
        f"{'are' if several else 'is'} not installed: {_install(packages)}"
    )


def _install(packages: Packages) -> str:
    """The line that installs them. vocabx is there already, so that pip takes its extras from no index."""
    extras = sorted({extra for extra in packages.values() if extra})
    words = [f"'vocabx[{','.join(extras)}]'"] if extras else []
    return " ".join(["pip install", *words, *(package for package, extra in packages.items() if not extra)])


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
