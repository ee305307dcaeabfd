import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError

LLAMA = {"model_type": "llama", "vocab_size": 5, "tie_word_embeddings": False}
EMBED, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def table(rows: int = 5, first: float = 0) -> np.ndarray:
    return np.arange(rows * 4, dtype=np.float32).reshape(rows, 4) + np.float32(first)


def model(directory: Path, config: object, tensors: dict[str, np.ndarray]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(config if isinstance(config, str) else json.dumps(config), "utf-8")
    save_file(tensors, directory / "model.safetensors")
    return directory


def llama(directory: Path, **changes: object) -> Path:
    config = {key: value for key, value in {**LLAMA, **changes}.items() if value is not None}
    return model(directory, config, {EMBED: table(), HEAD: table(first=100), "model.norm.weight": np.ones(4)})


def sharded(directory: Path, weight_map: object) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(LLAMA), "utf-8")
    save_file({EMBED: table()}, directory / "one.safetensors")
    save_file({HEAD: table(first=100)}, directory / "two.safetensors")
    index = directory / "model.safetensors.index.json"
    if not isinstance(weight_map, bytes):
        weight_map = weight_map if isinstance(weight_map, str) else json.dumps({"weight_map": weight_map})
        weight_map = weight_map.encode()
    index.write_bytes(weight_map)
    return directory


def refusal(directory: Path) -> str:
    with pytest.raises(BaseModelError) as caught:
        read_checkpoint(directory)
    assert "\n" not in str(caught.value)
    assert str(directory) in str(caught.value)
    return str(caught.value)


def names(checkpoint: Checkpoint) -> list[str]:
    return [found.name for found in checkpoint.tables]


def test_the_embeddings_of_an_untied_model_are_found_and_mapped(tmp_path):
    checkpoint = read_checkpoint(llama(tmp_path))
    assert names(checkpoint) == [EMBED, HEAD]
    assert checkpoint.biases == () and not checkpoint.tied
    assert (checkpoint.input.rows, checkpoint.input.dtype) == (5, "F32")
    assert np.array_equal(checkpoint.input.map(), table())
    assert np.array_equal(checkpoint.output.map(), table(first=100))


def test_a_tied_model_has_the_matrices_that_are_stored(tmp_path):
    config = {**LLAMA, "tie_word_embeddings": True}
    one = read_checkpoint(model(tmp_path / "one", config, {EMBED: table()}))
    both = read_checkpoint(model(tmp_path / "both", config, {EMBED: table(), HEAD: table()}))
    assert one.tied and names(one) == [EMBED]
    assert both.tied and names(both) == [EMBED, HEAD]


def test_an_output_bias_is_a_matrix_of_width_one(tmp_path):
    tensors = {EMBED: table(), HEAD: table(), "lm_head.bias": np.arange(5, dtype=np.float32)}
    checkpoint = read_checkpoint(model(tmp_path, {**LLAMA, "model_type": "phi"}, tensors))
    assert names(checkpoint) == [EMBED, HEAD, "lm_head.bias"]
    (bias,) = checkpoint.biases
    assert bias.map().tolist() == [[0], [1], [2], [3], [4]]
    assert [checkpoint.kind_of(found) for found in checkpoint.tables] == ["input", "output", "bias"]


@pytest.mark.parametrize("stored", [(0,), (1,), (0, 1), ()])
@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta", "camembert"])
def test_an_encoder_may_store_its_bias_under_two_names(tmp_path, kind, stored):
    where = ARCHITECTURES[kind]
    biases = {where.biases[n]: np.full(5, n, np.float32) for n in stored}
    checkpoint = read_checkpoint(
        model(tmp_path, {"model_type": kind, "vocab_size": 5}, {where.inputs[0]: table(), **biases})
    )
    assert names(checkpoint) == [where.inputs[0], *biases]
    assert [checkpoint.kind_of(found) for found in checkpoint.biases] == ["bias"] * len(stored)
    assert checkpoint.tied and not checkpoint.generates


def test_a_model_that_predicts_the_next_token_is_distinguished_from_an_encoder(tmp_path):
    assert read_checkpoint(llama(tmp_path / "llama")).generates
    config = {"model_type": "bert", "vocab_size": 5, "is_decoder": True}
    assert read_checkpoint(
        model(tmp_path / "bert", config, {ARCHITECTURES["bert"].inputs[0]: table()})
    ).generates


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("llama", "embed_tokens.weight"), ("gpt2", "wte.weight"), ("gpt_neox", "embed_in.weight"),
        ("bert", "embeddings.word_embeddings.weight"), ("camembert", "embeddings.word_embeddings.weight"),
    ],
)  # fmt: skip
def test_a_model_saved_without_its_head_is_read(tmp_path, kind, name):
    config = {"model_type": kind, "vocab_size": 5, "tie_word_embeddings": True}
    assert names(read_checkpoint(model(tmp_path, config, {name: table()}))) == [name]


def test_the_embeddings_of_a_sharded_model_are_found_in_their_shards(tmp_path):
    checkpoint = read_checkpoint(sharded(tmp_path, {HEAD: "two.safetensors", EMBED: "one.safetensors"}))
    assert [file.path.name for file in checkpoint.files] == ["one.safetensors", "two.safetensors"]
    assert checkpoint.output.file.path.name == "two.safetensors"
    assert np.array_equal(checkpoint.output.map(), table(first=100))


@pytest.mark.parametrize(
    "weight_map",
    [
        "not JSON", "[]", "5", '{"weight": {}}', "[" * 100_000, 5, ["one.safetensors"], {EMBED: 1},
        {EMBED: 1, HEAD: "two.safetensors"}, {EMBED: ["one.safetensors"]}, {EMBED: None}, b"\xff",
    ],
)  # fmt: skip
def test_an_index_of_the_wrong_form_is_refused(tmp_path, weight_map):
    assert "download it again" in refusal(sharded(tmp_path, weight_map))


