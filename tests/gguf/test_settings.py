"""Settings of a model: rotary positions as in transformers, and refused configurations."""

import json

import numpy as np
import pytest

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.gguf.export_gguf import export_gguf
from vocabx.gguf.gemma import gemma_values, rope_config
from vocabx.gguf.rope import rope_of
from vocabx.gguf.settings import settings_of

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
KINDS = ("default", "linear", "yarn", "llama3")


def test_the_factors_of_llama_3_are_those_of_transformers():
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    config = LlamaConfig(
        hidden_size=128,
        num_attention_heads=2,
        max_position_embeddings=131072,
        rope_parameters={**LLAMA3, "rope_theta": 500000.0},
    )
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 500000.0 ** (-np.arange(0, 64, 2) / 64)
    factors = rope_of(config.to_dict(), "it", KINDS).factors(64)
    assert factors is not None
    np.testing.assert_allclose(plain / scaled.numpy(), factors, rtol=1e-5)
    assert factors.min() == 1 and factors.max() == 32


def test_rotary_positions_written_by_transformers_4_and_5_are_read():
    four = {"rope_theta": 500000.0, "rope_scaling": LLAMA3}
    five = {"rope_parameters": {**LLAMA3, "rope_theta": 500000.0}}
    old = {
        "rope_theta": 500000.0,
        "rope_scaling": {**{k: v for k, v in LLAMA3.items() if k != "rope_type"}, "type": "llama3"},
    }
    assert rope_of(four, "it", KINDS) == rope_of(five, "it", KINDS) == rope_of(old, "it", KINDS)
    assert rope_of({"rope_theta": 7.0, "rope_scaling": None}, "it", KINDS).theta == 7.0
    assert rope_of({}, "it", KINDS).theta == 10000.0


@pytest.mark.parametrize(
    "stated",
    [
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "longrope", "factor": 2.0},
        {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 8, "mscale": 0.7},
        {"rope_type": "linear"},
        {"rope_type": "default", "partial_rotary_factor": 0.5},
        "linear",
    ],
)
def test_rotary_positions_unsupported_by_llama_cpp_are_refused(stated):
    with pytest.raises(BaseModelError):
        rope_of({"rope_parameters": stated}, "it", KINDS)


def test_scaling_unsupported_for_the_architecture_is_refused():
    with pytest.raises(BaseModelError, match="it supports default, linear"):
        rope_of({"rope_scaling": LLAMA3}, "it", ("default", "linear"))


def edit(directory, **changes):
    path = directory / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}))


def test_settings_missing_from_a_configuration_are_read_from_the_shapes(random_model, small):
    directory = random_model("qwen3", small, head_dim=16)
    whole = settings_of(read_checkpoint(directory))
    edit(directory, head_dim=..., num_key_value_heads=...)
    assert settings_of(read_checkpoint(directory)) == whole


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_attention_heads": 3}, "3 heads"),
        ({"num_key_value_heads": 1}, "damaged"),
        ({"head_dim": 99}, "damaged"),
        ({"num_attention_heads": ...}, "num_attention_heads"),
        ({"max_position_embeddings": "long"}, "max_position_embeddings"),
        ({"hidden_act": "gelu"}, "gelu"),
    ],
)
def test_a_configuration_that_does_not_fit_its_tensors_is_refused(changes, says, random_model, small):
    directory = random_model("llama", small)
    edit(directory, **changes)
    with pytest.raises(BaseModelError, match=says):
        settings_of(read_checkpoint(directory))


def test_a_sliding_window_is_read_if_it_is_in_use(random_model, small):
    directory = random_model("mistral", small, sliding_window=100)
    assert settings_of(read_checkpoint(directory)).window == 100
    edit(directory, sliding_window=512)
    assert settings_of(read_checkpoint(directory)).window is None
    directory = random_model("qwen2", small, sliding_window=100)
    assert settings_of(read_checkpoint(directory)).window is None
    edit(directory, use_sliding_window=True, sliding_window=100)
    assert settings_of(read_checkpoint(directory)).window == 100


