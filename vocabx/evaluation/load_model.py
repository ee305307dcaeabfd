"""Loading a checkpoint in either form, without running code from its directory."""

from pathlib import Path
from typing import Any

from vocabx._util.extras import Packages, missing, need
from vocabx._util.loading import load_auto
from vocabx._util.memory import fits
from vocabx._util.precision import computes_in_bfloat16
from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.configuration import read_config
from vocabx.checkpoint.factorised import CODE, is_factorised
from vocabx.checkpoint.objective import AUTO, MEASURE, objective_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.progress import Progress

# What computing with a model needs.
PACKAGES: Packages = {"torch": "evaluate", "transformers": "evaluate"}


def load_factorised(directory: Path | str, dtype: Any = "auto", **settings: Any) -> Any:
    """Load a factorized checkpoint with the model class of this package.

    The class is the same as with `AutoModelForCausalLM.from_pretrained(directory, trust_remote_code=True)`,
    but the file in the directory is not run.

    Args:
        directory: a checkpoint written by `vocabx extend --factorised`, or saved from such a model.
        dtype: dtype of the weights, "auto" for that of the file.
        settings: further arguments of transformers' `from_pretrained`.

    Returns:
        A transformers.PreTrainedModel. It trains, generates, and is saved with its code.

    Raises:
        BaseModelError: if the checkpoint is not factorized, or lacks a tensor.
        MissingPackageError: if torch or transformers is not installed.
    """
    need("torch", "evaluate")
    need("transformers", "evaluate")
    config = read_config(Path(directory))
    named = config.get("architectures") or [""]
    module = need(f"vocabx.assets.factorised.{Path(CODE).stem}", "evaluate")
    made = getattr(module, str(named[0]), None) if is_factorised(config) else None
    if made is None:
        raise BaseModelError(
            f"{directory} is not factorized: load it with AutoModelForCausalLM.from_pretrained"
        )
    model, info = made.from_pretrained(
        directory,
        dtype=dtype,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        **settings,
    )
    # transformers would silently initialize missing tensors at random.
    if info["missing_keys"]:
        raise BaseModelError(
            f"{directory} lacks {sorted(info['missing_keys'])[0]}: a file is missing or damaged"
        )
    return model


def load_model(directory: Path, device: str = "cpu", dtype: str = "") -> Any:
    """Load a model with its lm_head, dense or factorized: a decoder, an encoder or an encoder-decoder.

    Args:
        directory: the checkpoint.
        device: the torch device to load it on.
        dtype: what `from_pretrained` takes; by default `computing_dtype` of this model.

    Raises:
        BaseModelError: if only code in the directory could load it.
        MissingPackageError: if torch or transformers is not installed.
    """
    need("torch", "evaluate")
    config = read_config(directory)
    size = sum(path.stat().st_size for path in directory.glob("*.safetensors"))
    dtype = dtype or computing_dtype(size, device)
    if is_factorised(config):
        return load_factorised(directory, dtype).to(device)
    auto = "AutoModelForImageTextToText" if _sees(config) else AUTO[objective_of(config)]
    return load_auto(auto, directory, "evaluate", dtype=dtype).to(device)


def _sees(config: dict[str, Any]) -> bool:
    """Whether transformers loads a model as a multimodal one."""
    kind = str(config.get("model_type", ""))
    if kind in ARCHITECTURES:
        return ARCHITECTURES[kind].sees
    auto = need("transformers.models.auto.modeling_auto", "evaluate")
    return (
        kind not in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        and kind in auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    )


def computing_dtype(weight_bytes: int, device: str) -> str:
    """The dtype to compute in: "auto" for the stored one, "float32" where that is faster and fits.

    Args:
        weight_bytes: stored bytes of all models that are in memory at the same time.
        device: torch device.
    """
    # Stored in 16 bits, they take twice the memory; stored in 32, they are float32 either way.
    faster = device == "cpu" and not computes_in_bfloat16() and fits(2 * weight_bytes)
    return "float32" if faster else "auto"


def can_evaluate(
    wanted: bool | None, checkpoint: Checkpoint, progress: Progress, hidden: bool = False
) -> bool:
    """Whether bits per byte will be measured; says why not where the model forbids it.

    Args:
        wanted: None where they are measured if the packages are there.
        checkpoint: the base.
        progress: told why not.
        hidden: whether models are measured, too, that fill in what is hidden from them.
    """
    if wanted is False or (wanted is None and missing(PACKAGES)):
        return False
    obstacle = _obstacle(checkpoint, hidden)
    if obstacle:
        progress.note(f"Bits per byte are not measured: {obstacle}.")
    return not obstacle


def _obstacle(checkpoint: Checkpoint, hidden: bool) -> str:
    """Why bits per byte cannot be measured, or ""."""
    if not checkpoint.generates and not (hidden and objective_of(checkpoint.config) != "causal"):
        return _unscored(checkpoint)
    if checkpoint.architecture.own_code:
        return (
            "only code of its own can load the model, which vocabx runs to find the embedding matrices alone"
        )
    if checkpoint.quantisation:
        return f"the model's weights are quantized ({checkpoint.quantisation})"
    if not fits(checkpoint.weight_bytes):
        return "the model does not fit into the free memory"
    return ""


def _unscored(checkpoint: Checkpoint) -> str:
    """Why a model without a next token is not scored here, and what scores it."""
    if objective_of(checkpoint.config) == "causal":
        return "the model does not predict the next token of a text"
    return (
        "the model fills in what is hidden from it, and to score that is to read a text many times: vocabx "
        f"evaluate measures its {MEASURE[objective_of(checkpoint.config)]}, where its head is stored"
    )
