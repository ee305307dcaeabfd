"""Small models in the layouts of quantized releases: DeepSeek V3 in FP8, GPT-OSS in MXFP4, both in shards."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, GptOssConfig, GptOssForCausalLM

ROWS, WIDTH, _BLOCK = 139, 128, 128
FP8 = {
    "quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3",
    "weight_block_size": [_BLOCK, _BLOCK],
}  # fmt: skip
MXFP4 = {
    "quant_method": "mxfp4",
    "modules_to_not_convert": [
        "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head",
    ],
}  # fmt: skip
# Linear layers that DeepSeek V3 keeps in 16 bits.
_WHOLE = ("lm_head", "embed_tokens", "norm", "gate.weight", "e_score_correction_bias", "shared_head.head")


def deepseek_fp8(directory: Path) -> Path:
    """DeepSeek V3 of two layers and one for multi-token prediction: FP8 with a scale for each block."""
    torch.manual_seed(0)
    config = DeepseekV3Config(
        vocab_size=ROWS, hidden_size=WIDTH, intermediate_size=256, moe_intermediate_size=128,
        num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, n_routed_experts=4, n_group=1,
        topk_group=1, num_experts_per_tok=2, n_shared_experts=1, first_k_dense_replace=1, q_lora_rank=128,
        kv_lora_rank=128, qk_rope_head_dim=64, qk_nope_head_dim=64, v_head_dim=128,
        max_position_embeddings=128, bos_token_id=0, eos_token_id=1, num_nextn_predict_layers=1,
    )  # fmt: skip
    tensors = _tensors(DeepseekV3ForCausalLM(config), directory)
    extra = {name: tensor for name, tensor in tensors.items() if name.startswith("model.layers.1.")}
    for name, tensor in extra.items():
        tensors[name.replace("layers.1", "layers.2")] = tensor.clone()
    tensors["model.layers.2.eh_proj.weight"] = torch.randn(WIDTH, 2 * WIDTH).bfloat16()
    for name in ("enorm", "hnorm", "shared_head.norm"):
        tensors[f"model.layers.2.{name}.weight"] = torch.ones(WIDTH).bfloat16()
    tensors["model.layers.2.embed_tokens.weight"] = tensors["model.embed_tokens.weight"].clone()
    tensors["model.layers.2.shared_head.head.weight"] = tensors["lm_head.weight"].clone()
    quantised: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dim() != 2 or any(one in name for one in _WHOLE):
            quantised[name] = tensor
        else:
            quantised[name], quantised[f"{name}_scale_inv"] = in_blocks(tensor.float())
    return _sharded(directory, quantised, FP8)


def gpt_oss_mxfp4(directory: Path) -> Path:
    """GPT-OSS of two layers: the experts as blocks of 4 bits, and a scale of 8 bits for each 32 of them."""
    torch.manual_seed(0)
    config = GptOssConfig(
        vocab_size=ROWS, hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32, num_local_experts=4, num_experts_per_tok=2,
        max_position_embeddings=128, pad_token_id=1, eos_token_id=1,
    )  # fmt: skip
    tensors = _tensors(GptOssForCausalLM(config), directory)
    quantised: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith(("gate_up_proj", "down_proj")):
            experts, inner, outer = tensor.shape
            blocks = torch.randint(0, 256, (experts, outer, inner // 32, 16))
            scales = torch.randint(118, 124, (experts, outer, inner // 32))
            quantised[f"{name}_blocks"] = blocks.to(torch.uint8)
            quantised[f"{name}_scales"] = scales.to(torch.uint8)
        else:
            quantised[name] = tensor
    return _sharded(directory, quantised, MXFP4)


def _tensors(model: Any, directory: Path) -> dict[str, torch.Tensor]:
    """The tensors of a model as they are stored; config.json is written."""
    from safetensors.torch import load_file

    model.bfloat16().save_pretrained(directory)
    path = directory / "model.safetensors"
    found = load_file(path)
    path.unlink()
    return found


def in_blocks(weight_RK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix in FP8, and the inverse scale of each block of 128 by 128."""
    rows, columns = weight_RK.shape
    down, across = -(-rows // _BLOCK), -(-columns // _BLOCK)
    padded = torch.zeros(down * _BLOCK, across * _BLOCK)
    padded[:rows, :columns] = weight_RK
    blocks = padded.view(down, _BLOCK, across, _BLOCK)
    scale = blocks.abs().amax((1, 3)).clamp(min=1e-9) / 448
    whole = (blocks / scale[:, None, :, None]).view(down * _BLOCK, across * _BLOCK)
    return whole[:rows, :columns].contiguous().to(torch.float8_e4m3fn), scale


def _sharded(directory: Path, tensors: dict[str, torch.Tensor], settings: dict[str, Any]) -> Path:
    """One shard for the embeddings and layer 0, one for layer 1, one for the rest, as releases have them."""

    def shard_of(name: str) -> int:
        embeds = name == "model.embed_tokens.weight" or name.startswith("model.layers.0.")
        return 1 if embeds else 2 if name.startswith("model.layers.1.") else 3

    where = {name: f"model-{shard_of(name):05}-of-00003.safetensors" for name in tensors}
    for file in sorted(set(where.values())):
        save_file(
            {name: tensor for name, tensor in tensors.items() if where[name] == file},
            directory / file,
            {"format": "pt"},
        )
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "quantization_config": settings}))
    return directory
