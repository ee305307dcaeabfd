"""The settings of an encoder for a .gguf file: BERT, RoBERTa and XLM-R, with which llama.cpp embeds texts.

It has no use for what predicts masked tokens or pairs of sentences, so the heads and the pooler are left out.
Source: llama.cpp's src/models/bert.cpp.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there, read_object
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.gguf.rope import Rope
from vocabx.gguf.settings import Settings, architecture_of, check_activation, count_of

_EPSILON = 1e-12
_LEFT_OUT = ("cls.", "lm_head.", "pooler.", "embeddings.position_ids")
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down")
_NORMS = ("attn_output_norm", "layer_output_norm")
# llama.cpp's numbers of how the states of a text become one vector.
_POOLINGS = {"pooling_mode_mean_tokens": 1, "pooling_mode_cls_token": 2, "pooling_mode_lasttoken": 3}
_POOLING_FILE = "1_Pooling/config.json"


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The settings of an encoder.

    Attributes:
        prefix: the part of tensor names that is missing in models saved without a head.
        types: number of rows of the token type embeddings.
        first_position: row of the position embeddings of the first token; those before it are left out.
        pooling: llama.cpp's number of how the states of a text become one vector, None for no statement.
    """

    prefix: str = ""
    types: int = 0
    first_position: int = 0
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
            "tokenizer.ggml.token_type_count": self.types,
        }
        return found if self.pooling is None else {**found, f"{name}.pooling_type": self.pooling}

    def source(self, name: str) -> str | None:  # noqa: D102
        short = name.removeprefix(self.prefix)
        # Names of the first checkpoints.
        for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
            short = short.removesuffix(old) + new if short.endswith(old) else short
        return None if short.startswith(_LEFT_OUT) else short

    def first_row(self, name: str) -> int:  # noqa: D102
        return self.first_position if name == "position_embd.weight" else 0

    def shapes(self) -> dict[str, tuple[int, ...]]:  # noqa: D102
        width, inner = self.width, self.inner
        shapes: dict[str, tuple[int, ...]] = {
            "token_embd.weight": (self.rows, width),
            "token_types.weight": (self.types, width),
            "position_embd.weight": (self.context, width),
        }
        for part in _MATRICES:
            shapes[f"{part}.weight"] = {"ffn_up": (inner, width), "ffn_down": (width, inner)}.get(
                part, (width, width)
            )
            shapes[f"{part}.bias"] = shapes[f"{part}.weight"][:1]
        norms = ("token_embd_norm", *_NORMS)
        return shapes | {f"{norm}.{part}": (width,) for norm in norms for part in ("weight", "bias")}

    def required(self) -> set[str]:  # noqa: D102
        whole = {"token_embd.weight", "token_types.weight", "position_embd.weight"}
        whole |= {f"token_embd_norm.{part}" for part in ("weight", "bias")}
        parts = [f"{part}.{kind}" for part in (*_MATRICES, *_NORMS) for kind in ("weight", "bias")]
        return whole | {f"blk.{block}.{part}" for block in range(self.blocks) for part in parts}


def encoder_settings_of(checkpoint: Checkpoint) -> EncoderSettings:
    """Read the settings of an encoder.

    Raises:
        BaseModelError: if a setting is missing, or llama.cpp would compute something else.
    """
    config, name = checkpoint.config, str(checkpoint.directory)
    architecture = architecture_of(config, name)
    positions = config.get("position_embedding_type") or "absolute"
    decodes = config.get("is_decoder") or config.get("add_cross_attention")
    if positions != "absolute" or decodes:
        raise BaseModelError(
            f"{name} has {'the attention of a decoder' if decodes else f'{positions} positions'}, which "
            "llama.cpp's BERT models lack: serve it with transformers"
        )
    check_activation(config.get("hidden_act"), architecture, name)
    # RoBERTa counts positions from behind the id of its padding token.
    pad = config.get("pad_token_id", 1)
    first = pad + 1 if architecture.counts_from_pad and type(pad) is int else 0
    width, heads = count_of(config, "hidden_size", name), count_of(config, "num_attention_heads", name)
    return EncoderSettings(
        architecture=architecture,
        rows=checkpoint.input.rows,
        width=width,
        blocks=count_of(config, "num_hidden_layers", name),
        inner=count_of(config, "intermediate_size", name),
        heads=heads,
        key_heads=heads,
        head_width=width // heads,
        context=count_of(config, "max_position_embeddings", name) - first,
        epsilon=float(config.get("layer_norm_eps", _EPSILON)),
        rope=Rope(0.0, "default", {}),
        window=None,
        prefix=f"{str(config['model_type']).removeprefix('xlm-')}.",
        types=count_of(config, "type_vocab_size", name),
        first_position=first,
        pooling=pooling_of(checkpoint.directory),
    )


def pooling_of(directory: Path) -> int | None:
    """What sentence-transformers states beside the checkpoint."""
    path = directory / _POOLING_FILE
    if not is_there(path):
        return None
    stated = read_object(path, BaseModelError, "download the base again")
    modes = [number for key, number in _POOLINGS.items() if stated.get(key)]
    return modes[0] if len(modes) == 1 else None
