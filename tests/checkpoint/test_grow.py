import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import ENCODERS, PLAIN
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from vocabx.checkpoint.grow import grow_checkpoint, grown_bytes
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import Mixture, from_rows, without_rows

SMALL = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
GPT = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "rotary_dim": 4}
NEO = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "attention_types": [[["global"], 1]]}
DISTIL = {"dim": 16, "hidden_dim": 32, "n_layers": 1, "n_heads": 2}
SHAPES = {
    "gpt2": GPT,
    "gptj": GPT,
    "gpt_neo": NEO,
    "distilbert": DISTIL,
    "electra": {**SMALL, "embedding_size": 16},
}
INDEX = "model.safetensors.index.json"


def random_model(directory: Path, kind: str = "llama", rows: int = 50, **save: object) -> Path:
    torch.manual_seed(0)
    settings = {**SHAPES.get(kind, SMALL), "vocab_size": rows, "bos_token_id": 0, "eos_token_id": 1}
    model = head_of(kind).from_config(AutoConfig.for_model(kind, **settings))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            # Biases are initialized to zero, which would hide a wrong order.
            torch.nn.init.normal_(parameter)
    model.save_pretrained(directory, **save)
    return directory


def head_of(kind: str):
    return AutoModelForMaskedLM if kind in ENCODERS else AutoModelForCausalLM


def mixture_of(old_rows: int) -> Mixture:
    """A copy of row 3, the middle of rows 0 and 4, and a mean of three rows."""
    parts = [([3], [1.0]), ([0, 4], [0.5, 0.5]), ([1, 2, 5], [0.25, 0.25, 0.5])]
    return from_rows([(np.array(ids), np.array(weights)) for ids, weights in parts], old_rows)


def mixed(table: torch.Tensor) -> torch.Tensor:
    wide = table.double()
    return torch.stack([wide[3], (wide[0] + wide[4]) / 2, (wide[1] + wide[2]) / 4 + wide[5] / 2]).to(
        table.dtype
    )


def grow(base: Path, target: Path, mixture: Mixture | None = None, suppressed: range = range(0)) -> Path:
    target.mkdir()
    checkpoint = read_checkpoint(base)
    grow_checkpoint(checkpoint, everywhere(mixture or mixture_of(checkpoint.input.rows)), target, suppressed)
    return target


def tensors_of(directory: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in sorted(directory.glob("*.safetensors")) for k, v in load_file(path).items()}


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def load(directory: Path):
    head = head_of(read_checkpoint(directory).config["model_type"])
    return head.from_pretrained(directory, local_files_only=True, dtype="auto").eval()


def same_bits(one: torch.Tensor, two: torch.Tensor) -> bool:
    if one.shape != two.shape or one.dtype != two.dtype:
        return False
    return torch.equal(one.contiguous().view(torch.uint8), two.contiguous().view(torch.uint8))


def check_grown(base: Path, target: Path, tables: set[str]) -> None:
    old, new = tensors_of(base), tensors_of(target)
    assert new.keys() == old.keys()
    for name in old.keys() - tables:
        assert same_bits(new[name], old[name]), name
    for name in tables:
        rows = len(old[name])
        assert same_bits(new[name][:rows], old[name]), name
        assert new[name].dtype == old[name].dtype, name
        # Mixed in float32: at most the last bit of the stored dtype may differ from the exact row.
        torch.testing.assert_close(new[name][rows:], mixed(old[name]))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shard", ["5GB", "300KB"])
def test_old_rows_and_all_other_tensors_keep_every_bit(tmp_path, tiny_model, dtype, tied, shard):
    base = tiny_model(tied=tied, dtype=dtype, rows=10_000, shard=shard)
    assert (base / INDEX).is_file() == (shard == "300KB")
    before = contents(base)
    target = grow(base, tmp_path / "out")
    tables = {"model.embed_tokens.weight"} | (set() if tied else {"lm_head.weight"})
    check_grown(base, target, tables)
    assert contents(base) == before
    model = load(target)
    assert model.dtype == getattr(torch, dtype)
    assert model.get_input_embeddings().weight.shape == (10_003, 16)
    assert model.get_output_embeddings().weight.shape == (10_003, 16)
    shared = model.get_input_embeddings().weight.data_ptr() == model.get_output_embeddings().weight.data_ptr()
    assert shared == tied == model.config.tie_word_embeddings
    assert model.config.vocab_size == 10_003


