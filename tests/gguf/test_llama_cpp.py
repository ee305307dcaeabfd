"""The output of llama.cpp with an exported file, compared with transformers and the checkpoint."""

from pathlib import Path

import pytest
from gelu import gelu_of_16_bits
from llama_cpp import ask

from vocabx.gguf.export_gguf import export_gguf

PROMPTS = [[1 + (n * 7919 + m * 31) % 250 for n in range(60)] for m in range(2)]
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
# A window shorter than the prompts.
GEMMA = {
    "head_dim": 16,
    "query_pre_attn_scalar": 16,
    "sliding_window": 20,
    "tie_word_embeddings": True,
}
TWO_ROPES = {
    "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 5e4},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e3},
}
# llama.cpp's GELU has 16 bits, and a state may fall on either side of where one rounds.
TOLERANCE = {"gemma": 5e-4, "gemma2": 5e-4, "gemma3_text": 1e-3}
MODELS = {
    "llama": ("llama", {}),
    "llama, tied": ("llama", {"tie_word_embeddings": True}),
    "llama, all heads have keys": ("llama", {"num_key_value_heads": 4}),
    "llama, wide heads": ("llama", {"head_dim": 16}),
    "llama, biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama, rope of llama 3": ("llama", {"rope_parameters": LLAMA3}),
    "llama, linear rope": (
        "llama",
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}},
    ),
    "mistral": ("mistral", {"head_dim": 16, "sliding_window": None}),
    "qwen2": ("qwen2", {}),
    "qwen2, yarn": (
        "qwen2",
        {
            "rope_parameters": {
                "rope_type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 32,
                "rope_theta": 1e4,
            }
        },
    ),
    "qwen3": ("qwen3", {"head_dim": 16}),
    "qwen3, tied": ("qwen3", {"head_dim": 8, "tie_word_embeddings": True}),
    "gemma": ("gemma", {"head_dim": 16, "tie_word_embeddings": True}),
    "gemma2": ("gemma2", {**GEMMA, "num_hidden_layers": 3}),
    "gemma3": ("gemma3_text", {**GEMMA, "num_hidden_layers": 7, "rope_parameters": TWO_ROPES}),
    "gemma3, untied, every second layer sees all, softcap": (
        "gemma3_text",
        {
            **GEMMA,
            "num_hidden_layers": 3,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "final_logit_softcapping": 5.0,
            "tie_word_embeddings": False,
        },
    ),
    "gemma3, no windows": (
        "gemma3_text",
        {**GEMMA, "layer_types": ["full_attention"] * 2, "rope_parameters": TWO_ROPES},
    ),
}


def continued(directory: Path, tokens: int = 4):
    """The greedy continuation of each prompt by transformers, and its log-probabilities."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    for block in model.model.layers:
        if "gelu" in str(getattr(model.config, "hidden_activation", "") or model.config.hidden_act):
            block.mlp.act_fn.forward = gelu_of_16_bits
    ids = torch.tensor(PROMPTS)
    steps = []
    with torch.no_grad():
        for _ in range(tokens):
            steps.append(model(ids).logits[:, -1].log_softmax(-1))
            ids = torch.cat([ids, steps[-1].argmax(-1, keepdim=True)], 1)
    return ids[:, -tokens:].tolist(), torch.stack(steps, 1)


@pytest.mark.parametrize("name", MODELS)
def test_llama_cpp_gives_the_probabilities_of_transformers(name, random_model, small, tmp_path):
    kind, settings = MODELS[name]
    directory = random_model(kind, small, pad=1, **settings)
    exported = export_gguf(directory, tmp_path / "model.gguf")
    assert exported.dtype == "f32"
    found = ask(exported.path, prompts=PROMPTS, tokens=4)
    greedy, expected = continued(directory)
    assert found["greedy"] == greedy
    for prompt, steps in enumerate(found["logprobs"]):
        for step, likeliest in enumerate(steps):
            for index, logprob in likeliest.items():
                assert logprob == pytest.approx(
                    expected[prompt, step, int(index)].item(), abs=TOLERANCE.get(kind, 1e-4)
                )
