"""How long scoring, training and generating take, estimated from headers and the speed of this machine.

The shares below were measured on SmolLM2 on a CPU, and are inferred for GPUs.
"""

from collections.abc import Mapping

from vocabx.checkpoint.tables import Checkpoint
from vocabx.training.methods import Method
from vocabx.training.model_sizes import ModelSizes, operations

# Throughput of a whole training step, and of scoring, relative to one large matrix product.
_TRAINING = {"cpu": 0.18, "gpu": 0.4}
_SCORING = {"cpu": 0.35, "gpu": 0.4}
# A token generated alone reads all weights once: bytes per second.
_READING = {"cpu": 5e9, "gpu": 5e11}
_DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
# Loading torch, transformers and a model.
LOADING_SECONDS = 10.0


def training_seconds(
    sizes: ModelSizes, method: Method, trained: Mapping[str, int], tokens: float, rate: float, device: str
) -> float:
    """Estimated seconds to train on `tokens` tokens.

    Args:
        sizes: parameter counts of the model.
        method: how it trains.
        trained: see `trained_parameters`.
        tokens: number of tokens.
        rate: operations per second in matrix products, see `operations_a_second`.
        device: torch device.
    """
    return tokens * operations(sizes, method, trained) / (_share(_TRAINING, device) * rate)


def scoring_seconds(sizes: ModelSizes, tokens: float, rate: float, device: str) -> float:
    """Estimated seconds to score `tokens` tokens: two operations per weight that a token meets."""
    return tokens * 2.0 * (sizes.linear + sizes.rows * sizes.width) / (_share(_SCORING, device) * rate)


def generating_seconds(weight_bytes: int, tokens: int, device: str) -> float:
    """Estimated seconds to generate `tokens` tokens one after another."""
    return tokens * weight_bytes / _share(_READING, device)


def computed_dtype(checkpoint: Checkpoint) -> str:
    """The dtype that a model computes in when it is loaded in its own; float32 if torch has no such float."""
    return _DTYPES.get(checkpoint.input.dtype, "float32")


def described(seconds: float) -> str:
    """A duration as precise as an estimate is."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"


def _share(of: Mapping[str, float], device: str) -> float:
    return of["cpu" if device == "cpu" else "gpu"]