@pytest.mark.parametrize("kind", PLAIN)
def test_every_known_kind_of_model_is_extended_and_loads(tmp_path, kind):
    base = random_model(tmp_path / "base", kind)
    tables = {table.name for table in read_checkpoint(base).tables}
    target = grow(base, tmp_path / "out")
    check_grown(base, target, tables)
    old, new = load(base), load(target)
    assert len(new.get_input_embeddings().weight) == len(new.get_output_embeddings().weight) == 53
    ids = torch.tensor([[0, 7, 3, 49]])
    with torch.inference_mode():
        torch.testing.assert_close(new(ids).logits[..., :50], old(ids).logits)
        # The copy of row 3 behaves like token 3 as input and as output.
        renamed = new(torch.tensor([[0, 7, 50, 49]])).logits
    torch.testing.assert_close(renamed[..., :50], new(ids).logits[..., :50])
    torch.testing.assert_close(renamed[..., 50], renamed[..., 3])


@pytest.mark.parametrize("stored", [("cls.predictions.bias",), ("cls.predictions.decoder.bias",)])
@pytest.mark.parametrize("both", [True, False])
def test_every_bias_of_an_encoder_is_extended_whatever_its_name(tmp_path, stored, both):
    base = random_model(tmp_path / "base", "bert")
    tensors = tensors_of(base)
    names = {"cls.predictions.bias", "cls.predictions.decoder.bias"}
    bias = next(tensors[name] for name in names & tensors.keys())
    kept = {name: bias.clone() for name in (names if both else stored)}
    others = {name: tensor for name, tensor in tensors.items() if name not in names}
    save_file({**others, **kept}, base / "model.safetensors", metadata={"format": "pt"})
    target = grow(base, tmp_path / "out", None, range(52, 53))
    check_grown(base, target, {"bert.embeddings.word_embeddings.weight", *kept})
    assert load(target).get_output_embeddings().bias.shape == (53,)
    assert not (target / "generation_config.json").exists(), "an encoder does not generate"


@pytest.mark.parametrize("shard", ["2KB", "5GB"])
def test_the_index_of_a_sharded_model_is_right(tmp_path, shard):
    base = random_model(tmp_path / "base", max_shard_size=shard)
    if shard == "5GB":
        # A single shard with an index, as some tools write it.
        (base / "model.safetensors").rename(base / "model-00001-of-00001.safetensors")
        where = dict.fromkeys(tensors_of(base), "model-00001-of-00001.safetensors")
        (base / INDEX).write_text(json.dumps({"metadata": None, "weight_map": where}))
    target = grow(base, tmp_path / "out")
    index = json.loads((target / INDEX).read_text())
    assert index["metadata"]["total_size"] == sum(
        t.numel() * t.element_size() for t in tensors_of(target).values()
    )
    for name, file in index["weight_map"].items():
        assert name in load_file(target / file)
    assert index["weight_map"].keys() == tensors_of(base).keys()
    assert load(target).get_input_embeddings().weight.shape == (53, 16)


def test_a_tied_matrix_that_is_stored_twice_is_extended_twice(tmp_path):
    base = random_model(tmp_path / "base", "gpt2")
    tensors = tensors_of(base)
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    target = grow(base, tmp_path / "out")
    check_grown(base, target, {"lm_head.weight", "transformer.wte.weight"})
    assert load(target).get_output_embeddings().weight.shape == (53, 16)


def test_padding_rows_of_the_base_stay_before_the_new_rows(tmp_path):
    base = random_model(tmp_path / "base", rows=64)
    check_grown(
        base, grow(base, tmp_path / "out", mixture_of(50)), {"model.embed_tokens.weight", "lm_head.weight"}
    )


def test_a_mean_of_all_rows_is_the_mean_of_the_rows_of_tokens(tmp_path):
    base = random_model(tmp_path / "base", rows=64)
    target = grow(base, tmp_path / "out", without_rows(2, 50, 1.0, None))
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        mean = tensors_of(base)[name][:50].double().mean(dim=0).float()
        torch.testing.assert_close(tensors_of(target)[name][64:], mean.expand(2, -1), rtol=0, atol=1e-7)


