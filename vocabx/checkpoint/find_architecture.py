"""Which tensors of a model are its embedding matrices: by the table of known types, or by building its class.

The table answers first where it knows the type and explains every stored tensor of the vocabulary's size: it
needs neither torch nor transformers, whose import takes longer than all else. Otherwise the class is built;
`built_architecture` agrees with the table on all of its types, which is tested.
"""

from typing import Any

from vocabx._util.extras import Packages, missing, require_all
from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture, stored_names
from vocabx.checkpoint.built_architecture import Shapes, built_architecture
from vocabx.checkpoint.configuration import stated_rows
from vocabx.errors import BaseModelError, MissingPackageError

# What building a class needs.
PACKAGES: Packages = {"torch": "evaluate", "transformers": "evaluate"}


def find_architecture(
    config: dict[str, Any], stored: Shapes, where: object
) -> tuple[Architecture, tuple[str, ...]]:
    """The names of the embedding matrices of a model.

    Args:
        config: the content of config.json.
        stored: the stored tensors.
        where: the model, in messages.

    Returns:
        The architecture, and stored tensors of the vocabulary's size that its class does not have.

    Raises:
        BaseModelError: the type is unknown, or cannot be extended; or a stored tensor of the vocabulary's
            size is not explained.
    """
    kind = str(config.get("model_type", ""))
    known = ARCHITECTURES.get(kind)
    if known is not None:
        others = _unexplained(known, config, stored)
        if not others:
            return known, ()
        if missing(PACKAGES):
            raise BaseModelError(
                f"{where} has a tensor {others[0]} of the vocabulary's size, which is no embedding matrix "
                "that vocabx knows of this type: install vocabx[evaluate], so that it can ask transformers"
            )
    try:
        require_all(PACKAGES)
    except MissingPackageError as error:
        raise BaseModelError(
            f"{where} is of the model type {kind!r}, which vocabx only knows by transformers: {error}"
        ) from None
    return built_architecture(config, stored, where)


def _unexplained(known: Architecture, config: dict[str, Any], stored: Shapes) -> list[str]:
    """Stored tensors with a dimension of the vocabulary's size that the table does not list."""
    own = set(stored_names(known.names, known.prefix, stored.of))
    sizes = {stated_rows(config)}
    sizes |= {shape[0] for name in own if (shape := stored.of[name])}
    return [name for size in sizes if size for name in stored.with_size(size) if name not in own]