@pytest.mark.parametrize(
    "where", ["../one.safetensors", "/etc/passwd", "sub/one.safetensors", "./../x", "sub/.."]
)
def test_an_index_that_points_outside_its_directory_is_refused(tmp_path, where):
    sharded(tmp_path, {})
    assert "points outside its directory" in refusal(sharded(tmp_path / "model", {EMBED: where}))


@pytest.mark.parametrize("where", ["three.safetensors", "..", "nul\0"])
def test_an_index_that_lists_a_missing_file_is_refused(tmp_path, where):
    assert " has no " in refusal(sharded(tmp_path, {EMBED: "one.safetensors", HEAD: where}))


def test_a_missing_shard_with_the_embeddings_is_suspected(tmp_path):
    sharded(tmp_path, {HEAD: "two.safetensors"})
    (tmp_path / "one.safetensors").unlink()
    assert f"has no embedding matrix {EMBED}: is a shard" in refusal(tmp_path)


def test_weights_in_torch_format_are_refused_with_what_to_do(tmp_path):
    llama(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    assert "save the model as safetensors" in refusal(tmp_path)


def test_a_directory_without_a_configuration_is_refused(tmp_path):
    assert refusal(tmp_path).endswith("has no config.json")


@pytest.mark.parametrize(
    ("config", "reason"),
    [("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("[1]", "holds a list, not a JSON object")],
)
def test_a_broken_configuration_is_refused(tmp_path, config, reason):
    assert reason in refusal(model(tmp_path, config, {EMBED: table()}))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq, 4 bits"),
        (
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
            "bitsandbytes, 8 bits",
        ),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"compression_config": {"format": "pack-quantized"}}, "pack-quantized"),
        ({"text_config": {"quantization_config": {"quant_method": "awq", "bits": 4}}}, "awq, 4 bits"),
        ({"quantization_config": {"quant_method": ["a\nb"], "bits": "x"}}, "a method that it does not name"),
        ({"quantization_config": "x\ny"}, "a method that it does not name"),
    ],
)
def test_quantized_embeddings_are_refused_with_the_name_of_the_method(tmp_path, settings, said):
    directory = llama(tmp_path, **settings)
    assert read_checkpoint(directory).quantisation == said
    tensors = {EMBED: table(), HEAD: table(first=100), "lm_head.weight_scale": np.ones(1, np.float32)}
    save_file(tensors, directory / "model.safetensors")
    message = refusal(directory)
    assert f"is quantized ({said}), its embeddings too (lm_head.weight_scale): " in message
    assert message.endswith("pass a release that keeps them, or the unquantized model it was made from")


def test_a_configuration_may_say_that_nothing_is_quantized(tmp_path):
    config = {**LLAMA, "quantization_config": None}
    assert read_checkpoint(model(tmp_path, config, {EMBED: table(), HEAD: table()})).input.rows == 5


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_embeddings_of_an_integer_dtype_are_refused(tmp_path, dtype):
    message = refusal(model(tmp_path, LLAMA, {EMBED: table().astype(dtype), HEAD: table()}))
    assert f"{EMBED} is stored as " in message and "pass the unquantized model" in message


@pytest.mark.parametrize("kind", ["mt0", "llama5", ""])
def test_a_model_type_that_transformers_does_not_know_is_refused(tmp_path, kind):
    message = refusal(llama(tmp_path, model_type=kind))
    assert f"is of the model type {kind!r}, which transformers " in message
    assert message.endswith("install a version that does, or pass a base of another type")


def test_a_configuration_without_a_model_type_is_refused(tmp_path):
    assert "of the model type ''" in refusal(llama(tmp_path, model_type=None))


@pytest.mark.parametrize("size", [4, 6, "5"])
def test_a_vocabulary_size_that_is_not_the_number_of_rows_is_refused(tmp_path, size):
    message = refusal(llama(tmp_path, vocab_size=size))
    assert f"vocab_size in config.json is {size!r} and the embedding matrix has 5 rows" in message


def test_an_untied_model_without_an_lm_head_is_refused(tmp_path):
    message = refusal(model(tmp_path, LLAMA, {EMBED: table()}))
    assert "not tied, but there is no lm_head.weight" in message


def test_matrices_with_different_numbers_of_rows_are_refused(tmp_path):
    message = refusal(model(tmp_path, LLAMA, {EMBED: table(5), HEAD: table(6)}))
    assert f"{EMBED} has 5 rows and {HEAD} 6" in message


@pytest.mark.parametrize(
    "bad", [np.array(1, np.float32), np.ones(5, np.float32), np.ones((5, 4, 1), np.float32)]
)
def test_a_tensor_with_the_wrong_dimensions_is_refused(tmp_path, bad):
    assert "dimensions: the base is damaged" in refusal(model(tmp_path, LLAMA, {EMBED: bad, HEAD: table()}))


def test_a_truncated_shard_is_refused_before_anything_is_read_from_it(tmp_path):
    sharded(tmp_path, {HEAD: "two.safetensors", EMBED: "one.safetensors"})
    (tmp_path / "two.safetensors").write_bytes((tmp_path / "two.safetensors").read_bytes()[:-1])
    assert "two.safetensors is truncated" in refusal(tmp_path)


def test_the_real_base_is_read(smollm2):
    checkpoint = read_checkpoint(smollm2)
    assert checkpoint.tied
    assert checkpoint.input.map().shape == (49152, 576)
