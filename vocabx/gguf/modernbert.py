"""The settings of ModernBERT for a .gguf file: rotary positions, gated layers, and windows in most blocks.

As of other encoders, the head that predicts masked tokens is left out. Source: llama.cpp's
src/models/modern-bert.cpp.
"""

from dataclasses import dataclass
from typing import Any

from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.gguf.encoders import EncoderSettings, pooling_of
from vocabx.gguf.rope import Rope
from vocabx.gguf.settings import architecture_of, check_activation, count_of

KIND = "modernbert"
_EPSILON = 1e-5
# What transformers takes where config.json states none: window, its period, and the bases of rotary positions
# in blocks that see the whole text and in those that do not.
_WINDOW, _PERIOD, _THETA, _LOCAL_THETA = 128, 3, 160_000.0, 10_000.0
_FULL, _SLIDING = "full_attention", "sliding_attention"
_LEFT_OUT = ("head.", "decoder.", "classifier.")
_PARTS = ("attn_qkv", "attn_output", "attn_norm", "ffn_up", "ffn_down", "ffn_norm")


@dataclass(frozen=True)
class ModernBertSettings(EncoderSettings):
    """The settings of a ModernBERT."""

    def source(self, name: str) -> str | None:  # noqa: D102
        short = name.removeprefix("model.")
        return None if short.startswith(_LEFT_OUT) else short

    def shapes(self) -> dict[str, tuple[int, ...]]:  # noqa: D102
        width, inner = self.width, self.inner
        return {
            "token_embd.weight": (self.rows, width),
            "token_embd_norm.weight": (width,),
            "output_norm.weight": (width,),
            "attn_qkv.weight": (3 * width, width),
            "attn_output.weight": (width, width),
            "attn_norm.weight": (width,),
            "ffn_up.weight": (2 * inner, width),
            "ffn_down.weight": (width, inner),
            "ffn_norm.weight": (width,),
        }

    def required(self) -> set[str]:  # noqa: D102
        blocks = {f"blk.{block}.{part}.weight" for block in range(self.blocks) for part in _PARTS}
        # The embeddings are normalized already.
        blocks.remove("blk.0.attn_norm.weight")
        return {"token_embd.weight", "token_embd_norm.weight", "output_norm.weight", *blocks}


def modernbert_settings_of(checkpoint: Checkpoint) -> ModernBertSettings:
    """Read the settings of a ModernBERT.

    Raises:
        BaseModelError: if a setting is missing, or llama.cpp would compute something else.
    """
    config, name = checkpoint.config, str(checkpoint.directory)
    architecture = architecture_of(config, name)
    check_activation(config.get("hidden_activation"), architecture, name)
    blocks = count_of(config, "num_hidden_layers", name)
    width, heads = count_of(config, "hidden_size", name), count_of(config, "num_attention_heads", name)
    thetas = {kind: _theta(config, kind, name) for kind in (_FULL, _SLIDING)}
    prefix, rope = architecture.name, Rope(thetas[_FULL], "default", {})
    return ModernBertSettings(
        architecture=architecture,
        rows=checkpoint.input.rows,
        width=width,
        blocks=blocks,
        inner=count_of(config, "intermediate_size", name),
        heads=heads,
        key_heads=heads,
        head_width=width // heads,
        context=count_of(config, "max_position_embeddings", name),
        epsilon=float(config.get("norm_eps", _EPSILON)),
        rope=rope,
        window=None,
        others={
            **rope.values(prefix),
            f"{prefix}.rope.freq_base_swa": thetas[_SLIDING],
            f"{prefix}.attention.sliding_window": int(config.get("local_attention", _WINDOW)),
            f"{prefix}.attention.sliding_window_pattern": _period(config, blocks, name),
        },
        pooling=pooling_of(checkpoint.directory),
    )


def _period(config: dict[str, Any], blocks: int, name: str) -> int:
    """Of how many blocks the first sees the whole text."""
    kinds = config.get("layer_types")
    if kinds is None:
        every = int(config.get("global_attn_every_n_layers", _PERIOD))
        kinds = [_SLIDING if block % every else _FULL for block in range(blocks)]
    full = [block for block, kind in enumerate(kinds) if kind == _FULL]
    period = full[1] if len(full) > 1 else max(blocks, 1)
    # llama.cpp ends with an assertion where no block has a window.
    if full != list(range(0, blocks, period)) or len(full) == blocks:
        raise BaseModelError(
            f"llama.cpp would compute {name} otherwise: it has no blocks with a window, or has them in no "
            "regular order; serve it with transformers or text-embeddings-inference"
        )
    return period


def _theta(config: dict[str, Any], kind: str, name: str) -> float:
    """The base of the rotary positions of a kind of block, as transformers 4 or 5 states it."""
    stated = (config.get("rope_parameters") or {}).get(kind) or {}
    if stated.get("rope_type", "default") != "default":
        raise BaseModelError(
            f"{name} scales rotary positions ({stated['rope_type']}), which llama.cpp's ModernBERT does not: "
            "serve it with transformers or text-embeddings-inference"
        )
    older, default = ("global", _THETA) if kind == _FULL else ("local", _LOCAL_THETA)
    return float(stated.get("rope_theta") or config.get(f"{older}_rope_theta") or default)
