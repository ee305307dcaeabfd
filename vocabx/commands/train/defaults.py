"""What a run does where its options leave it open: the method, and what depends on the machine."""

import math
from dataclasses import replace
from typing import Any

from vocabx._util.memory import fits
from vocabx._util.precision import computes_in_bfloat16
from vocabx.checkpoint.objective import objective_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.train.options import TrainOptions
from vocabx.errors import TrainingError
from vocabx.evaluation.measure import context_of_checkpoint
from vocabx.training.methods import Dtype, Method

# On a GPU, and elsewhere.
_DEFAULTS = {"sequence_length": (2048, 256), "step_sequences": (64, 4)}


def method_of(options: TrainOptions, gpu: bool, dtype: Dtype) -> Method:
    """How a checkpoint is trained.

    Args:
        options: of the run.
        gpu: whether there is one.
        dtype: of computation.

    Raises:
        TrainingError: the dtype needs a GPU.
    """
    name = options.method if options.method != "auto" else "qlora" if gpu else "lora"
    if options.dtype == "float16" and not gpu:
        raise TrainingError("--dtype float16 needs a GPU: pass bfloat16 or float32")
    if name not in ("qlora", "lora"):
        return Method(name, dtype)
    alpha = 2.0 * options.lora_rank if options.lora_alpha is None else options.lora_alpha
    return Method(name, dtype, options.lora_rank, alpha, options.lora_dropout, options.lora_tables)


def with_defaults(options: TrainOptions, gpu: bool, checkpoint: Checkpoint) -> TrainOptions:
    """The options with every default filled in that depends on the machine or the checkpoint."""
    chosen: dict[str, Any] = {} if options.epochs else {"epochs": options.passes}
    chosen |= {
        name: values[0] if gpu else values[1]
        for name, values in (_DEFAULTS | {"dtype": ("bfloat16", _processor_dtype(checkpoint))}).items()
        if getattr(options, name) is None
    }
    if "sequence_length" in chosen and objective_of(checkpoint.config) != "causal":
        chosen["sequence_length"] = min(chosen["sequence_length"], context_of_checkpoint(checkpoint))
    return replace(options, **chosen)


def _processor_dtype(checkpoint: Checkpoint) -> Dtype:
    """The dtype that trains fastest without a GPU: float32 if bfloat16 is not native and memory allows it."""
    parameters = sum(math.prod(entry.shape) for file in checkpoint.files for entry in file.tensors.values())
    return "float32" if fits(4 * parameters) and not computes_in_bfloat16() else "bfloat16"
