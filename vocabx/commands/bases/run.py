"""The base models that have a short name, and the model types: what `vocabx bases` lists."""

from dataclasses import dataclass
from typing import Any

from vocabx._util.packaged import PackagedFile, is_installed
from vocabx.checkpoint.base import aliases
from vocabx.checkpoint.model_types import Recorded, recorded_types


@dataclass(frozen=True)
class KnownBase:
    """A base model with an alias.

    Attributes:
        alias: what --base takes.
        hub: its repository on the Hugging Face hub.
        licence: of its weights, as the hub names it.
        language: BCP 47 tag of the language it was trained on.
        package: the package that holds its weights, with the version, or "".
        installed: whether that package is on this machine, so that no hub is needed.
    """

    alias: str
    hub: str
    licence: str
    language: str
    package: str
    installed: bool


def bases() -> tuple[KnownBase, ...]:
    """The base models of assets/bases.toml, in its order."""
    return tuple(_known(alias, entry) for alias, entry in aliases().items())


def model_types() -> Recorded:
    """The model types that transformers knows, each with what is resized: the record of a run."""
    return recorded_types()


def _known(alias: str, entry: dict[str, Any]) -> KnownBase:
    file = PackagedFile(**entry["packaged"]) if "packaged" in entry else None
    return KnownBase(
        alias=alias,
        hub=entry["hub"],
        licence=entry["licence"],
        language=entry["language"],
        package=f"{file.package} {file.version}" if file else "",
        installed=file is not None and is_installed(file),
    )
