"""What the .gguf files of all encoders state, with which llama.cpp embeds texts.

It has no use for what predicts masked tokens or pairs of sentences, so heads and poolers are left out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there, read_object
from vocabx.errors import BaseModelError
from vocabx.gguf.settings import Settings

# llama.cpp's numbers of how the states of a text become one vector.
_POOLINGS = {"pooling_mode_mean_tokens": 1, "pooling_mode_cls_token": 2, "pooling_mode_lasttoken": 3}
_POOLING_FILE = "1_Pooling/config.json"


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The settings of an encoder, whose norms subtract the mean and whose attention sees the whole text.

    Attributes:
        pooling: llama.cpp's number of how the states of a text become one vector, None for no statement.
    """

    pooling: int | None = None

    def values(self) -> dict[str, Any]:  # noqa: D102
        name = self.architecture.name
        found = {
            f"{name}.vocab_size": self.rows,
            f"{name}.context_length": self.context,
            f"{name}.embedding_length": self.width,
            f"{name}.block_count": self.blocks,
            f"{name}.feed_forward_length": self.inner,
            f"{name}.attention.head_count": self.heads,
            f"{name}.attention.layer_norm_epsilon": self.epsilon,
            f"{name}.attention.causal": False,
            **self.others,
        }
        return found if self.pooling is None else {**found, f"{name}.pooling_type": self.pooling}


def pooling_of(directory: Path) -> int | None:
    """What sentence-transformers states beside the checkpoint.

    Raises:
        BaseModelError: its file is damaged.
    """
    path = directory / _POOLING_FILE
    if not is_there(path):
        return None
    stated = read_object(path, BaseModelError, "download the base again")
    modes = [number for key, number in _POOLINGS.items() if stated.get(key)]
    return modes[0] if len(modes) == 1 else None
