"""What a run has trained, on disk: exactly, and by the names of the parameters.

safetensors only: nothing that could run is written or read.
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
    """Write every parameter that trains, in its own dtype.

    Args:
        model: a torch module.
        directory: where `TRAINED` is written.
        gathered: the parameters by name, where a process holds only parts of them.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    tensors = {
        name: (gathered[name] if gathered else named[name]).detach().cpu().contiguous() for name in named
    }
    _save(tensors, directory / TRAINED)


def load_trained(model: Any, directory: Path) -> None:
    """Put what `save_trained` wrote back into a model of the same kind.

    Raises:
        TrainingError: the model trains other parameters.
    """
    torch, read = need("torch", "train"), need("safetensors.torch", "train").load_file
    tensors = read(str(directory / TRAINED))
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if shapes != {name: tuple(parameter.shape) for name, parameter in named.items()}:
        raise TrainingError(
            f"{directory} was trained with another method or other settings: pass the same again"
        )
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(tensors[name])


def save_result(model: Any, parts: Mapping[str, Any], directory: Path, base: str) -> None:
    """Write what `vocabx merge` reads: new rows, and adapters as peft's own tools read them.

    Args:
        model: the model, inside a PeftModel where it has adapters.
        parts: the new rows by kind, see `Split.parameters`; empty where none train by themselves.
        directory: where to write.
        base: the path of the checkpoint that was trained, for the adapter's configuration.
    """
    if parts:
        rows = {kind: parameter.detach().cpu().contiguous() for kind, parameter in parts.items()}
        _save(rows, directory / ROWS)
    if hasattr(model, "peft_config"):
        model.peft_config["default"].base_model_name_or_path = base
        # Tables are no adapters, and peft would ask a hub whether they grew.
        model.save_pretrained(str(directory / ADAPTER), save_embedding_layers=False)
        (directory / ADAPTER / "README.md").unlink(missing_ok=True)
        for path in (directory / ADAPTER).iterdir():
            path.chmod(0o666 & ~umask())
    elif not parts:
        save_trained(model, directory)


def _save(tensors: Mapping[str, Any], path: Path) -> None:
    need("safetensors.torch", "train").save_file(dict(tensors), str(path))
    # safetensors lets only its owner read a file.
    path.chmod(0o666 & ~umask())
