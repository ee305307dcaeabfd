"""How long scoring, training and generating take, estimated from headers and the speed of this machine.

On a CPU, what is no matrix product takes time of its own, so that a slow product (bfloat16 without support in
hardware) is all that matters, and a fast one hardly: measured on SmolLM2. The shares of GPUs are inferred.
"""

from collections.abc import Mapping

from vocabx._util.extras import need
from vocabx.checkpoint.tables import Checkpoint
from vocabx.training.methods import Method
from vocabx.training.model_sizes import ModelSizes, operations

# The same operations in all other work: a second has room for so many on a CPU.
_OTHER_WORK = 1.6e11
# Throughput of a whole step relative to one large matrix product on a GPU.
_GPU_SHARE = 0.4
# A token generated alone reads all weights once: bytes per second.
_READING = {"cpu": 5e9, "gpu": 5e11}
_DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
# What follows the product with the lm_head, a logit on one thread of a CPU: with the gradient, and alone.
_LOGIT_TRAINED, _LOGIT = 8e-9, 2.2e-9
# What else a call of the model takes for one generated token.
_CALL = 0.01
# Loading torch, transformers and a model; and the libraries that train it.
LOADING_SECONDS = 10.0
STARTING_SECONDS = 12.0


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
    products = operations(sizes, method, trained) / _reached(rate, device)
    return tokens * (products + sizes.rows * _logit(_LOGIT_TRAINED, device))


def scoring_seconds(sizes: ModelSizes, tokens: float, rate: float, device: str) -> float:
    """Estimated seconds to score `tokens` tokens: two operations per weight that a token meets."""
    products = 2.0 * (sizes.linear + sizes.head) / _reached(rate, device)
    return tokens * (products + sizes.rows * _logit(_LOGIT, device))


def generating_seconds(weight_bytes: int, tokens: int, device: str) -> float:
    """Estimated seconds to generate `tokens` tokens one after another."""
    return tokens * (_CALL + weight_bytes / _READING["cpu" if device == "cpu" else "gpu"])


def computed_dtype(checkpoint: Checkpoint, loaded: str) -> str:
    """The name of the dtype that a model computes in; float32 if torch has no such float.

    Args:
        checkpoint: the model.
        loaded: see `evaluation.load_model.computing_dtype`.
    """
    return _DTYPES.get(checkpoint.input.dtype, "float32") if loaded == "auto" else loaded


def described(seconds: float) -> str:
    """A duration as precise as an estimate is."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"about {whole} second{'s' * (whole > 1)}"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"


def _logit(seconds: float, device: str) -> float:
    """Seconds for a logit on all threads; a GPU takes no time that would show."""
    return seconds / need("torch", "evaluate").get_num_threads() if device == "cpu" else 0.0


def _reached(rate: float, device: str) -> float:
    """Operations per second of a whole step."""
    return 1 / (1 / rate + 1 / _OTHER_WORK) if device == "cpu" else _GPU_SHARE * rate
