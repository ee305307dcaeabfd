"""A small random model of any type of transformers, made from the type's own default configuration.

Sizes are set by the names of the settings: those that count layers, heads, experts, and those that are
widths. A type whose settings depend on each other in a way of its own has an entry in `OWN`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

VOCABULARY = 139
_HIDDEN, _HEADS, _HEAD, _INNER, _LAYERS = 64, 4, 16, 96, 4
_KEY_HEADS = r"key_value_heads|kv_heads|num_global_key|query_groups"
# The first pattern that a setting's name matches decides its value, if the default is larger.
_SIZES: tuple[tuple[str, int], ...] = (
    (r"^(pad_)?vocab_size$|^n_words$|^n_token$", VOCABULARY),
    (r"^vocab_size_per_layer_input$", VOCABULARY),
    (r"chunk_|acoustic|index_kpool", 0),
)
_RULES: tuple[tuple[str, int], ...] = (
    (r"hidden_size_per_layer_input", 8),
    (r"layers|^depth$|^n_layer$|_depth$|^num_blocks$|^num_block", _LAYERS),
    (_KEY_HEADS, 2),
    (r"heads|^n_head$|_head$", _HEADS),
    (r"rotary_dim|rope_head_dim|nope_head_dim|v_head_dim|qk_head_dim|head_dim$|d_kv$|_head_size$", _HEAD),
    (r"experts_per_tok|num_experts_per|top_?k|^n_group$|topk_group|moe_k$", 2),
    (r"experts", 4),
    (r"lora_rank|low_rank|_rank$", 8),
    (r"intermediate|ffn|inner|d_ff|mlp_dim|hidden_dim|feed_forward|filter_size", _INNER),
    (
        r"hidden|d_model|n_embd|embed_dim|^dim$|embedding_size|embed_proj_dim|_dim$|_size_out|width|units",
        _HIDDEN,
    ),
    (r"max_position|n_positions|max_seq|n_ctx|context_length|seq_len|max_length|max_source|max_target", 128),
    (r"image_size|image_width|image_height", 32),
    (r"patch_size", 16),
    (r"sliding_window|attention_window|window|chunk", 16),
)
_ID = re.compile(r"_token_ids?$|_token_index$|_token$|_id$|_ids$")
# What the rules do not reach, by type.
_DEFAULT_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
_HEAD_DIM = {"head_dim": _HEAD}
_MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_expand": 2}
_LINEAR = ["linear_attention", "full_attention"] * 2
_SLIDING = ["sliding_attention", "full_attention"] * 2
_BY_LAYER = {"rope_parameters": {"full_attention": _DEFAULT_ROPE, "sliding_attention": _DEFAULT_ROPE}}
_SECTIONS = {"rope_parameters": {**_DEFAULT_ROPE, "mrope_section": [4, 2, 2]}}
_TEXT_SECTIONS = {"text_config": _SECTIONS}
_OMNI = {**_TEXT_SECTIONS, "vision_start_token_id": 7, "audio_start_token_id": 8}
_PART_SECTIONS = {
    "rope_parameters": {**_DEFAULT_ROPE, "mrope_section": [2, 1, 1], "partial_rotary_factor": 0.5}
}
_PER_LAYER = {"layer_types": _SLIDING, "num_kv_shared_layers": 2}
_NO_PER_LAYER = {"hidden_size_per_layer_input": 0, "layer_types": _SLIDING, "num_kv_shared_layers": 0}
_INDEXER = {
    "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 16,
    "indexer_compress_ratio": 4,
}  # fmt: skip
_ZAMBA = {
    "num_hidden_layers": 4, "layer_types": ["mamba", "hybrid"] * 2, "attention_hidden_size": 128,
    "attention_head_dim": 32,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("ministral", "hunyuan_v1_dense", "hunyuan_v1_moe"), _HEAD_DIM),
    "hunyuan_vl": {"text_config": {**_HEAD_DIM, **_SECTIONS}},
    "bamba": {**_MAMBA, "attn_layer_indices": [1, 3]},
    "granitemoehybrid": {**_MAMBA, "layer_types": _LINEAR},
    "falcon_h1": {**_MAMBA, "mamba_d_ssm": 128},
    "nemotron": {"num_key_value_heads": 4},
    "mamba2": {"num_heads": 8, "head_dim": 16, "expand": 2, "n_groups": 2, "state_size": 8},
    "nemotron_h": {"n_groups": 2, "mamba_head_dim": 32, "ssm_state_size": 8},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 8},
    "bailing_hybrid": {"layer_group_size": 2, "n_group": 2, "topk_group": 2, "num_experts": 8},
    "blenderbot": {"encoder_layers": 4, "decoder_layers": 4},
    "cohere_compass_text": _BY_LAYER,
    "cohere_compass": {"text_config": _BY_LAYER},
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8}},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "dots1": {
        "n_shared_experts": 1, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1,
        "topk_group": 1,
    },
    "gemma3n_text": {
        **_PER_LAYER, "activation_sparsity_pattern": [0.0] * 4, "vocab_size_per_layer_input": 131,
    },
    "gemma3n": {"text_config": {**_PER_LAYER, "activation_sparsity_pattern": [0.0] * 4}},
    "gemma4_assistant": {"text_config": _NO_PER_LAYER},
    "gemma4_unified_assistant": {"text_config": _NO_PER_LAYER},
    "hrm_text": {"num_layers_per_stack": 1, "num_hidden_layers": 8, "H_cycles": 2, "L_cycles": 3},
    "kimi_linear": {"layer_types": _LINEAR, "num_experts_per_token": 2, "n_group": 1, "topk_group": 1},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "longcat_flash": {"qk_head_dim": 32},
    "mistral4": {"head_dim": 32},
    "qwen4_exp_text": {**_INDEXER, "layer_types": _LINEAR},
    "qwen4_exp": {"text_config": {**_INDEXER, "layer_types": _LINEAR}},
    "xlstm": {"qk_dim_factor": 1.0},
    "gpt_neo": {"num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    "reformer": {
        "is_decoder": True, "attn_layers": ["local", "lsh"] * 2, "axial_pos_shape": [8, 16],
        "axial_pos_embds_dim": [16, 48],
    },
    "xlnet": {"d_model": 64, "n_head": 4, "d_head": 16, "d_inner": 96, "n_layer": 2},
    "xmod": {"default_language": "en_XX", "languages": ["en_XX"]},
    "luke": {"entity_vocab_size": 20},
    "esm": {
        "vocab_size": VOCABULARY, "pad_token_id": 1, "mask_token_id": 4,
        "position_embedding_type": "rotary",
    },
    "zamba": _ZAMBA,
    "zamba2": {**_ZAMBA, "layers_block_type": ["mamba", "hybrid"] * 2},
    "mobilebert": {
        "embedding_size": 32, "hidden_size": 64, "true_hidden_size": 64, "intra_bottleneck_size": 64,
    },
    "chameleon": {"vocabulary_map": {"<image>": 5}},
    "emu3": {"vocabulary_map": {"<image>": 5, "<|extra_200|>": 6}},
    **dict.fromkeys(("glm4v", "glm46v", "glm_ocr", "glmga"), _TEXT_SECTIONS),
    "glm4v_moe": {"text_config": _PART_SECTIONS},
    **dict.fromkeys(
        ("paddleocr_vl", "qwen2_5_vl", "qwen2_vl"), _TEXT_SECTIONS,
    ),
    "ernie4_5_vl_moe": {"text_config": {"rope_parameters": {**_DEFAULT_ROPE, "mrope_section": [3, 3, 2]}}},
    "paligemma": {"text_config": {"num_key_value_heads": 4, "head_dim": 16}},
    "molmo2": {"adapter_config": {"vision_feature_layer": [3, 2]}},
    "nemotron_h_omni": {
        "text_config": {"n_groups": 2, "mamba_head_dim": 32, "ssm_state_size": 8},
        "vision_config": {"video_temporal_patch_size": 2},
    },
    "granite4_vision": {"downsample_rate": "1/2", "deepstack_layer_map": []},
    "step3p7": {"text_config": {"sliding_window": 16}},
    "deepseek_ocr2": {"text_config": {"num_experts_per_tok": 2, "mlp_layer_types": ["dense", "sparse"] * 2}},
    "dots3_note": {
        "text_config": {"per_layer_config": {}, "head_dim": 32},
        "vision_config": {"pyramid_num_routed": [-1, -1, 4, 4], "adapter_in_dim": 64, "adapter_out_dim": 64},
        "audio_config": {"adapter_input_size": 64, "adapter_out_dim": 64},
    },
    "blip-2": {"num_query_tokens": 2, "image_token_index": 5, "image_token_id": 5},
    "instructblip": {"num_query_tokens": 2, "image_token_index": 5, "video_token_index": 5},
    "instructblipvideo": {"num_query_tokens": 2, "image_token_index": 5, "video_token_index": 5},
    "kosmos-2": {"latent_query_num": 2},
    "perception_lm": {
        "vision_config": {
            "architecture": "vit_pe_core_tiny_patch16_384",
            "model_args": {
                "embed_dim": 64, "depth": 2, "num_heads": 4, "img_size": 32, "ref_feat_shape": [2, 2],
            },
        }
    },
    "nemo_speechlm": {
        "word_timestamp_config": {"vocab_size": 133},
        "text_config": {"n_groups": 2, "mamba_head_dim": 32, "ssm_state_size": 8, "num_key_value_heads": 4},
    },
    **dict.fromkeys(("qwen2_5_omni_thinker", "qwen3_omni_moe_thinker"), _OMNI),
    "glm5_next": {"text_config": {"index_topk": 16}},
}  # fmt: skip


def small_config(kind: str, **settings: Any) -> Any:
    """The configuration of a small model of the type `kind`; `settings` override it."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    made = CONFIG_MAPPING[kind]
    own = _merged(small_settings(made()), OWN.get(kind, {}))
    return made(**_merged(own, settings))


