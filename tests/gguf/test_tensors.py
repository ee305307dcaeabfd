"""Every tensor and every field of an exported file, read back and compared with the checkpoint."""

import json
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vocabx.errors import BaseModelError, OutputError
from vocabx.gguf import tensors as tensors_module
from vocabx.gguf.export_gguf import export_gguf
from vocabx.progress import Quiet

NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
HEADS, KEY_HEADS = 4, 2
BITS = {"F32": 32, "F16": 16, "BF16": 16}


def name_of(source: str) -> str:
    if source in NAMES:
        return NAMES[source]
    _, _, block, part = source.split(".", 3)
    stem, ending = part.rsplit(".", 1)
    return f"blk.{block}.{NAMES[stem]}.{ending}"


def permuted(data: np.ndarray, heads: int) -> np.ndarray:
    """Interleaved rows: dimension n of the first half of a head, then dimension n of the second."""
    width = len(data) // heads
    rows = []
    for head in range(heads):
        for n in range(width // 2):
            rows += [data[head * width + n], data[head * width + width // 2 + n]]
    return np.stack(rows)


def expected_of(directory: Path, turn: bool) -> dict[str, np.ndarray]:
    state = {}
    for file in sorted(directory.glob("*.safetensors")):
        state.update(load_file(file))
    found = {}
    for source, tensor in state.items():
        data = tensor.float().numpy()
        if turn and ".q_proj." in source:
            data = permuted(data, HEADS)
        if turn and ".k_proj." in source:
            data = permuted(data, KEY_HEADS)
        found[name_of(source)] = data
    return found


def read_back(path: Path):
    """Each tensor as float32 in its own shape, and the name of its dtype."""
    reader = gguf.GGUFReader(path)
    data, kinds = {}, {}
    for tensor in reader.tensors:
        shape = tuple(int(n) for n in reversed(tensor.shape))
        data[tensor.name] = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
        kinds[tensor.name] = tensor.tensor_type.name
    return data, kinds, {name: field.contents() for name, field in reader.fields.items()}


MODELS = [
    ("llama", "bfloat16", {"attention_bias": True, "mlp_bias": True}),
    ("llama", "float16", {"tie_word_embeddings": True, "head_dim": 16}),
    ("mistral", "float32", {"head_dim": 16}),
    ("qwen2", "bfloat16", {}),
    ("qwen3", "bfloat16", {"head_dim": 16}),
]


@pytest.mark.parametrize(("kind", "dtype", "settings"), MODELS)
def test_every_tensor_equals_that_of_the_checkpoint(kind, dtype, settings, random_model, small, tmp_path):
    directory = random_model(kind, small, dtype, **settings)
    exported = export_gguf(directory, tmp_path / "model.gguf")
    data, kinds, _ = read_back(exported.path)
    expected = expected_of(directory, turn=kind in ("llama", "mistral"))
    assert data.keys() == expected.keys()
    assert exported.tensors == len(data)
    matrix = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}[dtype]
    assert exported.dtype == matrix.lower()
    for name, found in data.items():
        np.testing.assert_array_equal(found, expected[name], err_msg=name)
        assert kinds[name] == (matrix if found.ndim == 2 else "F32")


def test_every_field_matches_the_checkpoint(random_model, small, tmp_path):
    directory = random_model("qwen3", small, "bfloat16", head_dim=16, rms_norm_eps=1e-5, rope_theta=12345.0)
    config = json.loads((directory / "config.json").read_text())
    exported = export_gguf(directory, tmp_path / "model.gguf")
    _, _, fields = read_back(exported.path)
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    rows = config["vocab_size"]
    special = {token["id"] for token in tokenizer["added_tokens"]}
    by_id = {index: token for token, index in tokenizer["model"]["vocab"].items()}
    by_id |= {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    expected = {
        "GGUF.version": 3,
        "GGUF.tensor_count": exported.tensors,
        "GGUF.kv_count": len(fields) - 3,
        "general.architecture": "qwen3",
        "general.type": "model",
        "general.name": directory.name,
        "general.file_type": 32,
        "general.quantization_version": 2,
        "qwen3.vocab_size": rows,
        "qwen3.context_length": 512,
        "qwen3.embedding_length": 32,
        "qwen3.block_count": 2,
        "qwen3.feed_forward_length": 64,
        "qwen3.attention.head_count": HEADS,
        "qwen3.attention.head_count_kv": KEY_HEADS,
        "qwen3.attention.key_length": 16,
        "qwen3.attention.value_length": 16,
        "qwen3.attention.layer_norm_rms_epsilon": pytest.approx(1e-5),
        "qwen3.rope.dimension_count": 16,
        "qwen3.rope.freq_base": pytest.approx(12345.0),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": [by_id.get(index, f"[PAD{index}]") for index in range(rows)],
        "tokenizer.ggml.token_type": [3 if i in special else 1 if i in by_id else 5 for i in range(rows)],
        "tokenizer.ggml.merges": tokenizer["model"]["merges"],
        "tokenizer.ggml.bos_token_id": 259,
        "tokenizer.ggml.eos_token_id": 260,
        "tokenizer.ggml.padding_token_id": 258,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.chat_template": "{{ messages[0].content }}",
    }
    assert fields == expected


def test_padding_rows_are_suppressed_in_llama_cpp(random_model, small, tmp_path):
    directory = random_model("llama", small)
    (directory / "generation_config.json").write_text(json.dumps({"suppress_tokens": [3, 7, 10**9]}))
    exported = export_gguf(directory, tmp_path / "model.gguf")
    assert read_back(exported.path)[2]["tokenizer.ggml.suppress_tokens"] == [3, 7]


def test_a_model_name_that_changes_the_behavior_of_llama_cpp_is_left_out(random_model, small, tmp_path):
    directory = random_model("llama", small).rename(tmp_path / "like-Phi3-mini")
    exported = export_gguf(directory, tmp_path / "model.gguf")
    assert "general.name" not in read_back(exported.path)[2]


def test_a_sliding_window_that_llama_cpp_ignores_is_noted(random_model, small, tmp_path):
    class Notes(Quiet):
        lines: list[str] = []  # noqa: RUF012

        def note(self, text: str) -> None:
            self.lines.append(text)

    directory = random_model("mistral", small, sliding_window=100)
    export_gguf(directory, tmp_path / "model.gguf", progress=Notes())
    assert any("last 100 tokens" in line for line in Notes.lines)


def test_quantized_matrices_are_close_and_those_of_odd_width_are_f16(random_model, small, tmp_path):
    directory = random_model("llama", small, intermediate_size=48)
    exported = export_gguf(directory, tmp_path / "model.gguf", "q8_0")
    assert exported.dtype == "q8_0"
    data, kinds, fields = read_back(exported.path)
    assert fields["general.file_type"] == 7
    for name, expected in expected_of(directory, turn=True).items():
        odd = name.endswith("ffn_down.weight")
        assert kinds[name] == ("F32" if expected.ndim == 1 else "F16" if odd else "Q8_0")
        # A block of 32 has 127 steps on each side of zero, and a scale of 11 bits.
        blocks = np.abs(expected if expected.ndim == 2 else expected[None]).reshape(-1, 16 if odd else 32)
        step = blocks.max(1, keepdims=True) / 127
        error = np.abs(data[name] - expected).reshape(blocks.shape)
        assert (error <= step * 0.6 + 1e-7).all()


@pytest.mark.parametrize(
    ("dtype", "kind", "file_type"), [("f32", "F32", 0), ("f16", "F16", 1), ("bf16", "BF16", 32)]
)
def test_matrices_take_the_requested_dtype(dtype, kind, file_type, random_model, small, tmp_path):
    directory = random_model("llama", small)
    exported = export_gguf(directory, tmp_path / "model.gguf", dtype)
    data, kinds, fields = read_back(exported.path)
    assert (exported.dtype, fields["general.file_type"]) == (dtype, file_type)
    torch_dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]
    for name, expected in expected_of(directory, turn=True).items():
        rounded = (
            torch.from_numpy(expected).to(torch_dtype).float().numpy() if expected.ndim == 2 else expected
        )
        np.testing.assert_array_equal(data[name], rounded, err_msg=name)
        assert kinds[name] == (kind if expected.ndim == 2 else "F32")


def test_conversion_in_blocks_gives_the_same_file_as_whole_tensors(
    random_model, small, tmp_path, monkeypatch
):
    directory = random_model("llama", small)
    whole = export_gguf(directory, tmp_path / "whole.gguf", "q8_0")
    monkeypatch.setattr(tensors_module, "_NUMBERS_AT_ONCE", 32 * 5)
    parts = export_gguf(directory, tmp_path / "parts.gguf", "q8_0")
    assert whole.path.read_bytes() == parts.path.read_bytes()


def test_shards_become_one_file(random_model, small, tmp_path):
    from transformers import AutoModelForCausalLM

    directory = random_model("llama", small)
    whole = export_gguf(directory, tmp_path / "whole.gguf", "f32")
    model = AutoModelForCausalLM.from_pretrained(directory)
    (directory / "model.safetensors").unlink()
    model.save_pretrained(directory, max_shard_size="20KB")
    assert len(list(directory.glob("*.safetensors"))) > 1
    parts = export_gguf(directory, tmp_path / "parts.gguf", "f32")
    ours, theirs = read_back(parts.path)[0], read_back(whole.path)[0]
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_numbers_too_large_for_f16_are_refused_and_leave_no_file(random_model, small, tmp_path):
    directory = random_model("llama", small)
    change(directory, lambda state: state["model.embed_tokens.weight"].__setitem__((5, 5), 1e5))
    with pytest.raises(OutputError, match="pass --dtype bf16 or f32"):
        export_gguf(directory, tmp_path / "out" / "model.gguf", "f16")
    assert not (tmp_path / "out").exists()


def change(directory: Path, edit) -> None:
    """Edit the tensors of a checkpoint."""
    file = directory / "model.safetensors"
    state = load_file(file)
    edit(state)
    save_file(state, file, {"format": "pt"})


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda s: s.pop("model.layers.1.mlp.up_proj.weight"), "is a shard missing"),
        (lambda s: s.pop("model.layers.0.self_attn.q_proj.weight"), "is a shard missing"),
        (lambda s: s.update({"model.layers.0.self_attn.strange.weight": torch.zeros(2, 2)}), "do not have"),
        (lambda s: s.update({"lm_head.bias": torch.zeros(320)}), "do not have"),
        (lambda s: s.update({"model.layers.1.mlp.up_proj.weight": torch.zeros(2, 2)}), "damaged"),
        (lambda s: s.update({"model.norm.weight": torch.zeros(32, dtype=torch.int64)}), "stored as I64"),
    ],
)
def test_tensors_that_llama_cpp_would_refuse_are_refused_before_writing(
    edit, says, random_model, small, tmp_path
):
    directory = random_model("llama", small)
    change(directory, edit)
    with pytest.raises(BaseModelError, match=says):
        export_gguf(directory, tmp_path / "model.gguf")
    assert not (tmp_path / "model.gguf").exists()


def test_stored_frequencies_of_old_checkpoints_are_left_out(random_model, small, tmp_path):
    directory = random_model("llama", small)
    change(directory, lambda s: s.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(4)}))
    data = read_back(export_gguf(directory, tmp_path / "model.gguf").path)[0]
    assert not any("rope" in name or "inv_freq" in name for name in data)


def test_an_lm_head_that_is_stored_but_tied_is_left_out(random_model, small, tmp_path):
    directory = random_model("llama", small, tie_word_embeddings=True)
    change(directory, lambda s: s.update({"lm_head.weight": s["model.embed_tokens.weight"].clone()}))
    data = read_back(export_gguf(directory, tmp_path / "model.gguf").path)[0]
    assert "output.weight" not in data
