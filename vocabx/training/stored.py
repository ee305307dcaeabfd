"""Where the files of a checkpoint keep what a loaded model calls by the names of its modules.

By names alone. A model whose parameters are not in its files under their own names (transformers may split
or join them while it loads) is found out here, and nothing is done about it.
"""

from vocabx.checkpoint.architectures import architecture_of, stored_names
from vocabx.checkpoint.safetensors_file import SafetensorsFile
from vocabx.checkpoint.tables import Checkpoint


def stored_weight(checkpoint: Checkpoint, module: str) -> tuple[SafetensorsFile, str] | None:
    """The file and the tensor that hold the weight of a module, or None where no file does.

    Args:
        checkpoint: by its headers.
        module: as the model that transformers loads calls it, as "model.layers.0.self_attn.q_proj".
    """
    return stored_tensor(checkpoint, f"{module}.weight")


def stored_tensor(checkpoint: Checkpoint, parameter: str) -> tuple[SafetensorsFile, str] | None:
    """The file and the tensor that hold a parameter, or None where no file does.

    A checkpoint that was saved without its head lacks the first part of the names ("model.", "transformer.").

    Args:
        checkpoint: by its headers.
        parameter: as the model that transformers loads calls it.
    """
    architecture = architecture_of(str(checkpoint.config["model_type"]), checkpoint.directory)
    where = {name: file for file in checkpoint.files for name in file.tensors}
    found = stored_names([parameter], architecture.prefix, where)
    return (where[found[0]], found[0]) if found else None