def small_settings(config: Any) -> dict[str, Any]:
    """The settings that make a model of a default configuration small, parts included."""
    from transformers import PreTrainedConfig

    result: dict[str, Any] = {}
    ids = iter(range(3, VOCABULARY))
    heads = vars(config).get("num_attention_heads")
    for key, value in list(vars(config).items()):
        if isinstance(value, PreTrainedConfig):
            result[key] = {"model_type": value.model_type, **small_settings(value)}
        elif key.startswith("_") or isinstance(value, bool):
            continue
        elif key == "rope_parameters" and isinstance(value, dict) and "mrope_section" in value:
            share = value.get("partial_rotary_factor") or getattr(config, "partial_rotary_factor", None) or 1
            quarter = int(_HEAD * share) // 8
            result[key] = {**value, "mrope_section": [2 * quarter, quarter, quarter]}
        elif _ID.search(key):
            small = _small_id(value, ids)
            if small != value:
                result[key] = small
        elif re.search(_KEY_HEADS, key) and value == heads and heads is not None:
            result[key] = min(heads, _HEADS)
        elif isinstance(value, int) and (small := _small(key, value)) != value:
            result[key] = small
    return result


def _small(key: str, value: int) -> int:
    for pattern, size in (*_SIZES, *_RULES):
        if re.search(pattern, key):
            return min(size, value) if size else value
    return value


