"""The settings of a model for a .gguf file, from config.json and the shapes of its tensors.

Shapes take precedence where they determine a setting: configurations omit the defaults of their class, and
the classes differ.
"""

from dataclasses import dataclass
from typing import Any

from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.gguf.rope import Rope, rope_of

_RMS_EPSILON = 1e-6


@dataclass(frozen=True)
class Architecture:
    """llama.cpp's implementation of a model type.

    Attributes:
        name: llama.cpp's name of it.
        pairs_neighbours: whether it rotates adjacent dimensions of a head together, where transformers pairs
            the first half with the second: rows of Q and K are then permuted.
        biases: the parts of a block that may have a bias.
        norms: the norms of a block that only this type has.
        scalings: the supported kinds of rotary position scaling.
    """

    name: str
    pairs_neighbours: bool
    biases: tuple[str, ...]
    norms: tuple[str, ...]
    scalings: tuple[str, ...]


_LLAMA = Architecture(
    name="llama",
    pairs_neighbours=True,
    biases=("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"),
    norms=(),
    scalings=("default", "linear", "yarn", "llama3"),
)
ARCHITECTURES = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": Architecture(
        name="qwen2",
        pairs_neighbours=False,
        biases=("attn_q", "attn_k", "attn_v"),
        norms=(),
        scalings=("default", "linear", "yarn"),
    ),
    "qwen3": Architecture(
        name="qwen3",
        pairs_neighbours=False,
        biases=(),
        norms=("attn_q_norm", "attn_k_norm"),
        scalings=("default", "linear", "yarn"),
    ),
}


@dataclass(frozen=True)
class Settings:
    """The settings of a model.

    Attributes:
        architecture: llama.cpp's implementation of the model type.
        rows: number of rows of the embedding matrices.
        width: width of the residual stream.
        blocks: number of blocks.
        inner: inner width of the feed-forward layers.
        heads, key_heads: number of query heads, and of key and value heads.
        head_width: width of each head.
        context: maximum context length.
        epsilon: epsilon of the norms.
        rope: rotary positions.
        window: sliding window of attention, or None; llama.cpp ignores it.
    """

    architecture: Architecture
    rows: int
    width: int
    blocks: int
    inner: int
    heads: int
    key_heads: int
    head_width: int
    context: int
    epsilon: float
    rope: Rope
    window: int | None

    def values(self) -> dict[str, Any]:
        """The keys and values of the file, in their order."""
        name = self.architecture.name
        return {
            f"{name}.vocab_size": self.rows,
            f"{name}.context_length": self.context,
            f"{name}.embedding_length": self.width,
            f"{name}.block_count": self.blocks,
            f"{name}.feed_forward_length": self.inner,
            f"{name}.attention.head_count": self.heads,
            f"{name}.attention.head_count_kv": self.key_heads,
            f"{name}.attention.key_length": self.head_width,
            f"{name}.attention.value_length": self.head_width,
            f"{name}.attention.layer_norm_rms_epsilon": self.epsilon,
            f"{name}.rope.dimension_count": self.head_width,
            **self.rope.values(name),
        }


def architecture_of(config: dict[str, Any], name: str) -> Architecture:
    """llama.cpp's implementation of a configuration's model type.

    Raises:
        BaseModelError: if the type is not of the Llama family.
    """
    kind = str(config.get("model_type", ""))
    if kind not in ARCHITECTURES:
        raise BaseModelError(
            f"{name} is of the model type {kind!r}: vocabx exports {', '.join(ARCHITECTURES)} to .gguf"
        )
    return ARCHITECTURES[kind]


def settings_of(checkpoint: Checkpoint) -> Settings:
    """Read the settings of a checkpoint.

    Raises:
        BaseModelError: if a setting is missing, contradicts a shape, or is not supported by llama.cpp.
    """
    config, name = checkpoint.config, str(checkpoint.directory)
    architecture = architecture_of(config, name)
    if config.get("hidden_act", "silu") != "silu":
        raise BaseModelError(
            f"{name} has the activation {config['hidden_act']!r}: llama.cpp only supports silu"
        )
    heads = _count(config, "num_attention_heads", name)
    queries = _rows(checkpoint, "layers.0.self_attn.q_proj.weight")
    keys = _rows(checkpoint, "layers.0.self_attn.k_proj.weight")
    head_width, rest = divmod(queries, heads)
    key_heads, keys_rest = divmod(keys, head_width or 1)
    stated = (config.get("head_dim") or head_width, config.get("num_key_value_heads") or key_heads)
    if rest or keys_rest or not head_width or stated != (head_width, key_heads):
        raise BaseModelError(
            f"{name}: config.json says {heads} heads, and the attention has {queries} rows for queries and "
            f"{keys} for keys: the checkpoint is damaged"
        )
    return Settings(
        architecture=architecture,
        rows=checkpoint.input.rows,
        width=checkpoint.input.file.tensors[checkpoint.input.name].shape[1],
        blocks=_count(config, "num_hidden_layers", name),
        inner=_rows(checkpoint, "layers.0.mlp.gate_proj.weight"),
        heads=heads,
        key_heads=key_heads,
        head_width=head_width,
        context=_count(config, "max_position_embeddings", name),
        epsilon=float(config.get("rms_norm_eps", _RMS_EPSILON)),
        rope=rope_of(config, name, architecture.scalings),
        window=_window(config),
    )


def _count(config: dict[str, Any], key: str, name: str) -> int:
    value = config.get(key)
    if type(value) is not int or value < 1:
        raise BaseModelError(f"{name}: config.json has no valid {key}: the checkpoint is damaged")
    return value


def _rows(checkpoint: Checkpoint, ending: str) -> int:
    for file in checkpoint.files:
        for name, entry in file.tensors.items():
            if name.removeprefix("model.") == ending and len(entry.shape) == 2:
                return entry.shape[0]
    raise BaseModelError(f"{checkpoint.directory} has no model.{ending}: is a shard missing?")


def _window(config: dict[str, Any]) -> int | None:
    """The sliding window, if it is in use and shorter than the maximum context."""
    window = config.get("sliding_window")
    in_use = config.get("use_sliding_window", config.get("model_type") == "mistral")
    return window if in_use and window and window < config["max_position_embeddings"] else None
