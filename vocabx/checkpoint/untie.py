"""Untying: a checkpoint with one matrix for input embeddings and lm_head becomes one with two.

The old rows of both are the same bytes, so the model computes for old tokens what it did. Where the base
stores its tied lm_head as well, those bytes were never read, and are replaced.
"""

from vocabx.checkpoint.safetensors_file import SafetensorsFile
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError

# Where multimodal models keep their language model, in the names before transformers 4.52.
_LANGUAGE = "language_model."


def check_untiable(base: Checkpoint) -> None:
    """Check that a base can be written with an lm_head of its own; reads nothing.

    Raises:
        BaseModelError: it has one already, its weights are quantized, it predicts no next token, it was
            saved without its head, or further layers share the matrix.
    """
    base.require_unquantised("--untie", "leave it out")
    if not base.tied:
        raise BaseModelError(f"{base.directory} has an lm_head of its own already: leave out --untie")
    if not base.generates or not base.architecture.says_tied:
        raise BaseModelError(
            f"{base.directory} is a {base.config['model_type']}, and only models that predict the next token "
            "can be untied: leave out --untie"
        )
    if base.architecture.shared or not base.architecture.outputs:
        layers = ", ".join(base.architecture.shared) or "a layer without a name"
        raise BaseModelError(
            f"{base.directory} ties further layers to its embeddings ({layers}), which --untie would leave "
            "without weights: leave it out"
        )
    if base.input.name not in base.architecture.inputs:
        # transformers 4 refuses an lm_head beside names that lack their first part.
        raise BaseModelError(
            f"{base.directory} was saved without its head, as the names of its tensors tell: load it with "
            "AutoModelForCausalLM, save it, and pass that"
        )


def head_of(base: Checkpoint) -> tuple[SafetensorsFile, str]:
    """The file and name of the lm_head of an untied `base`: as stored, else beside the input embeddings."""
    if base.output is not None:
        return base.output.file, base.output.name
    names = base.architecture.outputs
    inner = base.input.name.startswith(_LANGUAGE)
    chosen = [name for name in names if name.startswith(_LANGUAGE) == inner]
    return base.input.file, (chosen or list(names))[0]


def head_bytes(base: Checkpoint, rows: int) -> int:
    """Bytes of the lm_head of an untied `base` with `rows` rows, on disk and in memory."""
    entry = base.input.file.tensors[base.input.name]
    return (entry.end - entry.begin) // base.input.rows * rows