def _small_id(value: Any, free: Iterator[int]) -> Any:
    if isinstance(value, list):
        return [_small_id(one, free) for one in value]
    return next(free) if type(value) is int and value >= VOCABULARY else value


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        inner = result.get(key)
        result[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def small_model(kind: str, class_name: str, **settings: Any) -> Any:
    """A random model of the type `kind` in float32, with the class `class_name`; see `small_config`."""
    import torch
    import transformers

    torch.manual_seed(0)
    made = getattr(transformers, class_name)
    config = small_config(kind, **settings)
    wanted = getattr(made, "config_class", None)
    if wanted is not None and not isinstance(config, wanted):
        text = config.get_text_config(decoder=True)
        config = text if isinstance(text, wanted) else small_config(wanted.model_type)
    if class_name == "ReformerForMaskedLM":
        config.is_decoder = False
    model = made(config).float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and name.endswith("bias"):
                # Biases are initialized to zero, and zeros copied wrongly would look right.
                torch.nn.init.normal_(parameter, std=0.1)
        for name, buffer in model.named_buffers():
            if name.endswith("final_logits_bias"):
                buffer.normal_()
            if name.endswith("tid2eid"):
                # Experts of each token, initialized to the first.
                buffer.random_(model.config.num_local_experts)
    return model.eval()


def inputs_of(model: Any, ids: Any, further: int = 0) -> dict[str, Any]:
    """What the forward pass of a small model takes for the token ids `ids`, (1, T) int64.

    With `further`, what generating as many more tokens takes.
    """
    import torch

    kind = model.config.model_type
    if kind in ("blip-2", "instructblip", "instructblipvideo", "kosmos-2"):
        # The image is two of the tokens.
        ids = torch.cat((torch.tensor([[5, 5]]), ids), dim=1)
    result: dict[str, Any] = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        result["decoder_input_ids"] = ids
    images = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    if kind in ("blip", "blip-2", "instructblip", "kosmos-2", "pp_formulanet", "vision-encoder-decoder"):
        result["pixel_values"] = images
    if kind == "instructblipvideo":
        result["pixel_values"] = images.reshape(1, 1, 3, 32, 32)
    if kind == "idefics":
        result["pixel_values"] = images.reshape(1, 1, 3, 32, 32)
        result["image_attention_mask"] = torch.ones(1, ids.shape[1], 1, dtype=torch.int64)
    if kind == "kosmos-2":
        result["image_embeds_position_mask"] = torch.zeros_like(ids).index_fill(1, torch.arange(2), 1)
    if kind.startswith("instructblip"):
        result["qformer_input_ids"] = torch.tensor([[5, 6, 7]])
    if kind == "voxtral_realtime":
        result["encoder_inputs_embeds"] = torch.ones(
            1, 4 * (ids.shape[1] + further), model.config.audio_config.hidden_size
        )
    if kind == "udop":
        result["bbox"] = torch.zeros(*ids.shape, 4)
    if kind == "pix2struct":
        result["flattened_patches"] = torch.ones(1, 4, model.config.vision_config.patch_embed_hidden_size + 2)
        del result["input_ids"]
    return result
