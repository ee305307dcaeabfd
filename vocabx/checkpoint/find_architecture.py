"""Which tensors of a model are its embedding matrices: by the table of known types, or by building its class.

The table answers first where it knows the type and explains every stored tensor of the vocabulary's size: it
needs neither torch nor transformers, whose import takes longer than all else. Otherwise the class is built;
`built_architecture` agrees with the table on all of its types, which is tested.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from vocabx._util.extras import Packages, require_all
from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture, stored_names
from vocabx.checkpoint.built_architecture import Shapes, built_architecture
from vocabx.checkpoint.configuration import stated_rows
from vocabx.checkpoint.model_classes import OwnCodeError
from vocabx.checkpoint.own_code import ask_own_code, recorded_architecture
from vocabx.errors import BaseModelError, MissingPackageError

# What building a class needs.
PACKAGES: Packages = {"torch": "evaluate", "transformers": "evaluate"}
# The generation of transformers that tells how it renames tensors.
_GENERATION = 5


def find_architecture(
    config: dict[str, Any],
    stored: Shapes,
    where: Path,
    trust: bool = False,
    like: Architecture | None = None,
) -> tuple[Architecture, tuple[str, ...]]:
    """The names of the embedding matrices of a model.

    Args:
        config: the content of config.json.
        stored: the stored tensors.
        where: the directory of the model.
        trust: whether code that comes with the model is trusted, and run where only it can build the class.
        like: the architecture of the checkpoint that this one was made from, whose code is not asked again.

    Returns:
        The architecture, and stored tensors of the vocabulary's size that its class does not have.

    Raises:
        BaseModelError: the type is unknown, or cannot be extended; or a stored tensor of the vocabulary's
            size is not explained; or only code that is not trusted can build the class.
    """
    kind = str(config.get("model_type", ""))
    known = ARCHITECTURES.get(kind)
    others = () if known is None else _unexplained(known, config, stored)
    if known is not None and not others:
        return known, ()
    lacking = lacking_packages()
    if lacking and others:
        raise BaseModelError(
            f"{where} has a tensor {others[0]} of the vocabulary's size, which is no embedding matrix that "
            f"vocabx knows of this type, and it cannot ask transformers: {lacking}"
        )
    if lacking:
        raise BaseModelError(
            f"{where} is of the model type {kind!r}, which vocabx only knows by transformers: {lacking}"
        )
    try:
        return built_architecture(config, stored, where)
    except OwnCodeError:
        if trust:
            return ask_own_code(config, stored, where)
        told = like if like is not None and like.own_code else recorded_architecture(where, config)
        if told is None:
            raise
        return told, _unexplained(told, config, stored)


def lacking_packages() -> str:
    """What keeps a class from being built on this machine, and how to repair it; or ""."""
    try:
        require_all(PACKAGES)
    except MissingPackageError as error:
        return str(error)
    found = version("transformers")
    if int(found.partition(".")[0]) < _GENERATION:
        return f"transformers {found} is installed, and this needs {_GENERATION}.0 or later"
    return ""


def _unexplained(known: Architecture, config: dict[str, Any], stored: Shapes) -> tuple[str, ...]:
    """Stored tensors with a dimension of the vocabulary's size that the table does not list."""
    own = set(stored_names(known.names, known.prefix, stored.of))
    sizes = {stated_rows(config)}
    sizes |= {shape[0] for name in own if (shape := stored.of[name])}
    found = (name for size in sizes if size for name in stored.with_size(size))
    return tuple(name for name in found if name not in own)
