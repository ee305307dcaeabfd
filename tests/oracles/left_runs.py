"""What runs leave behind: a finished and an unfinished training, and an unfinished extension."""

import contextlib
import json
from pathlib import Path
from typing import Any

from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train
from vocabx.progress import Quiet


class _Broken(Quiet):
    def status(self, text: str) -> None:
        if text.startswith("step 5:"):
            raise RuntimeError("the machine is gone")


def leave_runs(directory: Path, texts: Path) -> None:
    """Train `directory`/model into `run` and `broken`, of which one is unfinished, and leave `other`.

    Args:
        directory: holds an extended checkpoint, `model`.
        texts: a directory with zh.jsonl and en.txt.
    """
    options: dict[str, Any] = {
        "directory": directory / "model", "method": "lora", "dtype": "float32",
        "corpus": (str(texts / "zh.jsonl"),), "replay": (str(texts / "en.txt"),), "sequence_length": 48,
        "step_sequences": 4, "max_steps": 6, "heldout_bytes": 1000, "lora_rank": 4, "save_every": 3,
        "evaluate_every": 4,
    }  # fmt: skip
    train(TrainOptions(**options, out=directory / "run"))
    with contextlib.suppress(RuntimeError):
        train(TrainOptions(**options, out=directory / "broken"), _Broken())
    assert (directory / "broken.unfinished").is_dir()
    other = directory / "other.unfinished"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"12345678")
    lines = ({"job": "0"}, {"file": "model.safetensors", "bytes": 8})
    (other / "unfinished.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
