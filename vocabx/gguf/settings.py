"""The settings of a model for a .gguf file, from config.json and the shapes of its tensors.

Shapes take precedence where they determine a setting: configurations omit the defaults of their class, and
the classes differ.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.gguf import gemma
from vocabx.gguf.rope import Rope, rope_of

_RMS_EPSILON = 1e-6
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
# Old checkpoints store these frequencies, which follow from the configuration.
_IMPLIED = "rotary_emb.inv_freq"


@dataclass(frozen=True)
class Architecture:
    """llama.cpp's implementation of a model type.

    Attributes:
        name: llama.cpp's name of it.
        pairs_neighbours: whether it rotates adjacent dimensions of a head together, where transformers pairs
            the first half with the second: rows of Q and K are then permuted.
        biases: the parts of a block that may have a bias.
        norms: the norms inside a head that only this type has.
        scalings: the supported kinds of rotary position scaling.
        activations: what the feed-forward layers may state; the first is meant where nothing is stated.
        block_norms: the norms of a block, of the width of the residual stream.
        shift: what is added to the weights of norms.
        own_head: whether it may have an lm_head that is not tied.
        encodes: whether it is an encoder, see `encoders`.
        counts_from_pad: whether an encoder counts positions from the id of its padding token.
    """

    name: str
    pairs_neighbours: bool
    biases: tuple[str, ...]
    norms: tuple[str, ...]
    scalings: tuple[str, ...]
    activations: tuple[str, ...] = ("silu",)
    block_norms: tuple[str, ...] = ("attn_norm", "ffn_norm")
    shift: float = 0.0
    own_head: bool = True
    encodes: bool = False
    counts_from_pad: bool = False


_LLAMA = Architecture(
    name="llama",
    pairs_neighbours=True,
    biases=("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"),
    norms=(),
    scalings=("default", "linear", "yarn", "llama3"),
)
_BERT = Architecture(
    name="bert",
    pairs_neighbours=False,
    biases=(),
    norms=(),
    scalings=(),
    # llama.cpp computes the approximation whatever is stated; see docs/gguf.md.
    activations=("gelu", "gelu_new", "gelu_pytorch_tanh"),
    encodes=True,
)
_FOUR_NORMS = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")


def _gemma(name: str, **differing: Any) -> Architecture:
    """A generation of Gemma, whose norms multiply by one more than their weight."""
    plain = Architecture(
        name=name,
        pairs_neighbours=False,
        biases=(),
        norms=(),
        scalings=("default", "linear"),
        activations=("gelu_pytorch_tanh",),
        shift=1.0,
    )
    return replace(plain, **differing)


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
    # transformers takes "gelu" for the approximation here.
    "gemma": _gemma("gemma", activations=("gelu_pytorch_tanh", "gelu"), own_head=False),
    "gemma2": _gemma("gemma2", block_norms=_FOUR_NORMS, own_head=False),
    "gemma3_text": _gemma("gemma3", block_norms=_FOUR_NORMS, norms=("attn_q_norm", "attn_k_norm")),
    "bert": _BERT,
    "roberta": replace(_BERT, counts_from_pad=True),
    "xlm-roberta": replace(_BERT, counts_from_pad=True),
    # See `modernbert`.
    "modernbert": replace(_BERT, name="modern-bert", activations=("gelu",)),
}
# Multimodal types, and what their text part is called.
_MULTIMODAL = {"gemma3": "gemma3_text"}


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
        others: keys and values that only this type has.
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
    others: dict[str, Any] = field(default_factory=dict)

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
            **self.others,
        }

    def source(self, name: str) -> str | None:
        """The name of a stored tensor as gguf knows it, None if it is left out."""
        if name.endswith(_IMPLIED):
            return None
        # Checkpoints saved without the head omit the first part of the names.
        return name if name.startswith(("model.", "lm_head.")) else f"model.{name}"

    def first_row(self, name: str) -> int:
        """The first row of a tensor, by llama.cpp's name, that is written."""
        return 0

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each possible tensor, by llama.cpp's name without the block number."""
        width, inner = self.width, self.inner
        queries, keys = self.heads * self.head_width, self.key_heads * self.head_width
        rows = dict(zip(_MATRICES, (queries, keys, keys, width, inner, inner, width), strict=True))
        columns = dict(zip(_MATRICES, (width, width, width, queries, width, width, inner), strict=True))
        shapes: dict[str, tuple[int, ...]] = {
            "token_embd.weight": (self.rows, width),
            "output_norm.weight": (width,),
            "output.weight": (self.rows, width),
            "rope_freqs.weight": (self.head_width // 2,),
        }
        shapes |= {f"{part}.weight": (rows[part], columns[part]) for part in _MATRICES}
        shapes |= {f"{part}.bias": (rows[part],) for part in self.architecture.biases}
        shapes |= {f"{part}.weight": (width,) for part in self.architecture.block_norms}
        return shapes | {f"{part}.weight": (self.head_width,) for part in self.architecture.norms}

    def required(self) -> set[str]:
        """llama.cpp's names of the tensors that it does not do without."""
        parts = (*_MATRICES, *self.architecture.block_norms, *self.architecture.norms)
        blocks = {f"blk.{block}.{part}.weight" for block in range(self.blocks) for part in parts}
        return {"token_embd.weight", "output_norm.weight", *blocks}


def architecture_of(config: dict[str, Any], name: str) -> Architecture:
    """llama.cpp's implementation of a configuration's model type.

    Raises:
        BaseModelError: if the type is not among them.
    """
    kind = str(config.get("model_type", ""))
    if kind in _MULTIMODAL:
        raise BaseModelError(
            f"{name} is of the multimodal type {kind!r}, and llama.cpp reads pictures with a file that "
            f"vocabx does not write: save its text part as {_MULTIMODAL[kind]!r} and export that, as "
            "docs/gguf.md shows"
        )
    if kind not in ARCHITECTURES:
        raise BaseModelError(
            f"{name} is of the model type {kind!r}: vocabx exports {', '.join(ARCHITECTURES)} to .gguf"
        )
    return ARCHITECTURES[kind]


def check_activation(stated: str | None, architecture: Architecture, name: str) -> None:
    """Refuse an activation that llama.cpp does not compute; one that is not stated is the type's own.

    Raises:
        BaseModelError: it is another one.
    """
    if stated and stated not in architecture.activations:
        raise BaseModelError(
            f"{name} has the activation {stated!r}: llama.cpp only supports "
            f"{' and '.join(architecture.activations)}"
        )


def settings_of(checkpoint: Checkpoint) -> Settings:
    """Read the settings of a decoder.

    Raises:
        BaseModelError: if a setting is missing, contradicts a shape, or is not supported by llama.cpp.
    """
    config, name = checkpoint.config, str(checkpoint.directory)
    architecture = architecture_of(config, name)
    check_activation(config.get("hidden_activation") or config.get("hidden_act"), architecture, name)
    if not (architecture.own_head or checkpoint.tied):
        raise BaseModelError(
            f"{name} has an lm_head of its own, and llama.cpp's {architecture.name} models have none: "
            "export a checkpoint with tied embeddings"
        )
    heads = count_of(config, "num_attention_heads", name)
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
    width = checkpoint.input.file.tensors[checkpoint.input.name].shape[1]
    is_gemma = str(config["model_type"]) in gemma.KINDS
    return Settings(
        architecture=architecture,
        rows=checkpoint.input.rows,
        width=width,
        blocks=count_of(config, "num_hidden_layers", name),
        inner=_rows(checkpoint, "layers.0.mlp.gate_proj.weight"),
        heads=heads,
        key_heads=key_heads,
        head_width=head_width,
        context=count_of(config, "max_position_embeddings", name),
        epsilon=float(config.get("rms_norm_eps", _RMS_EPSILON)),
        rope=rope_of(gemma.rope_config(config) if is_gemma else config, name, architecture.scalings),
        window=_window(config),
        others=(
            gemma.gemma_values(config, name, architecture.name, width, heads, head_width) if is_gemma else {}
        ),
    )


def count_of(config: dict[str, Any], key: str, name: str) -> int:
    """A positive number of config.json.

    Raises:
        BaseModelError: it is missing, or no such number.
    """
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
    if str(config["model_type"]) in gemma.KINDS:
        return None
    in_use = config.get("use_sliding_window", config.get("model_type") == "mistral")
    return window if in_use and window and window < config["max_position_embeddings"] else None