def test_a_mixture_of_no_rows_copies_the_model(tmp_path):
    base = random_model(tmp_path / "base")
    target = grow(base, tmp_path / "out", without_rows(0, 50, 1.0, None))
    assert all(same_bits(tensors_of(target)[name], tensor) for name, tensor in tensors_of(base).items())


def test_progress_and_estimate_are_the_bytes_written(tmp_path):
    base = random_model(tmp_path / "base", max_shard_size="2KB")
    checkpoint = read_checkpoint(base)
    (tmp_path / "out").mkdir()
    steps: list[float] = []
    grow_checkpoint(checkpoint, everywhere(mixture_of(50)), tmp_path / "out", range(0), steps.append)
    written = sum(path.stat().st_size for path in (tmp_path / "out").glob("*.safetensors"))
    headers = sum(file.data_start for file in checkpoint.files) + 100
    assert abs(written - grown_bytes(checkpoint, 3)) < 100
    assert written - headers <= sum(steps) <= written


def test_padding_rows_are_never_generated(tmp_path):
    base = random_model(tmp_path / "base")
    # Padding rows with overwhelming logits, whatever the sign of the hidden state.
    loud = [(np.array([i]), np.array([sign * 100.0])) for i in range(4) for sign in (1, -1)]
    mixture = from_rows(loud, 50)
    inputs = {
        "input_ids": torch.tensor([[0, 7, 3]]),
        "attention_mask": torch.ones(1, 3),
        "max_new_tokens": 20,
    }
    heard = load(grow(base, tmp_path / "without", mixture)).generate(**inputs, do_sample=False)
    assert (heard[0, 3:] >= 50).any()
    target = grow(base, tmp_path / "with", mixture, range(50, 58))
    assert json.loads((target / "generation_config.json").read_text())["suppress_tokens"] == [*range(50, 58)]
    quiet = load(target).generate(**inputs, do_sample=False)
    assert quiet.shape[1] > 3 and (quiet < 50).all()


def test_ids_that_the_base_suppresses_stay_suppressed(tmp_path):
    base = random_model(tmp_path / "base")
    (base / "generation_config.json").write_text(
        json.dumps({"_from_model_config": True, "suppress_tokens": [51, 7], "temperature": 0.6})
    )
    config = json.loads(
        (grow(base, tmp_path / "out", None, range(51, 53)) / "generation_config.json").read_text()
    )
    assert config == {"suppress_tokens": [7, 51, 52], "temperature": 0.6}


def test_a_base_without_generation_settings_gets_them_only_for_padding_rows(tmp_path):
    base = random_model(tmp_path / "base")
    (base / "generation_config.json").unlink()
    assert not (grow(base, tmp_path / "none") / "generation_config.json").exists()
    assert (grow(base, tmp_path / "some", None, range(52, 53)) / "generation_config.json").exists()


def test_damaged_generation_settings_are_refused_in_one_line(tmp_path):
    base = random_model(tmp_path / "base")
    (base / "generation_config.json").write_text("{")
    with pytest.raises(BaseModelError, match=r"generation_config\.json is not JSON: download it again$"):
        grow(base, tmp_path / "out")


def test_the_configuration_changes_only_in_its_size(tmp_path):
    base = random_model(tmp_path / "base", "gemma")
    old = json.loads((base / "config.json").read_text())
    new = json.loads((grow(base, tmp_path / "out") / "config.json").read_text())
    assert new == {**old, "vocab_size": 53, "tie_word_embeddings": True}


def test_licenses_are_copied_and_stale_or_foreign_files_are_not(tmp_path):
    base = random_model(tmp_path / "base")
    carried = {"LICENSE", "LICENSE.txt", "NOTICE", "USE_POLICY.md", "preprocessor_config.json"}
    left = {
        "README.md", "pytorch_model.bin", "tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json",
        "tokenizer.model", "vocabx.json", "report.json", "special_tokens_map.json", "training.py",
    }  # fmt: skip
    for name in carried | left:
        (base / name).write_text("{}")
    target = grow(base, tmp_path / "out")
    assert set(contents(target)) == carried | {"config.json", "generation_config.json", "model.safetensors"}