GEMMA2 = {
    "model_type": "gemma2",
    "num_hidden_layers": 4,
    "query_pre_attn_scalar": 16,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "sliding_window": 100,
}
GEMMA3 = {
    "model_type": "gemma3_text",
    "num_hidden_layers": 7,
    "query_pre_attn_scalar": 16,
    "sliding_window": 9,
}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({**GEMMA2, "query_pre_attn_scalar": 17}, "query_pre_attn_scalar is 17"),
        ({**GEMMA2, "attn_logit_softcapping": None}, "attn_logit_softcapping is not set"),
        ({**GEMMA2, "final_logit_softcapping": None}, "final_logit_softcapping is not set"),
        ({**GEMMA2, "sliding_window": None}, "sliding window"),
        ({**GEMMA2, "use_bidirectional_attention": True}, "bidirectional"),
        ({**GEMMA3, "attn_logit_softcapping": 50.0}, "attn_logit_softcapping is set"),
        ({**GEMMA3, "layer_types": [*["full_attention"] * 2, "sliding_attention"]}, "regular order"),
        (
            {**GEMMA3, "rope_parameters": {"sliding_attention": {"rope_type": "linear", "factor": 2.0}}},
            "are scaled",
        ),
    ],
)
def test_what_llama_cpp_would_compute_otherwise_of_gemma_is_refused(config, says):
    with pytest.raises(BaseModelError, match=says) as caught:
        gemma_values(config, "it", "gemma", width=32, heads=2, head_width=16)
    assert "serve it with" in str(caught.value) and len(str(caught.value)) <= 300


def test_settings_of_gemma_written_by_transformers_4_and_5_are_read():
    four = {**GEMMA3, "rope_theta": 5e5, "rope_local_base_freq": 7.0, "sliding_window_pattern": 3}
    layers = ["sliding_attention", "sliding_attention", "full_attention"]
    five = {
        **GEMMA3,
        "layer_types": [*layers, *layers, layers[0]],
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": 5e5},
            "sliding_attention": {"rope_type": "default", "rope_theta": 7.0},
        },
    }
    found = [gemma_values(one, "it", "gemma3", width=32, heads=2, head_width=16) for one in (four, five)]
    assert found[0] == found[1]
    assert found[0] == {
        "gemma3.attention.sliding_window": 9,
        "gemma3.attention.sliding_window_pattern": 3,
        "gemma3.rope.freq_base_swa": 7.0,
    }
    thetas = [rope_of(rope_config(one), "it", KINDS).theta for one in (four, five, GEMMA3)]
    assert thetas == [5e5, 5e5, 1e6]


def test_a_gemma_whose_head_llama_cpp_would_not_read_is_refused(random_model, small):
    directory = random_model("gemma", small, head_dim=8)
    with pytest.raises(BaseModelError, match="tied embeddings"):
        settings_of(read_checkpoint(directory))


def test_a_multimodal_gemma_is_refused_and_its_text_part_saved_as_shown_is_the_same_model(tmp_path):
    import torch
    from transformers import Gemma3Config, Gemma3ForCausalLM, Gemma3ForConditionalGeneration

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    part = {"num_hidden_layers": 2, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 300}
    part |= {"query_pre_attn_scalar": 16}
    config = Gemma3Config(
        text_config={**sizes, **part},
        vision_config={**sizes, "num_hidden_layers": 1, "image_size": 56, "patch_size": 14},
        mm_tokens_per_image=4,
    )
    torch.manual_seed(0)
    Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path / "whole")
    with pytest.raises(BaseModelError, match="save its text part as 'gemma3_text'"):
        export_gguf(tmp_path / "whole", tmp_path / "whole.gguf")
    # docs/gguf.md.
    whole = Gemma3ForConditionalGeneration.from_pretrained(tmp_path / "whole")
    text = Gemma3ForCausalLM(whole.config.text_config)
    text.model, text.lm_head = whole.model.language_model, whole.lm_head
    text.save_pretrained(tmp_path / "text")
    assert settings_of(read_checkpoint(tmp_path / "text")).architecture.name == "gemma3"
    ids = torch.arange(5, 20)[None]
    with torch.no_grad():
        alone = Gemma3ForCausalLM.from_pretrained(tmp_path / "text")(ids).logits
        assert torch.equal(alone, whole(input_ids=ids).logits)
