"""The cost of a run, from headers alone: parameters, memory by part, operations per token."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vocabx.checkpoint.configuration import config_of_text
from vocabx.checkpoint.factorised import primitive_tables
from vocabx.checkpoint.tables import Checkpoint
from vocabx.training.methods import ROUTERS, Method

# Position embeddings: they get no adapters, and are never quantized to 4 bits.
_POSITIONS = re.compile("wpe|position")
# NF4 with blocks of 64 and double quantization: 4 bits, and 0.127 for constants (QLoRA, arXiv 2305.14314).
_NF4_BYTES = 0.516
_WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}
# A trained parameter: itself, its gradient and AdamW's two moments, each in float32.
_TRAINED_BYTES = 16
# Maps of each embedding matrix, for six places from the end and from the start: `composition.PLACES`, whose
# import would load torch.
_MAPS = 12
# Positions whose logits exist at once: `split_loss.BLOCK`, whose import would load torch.
_BLOCK = 1024


@dataclass(frozen=True)
class ModelSizes:
    """Parameter counts of a model, from the shapes of its tensors.

    Attributes:
        linear: parameters of its linear layers.
        tables: parameters of its embedding matrices, counted once if tied.
        row: parameters per vocabulary row: the width, or the rank of a factorized matrix, once or twice, and
            a bias.
        others: all other parameters.
        edges: inputs plus outputs, summed over all linear layers: adapter parameters per unit of rank.
        layers, width, inner: sizes of the decoder; `inner` is the width of its feed-forward part.
        rows: number of rows of the embedding matrices.
        rank: the rank of factorized matrices, 0 of others.
        primitives: parameters that the rows of factorized matrices share, counted once if tied.
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
    rank: int = 0
    primitives: int = 0

    @property
    def head(self) -> int:
        """Products of the lm_head for one token."""
        return self.rank * (self.rows + self.width) if self.rank else self.rows * self.width


def sizes_of(checkpoint: Checkpoint) -> ModelSizes:
    """The parameter counts of a checkpoint, from its headers."""
    primitives = primitive_tables(checkpoint)
    tables = {table.name for table in (*checkpoint.tables, *primitives)}
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
    rows, stored = checkpoint.input.rows, checkpoint.input.file.tensors[checkpoint.input.name].shape[1]
    width = primitives[0].file.tensors[primitives[0].name].shape[1] if primitives else stored
    matrices = 1 if checkpoint.tied else 2
    row = stored * matrices + bool(checkpoint.biases)
    shared = stored * width * matrices if primitives else 0
    return ModelSizes(
        linear=linear,
        tables=rows * row + shared,
        row=row,
        others=others,
        edges=edges,
        layers=_first(config, ("num_hidden_layers", "n_layer", "num_layers", "n_layers"), 12),
        width=width,
        inner=_first(config, ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"), 4 * width),
        rows=rows,
        rank=stored if primitives else 0,
        primitives=shared,
    )


def trained_parameters(
    sizes: ModelSizes, method: Method, new_rows: int, composition: int = 0
) -> dict[str, int]:
    """Number of trained parameters by kind: "rows", "primitives", "composition" (maps of pieces), "adapters",
    "weights".

    Args:
        sizes: parameter counts of the model.
        method: how it trains.
        new_rows: number of rows that train, which are all of a factorized matrix.
        composition: rank of the maps of pieces, 0 without any.
    """
    if method.name == "full":
        return {"weights": sizes.linear + sizes.others + sizes.tables}
    found = {}
    if method.splits and new_rows:
        found["rows"] = new_rows * sizes.row
        if sizes.rank:
            found["primitives"] = sizes.primitives
        if composition:
            matrices = sizes.row // sizes.width
            found["composition"] = matrices * sizes.width * (_MAPS * 2 * composition + 1)
    if method.adapts:
        edges = sizes.edges + (2 * (sizes.rows + sizes.width) if method.tables else 0)
        found["adapters"] = method.rank * edges
    return found


def memory_parts(
    sizes: ModelSizes, method: Method, trained: Mapping[str, int], tokens: int, checkpointing: bool
) -> dict[str, float]:
    """Estimated memory in bytes by part.

    Activations are estimated for a Llama-like layer (inferred, and calibrated on SmolLM2).

    Args:
        sizes: parameter counts of the model.
        method: how it trains.
        trained: see `trained_parameters`.
        tokens: number of tokens in memory at once.
        checkpointing: whether gradient checkpointing is used.
    """
    width = 4 if method.name == "full" else _WIDTHS[method.dtype]
    linear = sizes.linear * (_NF4_BYTES if method.name == "qlora" else width)
    computed = _WIDTHS[method.dtype]
    layer = tokens * ((14 * sizes.width + 6 * sizes.inner) * computed + 4 * sizes.width * 4)
    if method.adapts:
        layer += tokens * 7 * (sizes.width + method.rank) * computed
    kept = tokens * sizes.width * computed
    activations = sizes.layers * kept + layer if checkpointing else sizes.layers * layer
    # What the maps of pieces make, before and after a step, with its gradient and that of its factors.
    composed = 4 * 4 * trained.get("rows", 0) if "composition" in trained else 0
    # The softmax is computed in float32: on a GPU of all of them at once.
    logits = min(tokens, _BLOCK) * sizes.rows * (4 + computed)
    return {
        "weights": linear + (sizes.tables + sizes.others) * width,
        "trained": sum(trained.values()) * _TRAINED_BYTES + composed,
        "activations": float(activations),
        "logits": float(logits),
    }


def operations(sizes: ModelSizes, method: Method, trained: Mapping[str, int]) -> float:
    """Floating-point operations per training token.

    Two per weight in the forward pass and two for the gradient of its input; two more if the weight trains.
    The products inside attention are neglected.
    """
    forward = sizes.linear + sizes.head
    if method.name == "full":
        return 6.0 * forward
    rows = trained.get("rows", 0) + trained.get("primitives", 0)
    return 4.0 * forward + 2.0 * rows + 6.0 * trained.get("adapters", 0)


def _first(config: Mapping[str, Any], names: tuple[str, ...], default: int) -> int:
    return next((config[name] for name in names if isinstance(config.get(name), int)), default)
