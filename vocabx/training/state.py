"""Trained parameters on disk, exactly and by name.

Only safetensors is used: nothing executable is written or read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx.checkpoint.staging import umask
from vocabx.errors import TrainingError

TRAINED = "trained.safetensors"
ROWS = "rows.safetensors"
ADAPTER = "adapter"


def save_trained(model: Any, directory: Path, gathered: Mapping[str, Any] | None = None) -> None:
    """Write all trained parameters, in their own dtypes.

    Args:
        model: a torch module.
        directory: the directory of `TRAINED`.
        gathered: the parameters by name, if a process only holds shards of them.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    tensors = {
        name: (gathered[name] if gathered else named[name]).detach().cpu().contiguous() for name in named
    }
    _save(tensors, directory / TRAINED)


def load_trained(model: Any, directory: Path) -> None:
    """Load the parameters written by `save_trained` into a model of the same kind.

    Raises:
        TrainingError: if the model trains other parameters.
    """
    torch, read = need("torch", "train"), need("safetensors.torch", "train").load_file
    tensors = read(str(directory / TRAINED))
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if shapes != {name: tuple(parameter.shape) for name, parameter in named.items()}:
        raise TrainingError(
            f"{directory} was trained with another method or other settings: pass the same as before"
        )
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(tensors[name])


def gathered(model: Any) -> dict[str, Any] | None:
    """The trained parameters by name, on the CPU, where each process holds a shard; None where it holds all.

    To be called by all processes.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if not any(hasattr(parameter, "full_tensor") for parameter in named.values()):
        return None
    return {name: _whole(parameter) for name, parameter in named.items()}


def _whole(parameter: Any) -> Any:
    tensor = parameter.detach()
    return (tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor).cpu()


def save_result(
    model: Any,
    parts: Mapping[str, Any],
    directory: Path,
    base: str,
    whole: Mapping[str, Any] | None = None,
) -> None:
    """Write the input of `vocabx merge`: new rows, and adapters in peft's format.

    Args:
        model: the model, inside a PeftModel if it has adapters.
        parts: the new rows by kind, as the model holds them now, see `parts_of`; empty if none are trained
            separately.
        directory: the directory to write to.
        base: the path of the checkpoint that was trained, for the adapter's configuration.
        whole: what `gathered` gave.
    """
    if parts:
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        rows = {
            kind: (parameter if whole is None else whole[names[id(parameter)]]).detach().cpu().contiguous()
            for kind, parameter in parts.items()
        }
        _save(rows, directory / ROWS)
    if hasattr(model, "peft_config"):
        config = model.peft_config["default"]
        config.base_model_name_or_path = base
        # A set, which is written in an order that differs from process to process.
        config.target_modules = sorted(config.target_modules)
        # The embeddings are saved separately; peft would query the hub to find out whether they were resized.
        model.save_pretrained(str(directory / ADAPTER), save_embedding_layers=False, state_dict=whole)
        (directory / ADAPTER / "README.md").unlink(missing_ok=True)
        for path in (directory / ADAPTER).iterdir():
            path.chmod(0o666 & ~umask())
    elif not parts:
        save_trained(model, directory, whole)


def _save(tensors: Mapping[str, Any], path: Path) -> None:
    need("safetensors.torch", "train").save_file(dict(tensors), str(path))
    # safetensors makes files readable by their owner only.
    path.chmod(0o666 & ~umask())
