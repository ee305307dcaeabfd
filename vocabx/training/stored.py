"""Finding the stored tensors of a checkpoint by the module names of the loaded model.

Most are stored under their own names. Others are renamed when they are loaded, which transformers tells.
Parameters that it splits, joins or transposes then are not stored as such, and are reported as missing.
"""

from vocabx.checkpoint.architectures import stored_names
from vocabx.checkpoint.safetensors_file import SafetensorsFile
from vocabx.checkpoint.tables import Checkpoint


def stored_weight(checkpoint: Checkpoint, module: str) -> tuple[SafetensorsFile, str] | None:
    """The file and tensor with the weight of a module, or None if no file has it.

    Args:
        checkpoint: the checkpoint, read from its headers.
        module: its name in the model loaded by transformers, such as "model.layers.0.self_attn.q_proj".
    """
    return stored_tensor(checkpoint, f"{module}.weight")


def stored_tensor(checkpoint: Checkpoint, parameter: str) -> tuple[SafetensorsFile, str] | None:
    """The file and tensor with a parameter, or None if no file has it.

    A checkpoint saved without its head lacks the first part of the names ("model.", "transformer.").

    Args:
        checkpoint: the checkpoint, read from its headers.
        parameter: its name in the model loaded by transformers.
    """
    where = {name: file for file in checkpoint.files for name in file.tensors}
    found = stored_names([parameter], checkpoint.architecture.prefix, where)
    name = found[0] if found else checkpoint.renamed.get(parameter)
    return None if name is None else (where[name], name)
