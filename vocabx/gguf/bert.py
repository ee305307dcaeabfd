"""The settings of BERT, RoBERTa and XLM-R for a .gguf file. Source: llama.cpp's src/models/bert.cpp."""

from dataclasses import dataclass

from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.gguf.encoders import EncoderSettings, pooling_of
from vocabx.gguf.rope import Rope
from vocabx.gguf.settings import architecture_of, check_activation, count_of

_EPSILON = 1e-12
_LEFT_OUT = ("cls.", "lm_head.", "pooler.", "embeddings.position_ids")
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down")
_NORMS = ("attn_output_norm", "layer_output_norm")


@dataclass(frozen=True)
class BertSettings(EncoderSettings):
    """The settings of a BERT, RoBERTa or XLM-R.

    Attributes:
        prefix: the part of tensor names that is missing in models saved without a head.
        types: number of rows of the token type embeddings.
        first_position: row of the position embeddings of the first token; those before it are left out.
    """

    prefix: str = ""
    types: int = 0
    first_position: int = 0

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


def bert_settings_of(checkpoint: Checkpoint) -> BertSettings:
    """Read the settings of a BERT, RoBERTa or XLM-R.

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
    types = count_of(config, "type_vocab_size", name)
    return BertSettings(
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
        others={"tokenizer.ggml.token_type_count": types},
        prefix=f"{str(config['model_type']).removeprefix('xlm-')}.",
        types=types,
        first_position=first,
        pooling=pooling_of(checkpoint.directory),
    )
