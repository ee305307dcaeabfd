"""Loading a finished run: base, adapters and new embeddings, each in the precision of training."""

from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx.commands.merge.finished_run import FinishedRun, read_finished
from vocabx.errors import TrainingError
from vocabx.training.methods import Prepared, prepare
from vocabx.training.state import ADAPTER, ROWS, load_trained


def load_run(directory: Path, base: str = "", device: str = "cpu") -> Any:
    """The model of a finished run as it was after its last step, in eval mode.

    Args:
        directory: the directory of the run.
        base: the checkpoint that was trained; "" for the path that the run recorded.
        device: torch device, such as "cpu" or "cuda:0".

    Returns:
        A transformers.PreTrainedModel, inside a peft.PeftModel if it has adapters.

    Raises:
        VocabxError: if the run or its base is missing or was changed, or a package is missing.
    """
    return load_finished(read_finished(directory, base), device)


def load_finished(run: FinishedRun, device: str) -> Any:
    """The same for a run that has been read and checked."""
    prepared = prepare(run.checkpoint.directory, run.method, run.record.first_id, run.record.seed, device)
    if run.method.name == "full":
        load_trained(prepared.model, run.directory)
    else:
        _load_parts(run, prepared)
    return prepared.model.eval()


def _load_parts(run: FinishedRun, prepared: Prepared) -> None:
    torch, read = need("torch", "train"), need("safetensors.torch", "train").load_file
    if prepared.split is not None and prepared.split.parameters:
        rows = read(str(run.directory / ROWS))
        with torch.no_grad():
            for kind, parameter in prepared.split.parameters.items():
                parameter.copy_(rows[kind])
    if run.method.adapts:
        peft = need("peft", "train")
        tensors = read(str(run.directory / ADAPTER / "adapter_model.safetensors"))
        found = peft.set_peft_model_state_dict(prepared.model, tensors)
        lacking = [name for name in found.missing_keys if "lora_" in name]
        if lacking or found.unexpected_keys:
            name = (lacking or found.unexpected_keys)[0]
            raise TrainingError(f"{run.directory / ADAPTER} does not fit its base ({name}): train again")
