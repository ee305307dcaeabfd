"""What a run takes, from headers alone: parameters, memory by part, operations of a token. Loads nothing."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vocabx.checkpoint.configuration import config_of_text
from vocabx.checkpoint.tables import Checkpoint
from vocabx.training.methods import ROUTERS, Method

# Tables too, but of positions: no adapters, and never in 4 bits.
_POSITIONS = re.compile("wpe|position")
# NF4 with blocks of 64 and double quantisation: 4 bits and 0.127 for constants (QLoRA, arXiv 2305.14314).
_NF4_BYTES = 0.516
_WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}
# A parameter that trains: itself, its gradient and AdamW's two moments, each in float32.
_TRAINED_BYTES = 16
# Positions whose logits exist at once: `split_loss.BLOCK`, which torch would have to be loaded for.
_BLOCK = 1024


@dataclass(frozen=True)
class ModelSizes:
    """A model by the sizes of its tensors.

    Attributes:
        linear: numbers in the weights of its linear layers.
        tables: numbers in its tables, once where they are tied.
        row: numbers in a row of all of them: its width once or twice, and a bias.
        others: all other numbers.
        edges: of each linear layer its inputs and outputs together, summed: a rank's parameters.
        layers, width, inner: of the decoder; `inner` is the width of its feed-forward part.
        rows: of a table.
    """

    linear: int
    tables: int
    row: int
    others: int
    edges: int
    layers: int
    width: int
    inner: int
    rows: int


def sizes_of(checkpoint: Checkpoint) -> ModelSizes:
    """The sizes of a checkpoint's tensors, by their headers."""
    tables = {table.name for table in checkpoint.tables}
    linear = others = edges = 0
    for file in checkpoint.files:
        for name, entry in file.tensors.items():
            if name in tables:
                continue
            count = math.prod(entry.shape)
            module = name.removesuffix(".weight").rpartition(".")[2]
            if len(entry.shape) >= 2 and module not in ROUTERS and not _POSITIONS.search(module):
                linear += count
                edges += count // (entry.shape[-1] * entry.shape[-2]) * (entry.shape[-1] + entry.shape[-2])
            else:
                others += count
    config = config_of_text(checkpoint.config)
    rows, width = checkpoint.input.rows, checkpoint.input.file.tensors[checkpoint.input.name].shape[1]
    row = width * (1 if checkpoint.tied else 2) + bool(checkpoint.biases)
    return ModelSizes(
        linear=linear,
        tables=rows * row,
        row=row,
        others=others,
        edges=edges,
        layers=_first(config, ("num_hidden_layers", "n_layer", "num_layers", "n_layers"), 12),
        width=width,
        inner=_first(config, ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"), 4 * width),
        rows=rows,
    )


def trained_parameters(sizes: ModelSizes, method: Method, new_rows: int) -> dict[str, int]:
    """How many numbers train, by what they are: "rows", "adapters", "weights"."""
    if method.name == "full":
        return {"weights": sizes.linear + sizes.others + sizes.tables}
    found = {}
    if method.splits:
        found["rows"] = new_rows * sizes.row
    if method.adapts:
        edges = sizes.edges + (2 * (sizes.rows + sizes.width) if method.tables else 0)
        found["adapters"] = method.rank * edges
    return found


def memory_parts(
    sizes: ModelSizes, method: Method, trained: Mapping[str, int], tokens: int, checkpointing: bool
) -> dict[str, float]:
    """Bytes by part, an estimate.

    Activations are those of a layer of Llama's kind (inferred, and calibrated on SmolLM2).

    Args:
        sizes: of the model.
        method: how it trains.
        trained: see `trained_parameters`.
        tokens: that are in memory at once.
        checkpointing: whether activations are computed twice.
    """
    width = 4 if method.name == "full" else _WIDTHS[method.dtype]
    linear = sizes.linear * (_NF4_BYTES if method.name == "qlora" else width)
    computed = _WIDTHS[method.dtype]
    layer = tokens * ((14 * sizes.width + 6 * sizes.inner) * computed + 4 * sizes.width * 4)
    if method.adapts:
        layer += tokens * 7 * (sizes.width + method.rank) * computed
    kept = tokens * sizes.width * computed
    activations = sizes.layers * kept + layer if checkpointing else sizes.layers * layer
    logits = min(tokens, _BLOCK) * sizes.rows * (4 + 2 * computed)
    return {
        "weights": linear + (sizes.tables + sizes.others) * width,
        "trained": sum(trained.values()) * _TRAINED_BYTES,
        "activations": float(activations),
        "logits": float(logits),
    }


def operations(sizes: ModelSizes, method: Method, trained: Mapping[str, int]) -> float:
    """Floating-point operations that a token of training takes.

    Two for each weight forward and two for the gradient of its input; two more where it trains itself.
    Attention's own products are left out.
    """
    forward = sizes.linear + sizes.rows * sizes.width
    if method.name == "full":
        return 6.0 * forward
    return 4.0 * forward + 2.0 * trained.get("rows", 0) + 6.0 * trained.get("adapters", 0)


def _first(config: Mapping[str, Any], names: tuple[str, ...], default: int) -> int:
    return next((config[name] for name in names if isinstance(config.get(name), int)), default)
