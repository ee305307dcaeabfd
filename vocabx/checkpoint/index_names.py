"""An index of shards that does not name exactly what they hold: whether that matters.

Readers take tensors from the shards, so a name too many or too few changes nothing, unless it is that of an
embedding matrix, or of a tensor that the model needs and that no shard holds.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from vocabx._util.extras import installed
from vocabx._util.loading import build_auto, load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.architectures import Architecture, stored_names
from vocabx.checkpoint.configuration import is_tied
from vocabx.errors import BaseModelError

_SHOWN = 3


def check_index(
    path: Path,
    where: Mapping[str, str],
    held: Mapping[str, Collection[str]],
    architecture: Architecture,
    config: dict[str, Any],
) -> str:
    """Check that an index names what its shards hold, as far as it matters.

    Args:
        path: the index.
        where: its content; see `read_index`.
        held: the names of the tensors in each shard, by shard name.
        architecture, config: of the model.

    Returns:
        Where the index is wrong about tensors that do not matter, in one sentence, or "".

    Raises:
        BaseModelError: if a tensor is in two shards, an embedding matrix is not where the index says, or a
            tensor that the model needs is in no shard.
    """
    places = {tensor: name for name, tensors in held.items() for tensor in tensors}
    counts = Counter(tensor for tensors in held.values() for tensor in tensors)
    tables = _tables(architecture, {*where, *places})
    unlisted = [tensor for tensor in places if tensor not in where]
    moved = [tensor for tensor, name in where.items() if places.get(tensor, name) != name]
    absent = [tensor for tensor in where if tensor not in places]
    copies = _outputs(architecture, absent) if is_tied(config, False, architecture) else []
    lost = [tensor for tensor in (*absent, *moved) if tensor in tables and tensor not in copies]
    lost += _needed(path.parent, [tensor for tensor in absent if tensor not in tables], config)
    for tensor in lost:
        raise BaseModelError(
            f"{path} says that {where[tensor]} holds {tensor!r}, but it does not: download both again"
        )
    hidden = [tensor for tensor in unlisted if tensor in tables]
    hidden += [tensor for tensor in places if counts[tensor] > 1]
    for tensor in hidden:
        raise BaseModelError(
            f"{path.parent / places[tensor]} holds {tensor!r}, but its index does not list it: download both "
            "again"
        )
    wrong = sorted({*unlisted, *moved, *absent})
    if not wrong:
        return ""
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    shown = f"{', '.join(map(repr, wrong[:_SHOWN]))}{more}"
    return f"{path.name} of the base is wrong about {shown}: not needed, and right in the result."


def _tables(architecture: Architecture, names: Collection[str]) -> set[str]:
    return set(stored_names(architecture.names, architecture.prefix, names))


def _outputs(architecture: Architecture, names: Collection[str]) -> list[str]:
    """Those of `names` that a tied model need not store."""
    copies = (*architecture.outputs, *architecture.input_copies, *architecture.output_copies)
    return stored_names(copies, architecture.prefix, names)


def _needed(directory: Path, names: list[str], config: dict[str, Any]) -> list[str]:
    """Those of `names` that the model has in transformers; all of them where that cannot be told."""
    if not names or not (installed("transformers") and installed("torch")):
        return names
    import torch

    classes = config.get("architectures")
    generates = str(classes[0] if isinstance(classes, list) and classes else "").endswith(
        ("CausalLM", "HeadModel")
    )
    auto = "AutoModelForCausalLM" if generates else "AutoModel"
    try:
        with quiet_transformers("evaluate"), torch.device("meta"):
            model = build_auto(auto, load_auto("AutoConfig", directory, "evaluate"), directory, "evaluate")
    except Exception:  # A configuration can be wrong in any way.
        return names
    keys = list(model.state_dict())
    return [
        name
        for name in names
        if any(f".{key}".endswith(f".{name}") or f".{name}".endswith(f".{key}") for key in keys)
    ]
