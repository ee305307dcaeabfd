"""Small random models of every type that vocabx supports, made by transformers from configurations."""

from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
)

from vocabx.checkpoint.architectures import ARCHITECTURES

ENCODERS = (
    "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert", "modernbert",
)  # fmt: skip
ENCODER_DECODERS = ("t5", "mt5", "umt5", "m2m_100")
MULTIMODAL = (
    "llava", "llava_next", "llava_next_video", "llava_onevision", "vipllava", "video_llava", "qwen2_vl",
    "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "glm4v", "gemma3", "paligemma", "mistral3", "internvl",
    "aya_vision", "cohere2_vision", "idefics2", "idefics3", "smolvlm",
)  # fmt: skip
DECODERS = tuple(kind for kind in ARCHITECTURES if kind not in {*ENCODERS, *ENCODER_DECODERS, *MULTIMODAL})
# One or two for each naming scheme of tensors, for tests that are slower than finding the matrices.
PLAIN = (
    "llama", "mixtral", "qwen3", "gemma2", "phi", "gpt2", "gptj", "gpt_neo", "gpt_neox", "opt", "bloom",
    "cohere", *ENCODERS[:6],
)  # fmt: skip

_SMALL = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
_GPT = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "n_ctx": 64, "rotary_dim": 4}
_EXPERTS = {
    **_SMALL, "num_local_experts": 2, "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8,
    "shared_expert_intermediate_size": 8, "n_routed_experts": 4, "n_group": 2, "topk_group": 1,
    "n_shared_experts": 1, "first_k_dense_replace": 0, "q_lora_rank": 8, "kv_lora_rank": 8,
    "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8,
}  # fmt: skip
_T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}
_SHAPES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("gpt2", "gptj", "gpt_bigcode", "codegen"), _GPT),
    **dict.fromkeys(
        "mixtral qwen2_moe qwen3_moe deepseek_v2 granitemoe granitemoeshared olmoe phimoe "
        "gpt_oss".split(),
        _EXPERTS,
    ),
    "deepseek_v3": {**_EXPERTS, "head_dim": 4, "n_group": 1},
    "glm4_moe": {**_EXPERTS, "n_group": 1},
    **dict.fromkeys(("t5", "mt5", "umt5"), _T5),
    "gpt_neo": {
        "hidden_size": 16, "num_layers": 1, "num_heads": 2, "attention_types": [[["global"], 1]],
        "max_position_embeddings": 64,
    },
    "codegen": {**_GPT, "n_head": 4},
    "bloom": {"hidden_size": 16, "n_layer": 1, "n_head": 2},
    "falcon": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_hidden_size": 32},
    "mpt": {"d_model": 16, "n_layers": 1, "n_heads": 2, "expansion_ratio": 2, "max_seq_len": 64},
    "opt": {**_SMALL, "ffn_dim": 32, "word_embed_proj_dim": 16},
    "xglm": {"d_model": 16, "ffn_dim": 32, "num_layers": 1, "attention_heads": 2},
    "m2m_100": {
        "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "max_position_embeddings": 64,
    },
    "distilbert": {"dim": 16, "hidden_dim": 32, "n_layers": 1, "n_heads": 2, "max_position_embeddings": 64},
    "electra": {**_SMALL, "embedding_size": 16},
    "albert": {**_SMALL, "embedding_size": 16},
}  # fmt: skip

_VISION = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": 28, "patch_size": 14, "projection_dim": 16,
}  # fmt: skip
_CLIP = {**_VISION, "model_type": "clip_vision_model"}
_SIGLIP = {**_VISION, "model_type": "siglip_vision_model"}
_QWEN = {
    "depth": 1, "hidden_size": 16, "out_hidden_size": 16, "num_heads": 2, "intermediate_size": 32,
    "fullatt_block_indexes": [0], "deepstack_visual_indexes": [0], "num_position_embeddings": 16,
}  # fmt: skip
_MROPE = {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}}
# The type of the language model, its settings, and the settings of everything else.
_MULTIMODAL: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    **dict.fromkeys(
        "llava llava_next llava_next_video vipllava video_llava".split(),
        ("llama", {}, {"vision_config": _CLIP}),
    ),
    "llava_onevision": ("qwen2", {}, {"vision_config": _SIGLIP}),
    "gemma3": ("gemma3_text", {}, {"vision_config": _SIGLIP, "mm_tokens_per_image": 4}),
    "paligemma": ("gemma", {}, {"vision_config": _SIGLIP, "projection_dim": 16}),
    "mistral3": ("mistral", {}, {"vision_config": {**_VISION, "model_type": "pixtral", "head_dim": 8}}),
    "internvl": (
        "qwen2", {}, {"vision_config": {**_VISION, "image_size": [28, 28], "patch_size": [14, 14]}}
    ),
    "aya_vision": ("cohere2", {}, {"vision_config": _SIGLIP}),
    "cohere2_vision": ("cohere2", {}, {"vision_config": _SIGLIP, "alignment_intermediate_size": 32}),
    "idefics2": (
        "mistral", {}, {
            "vision_config": _VISION,
            "perceiver_config": {
                "resampler_n_latents": 4, "resampler_depth": 1, "resampler_n_heads": 2,
                "resampler_head_dim": 8, "num_key_value_heads": 1,
            },
        },
    ),
    "idefics3": ("llama", {}, {"vision_config": _VISION}),
    "smolvlm": ("llama", {}, {"vision_config": _VISION}),
    "qwen2_vl": (
        "qwen2_vl_text", _MROPE,
        {"vision_config": {"depth": 1, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "mlp_ratio": 2}},
    ),
    "qwen2_5_vl": ("qwen2_5_vl_text", _MROPE, {"vision_config": _QWEN}),
    "qwen3_vl": ("qwen3_vl_text", _MROPE, {"vision_config": _QWEN}),
    "qwen3_vl_moe": ("qwen3_vl_moe_text", {**_EXPERTS, **_MROPE}, {"vision_config": _QWEN}),
    "glm4v": (
        "glm4v_text", {"rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1]}},
        {"vision_config": _QWEN},
    ),
}  # fmt: skip


def tiny_model(kind: str, rows: int = 50, tied: bool | None = None, **settings: Any) -> Any:
    """A random model of the type `kind` with `rows` rows, tied as its class defaults unless `tied` says."""
    torch.manual_seed(0)
    model = head_of(kind).from_config(tiny_config(kind, rows, tied, **settings))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                # Biases are initialized to zero, and zeros copied wrongly would look right.
                torch.nn.init.normal_(parameter)
    return model.eval()


def tiny_config(kind: str, rows: int = 50, tied: bool | None = None, **settings: Any) -> Any:
    """The configuration of `tiny_model`."""
    stated = {} if tied is None else {"tie_word_embeddings": tied}
    if kind not in _MULTIMODAL:
        ids = {"bos_token_id": 0, "eos_token_id": 1}
        shape = _SHAPES.get(kind, _SMALL)
        return AutoConfig.for_model(kind, **{**shape, **ids, "vocab_size": rows, **stated, **settings})
    language, own, others = _MULTIMODAL[kind]
    text = {"model_type": language, **_SMALL, **own, "vocab_size": rows, **stated}
    return AutoConfig.for_model(kind, text_config=text, **{**others, **stated, **settings})


def head_of(kind: str) -> Any:
    """The auto class of models of the type `kind` with their output layer."""
    if kind in ENCODERS:
        return AutoModelForMaskedLM
    if kind in ENCODER_DECODERS:
        return AutoModelForSeq2SeqLM
    return AutoModelForImageTextToText if kind in MULTIMODAL else AutoModelForCausalLM
