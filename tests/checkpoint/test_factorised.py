import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from json_lines import JsonLines
from safetensors.torch import load_file, save_file
from tiny_models import ENCODERS, PLAIN
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from vocabx.checkpoint.factorised import CODE, check_factorisable, factorise_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.evaluation.bits_per_byte import bits_per_byte, split_for_scoring
from vocabx.evaluation.load_model import load_factorised
from vocabx.mixture.factorise import factorise
from vocabx.tokenizer.read_tokenizer import read_tokenizer

SMALL = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
GPT = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "rotary_dim": 4}
NEO = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "attention_types": [[["global"], 1]]}
SHAPES = {"gpt2": GPT, "gptj": GPT, "gpt_neo": NEO}
IDS = torch.tensor([[0, 7, 3, 49, 12, 5]])
INDEX = "model.safetensors.index.json"


def random_model(directory: Path, kind: str = "llama", tied: bool = True, dtype: str = "float32", **save):
    torch.manual_seed(0)
    settings = {
        **SHAPES.get(kind, SMALL),
        "vocab_size": 50,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "tie_word_embeddings": tied,
    }
    auto = AutoModelForMaskedLM if kind in ENCODERS else AutoModelForCausalLM
    model = auto.from_config(AutoConfig.for_model(kind, **settings)).to(getattr(torch, dtype))
    with torch.no_grad():
        # A nonzero bias, since losing a zero would go unnoticed.
        for name, values in model.named_parameters():
            if name.endswith("bias"):
                values.normal_()
    model.save_pretrained(directory, **save)
    return directory


def factorised(base: Path, target: Path, rank: int = 16, balance: float = 0.0):
    shutil.copytree(base, target)
    return factorise_checkpoint(target, read_checkpoint(base), 50, rank, balance)


def logits_of(model) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(IDS).logits


def whole(directory: Path):
    config = json.loads((directory / "config.json").read_text())
    auto = AutoModelForMaskedLM if config["model_type"] in ENCODERS else AutoModelForCausalLM
    return auto.from_pretrained(directory, local_files_only=True, dtype="auto")


def tensors_of(directory: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in sorted(directory.glob("*.safetensors")) for k, v in load_file(path).items()}


@pytest.fixture(scope="module")
def load_in(tmp_path_factory):
    """A function that returns the process that loads models in a version of transformers."""
    here = Path(__file__).resolve().parents[1]
    pythons = {4: here.parent / ".venv" / "transformers4" / "bin" / "python", 5: sys.executable}
    # The environment of transformers 4 uses the torch of this one.
    arguments = ("-I", here / "transformers4" / "load.py", Path(torch.__file__).parents[1])
    processes = {}

    def process(version):
        if version not in processes:
            cache = str(tmp_path_factory.mktemp("cache"))
            environment = {**os.environ, "HF_HOME": cache, "HF_HUB_OFFLINE": "1"}
            processes[version] = JsonLines([pythons[version], *arguments], environment)
        return processes[version]

    yield process
    for started in processes.values():
        started.close()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", PLAIN)
def test_at_full_rank_every_kind_of_model_gives_the_logits_of_the_dense_one(tmp_path, kind, tied):
    base = random_model(tmp_path / "base", kind, tied)
    # The embedding matrices of ELECTRA are wider than they have rows.
    done = factorised(base, tmp_path / "out", min(50, read_checkpoint(base).input.map().shape[1]), 0.5)
    assert all(error < 1e-5 for error in done.errors.values())
    assert len(done.errors) == (1 if tied else 2)
    model = load_factorised(tmp_path / "out")
    torch.testing.assert_close(logits_of(model), logits_of(whole(base)), atol=1e-4, rtol=0)
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert (embedding.weight is head.weight) == (embedding.primitives is head.primitives) == tied


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_at_a_lower_rank_the_rows_are_the_best_approximation(tmp_path, balance):
    base = random_model(tmp_path / "base", tied=False)
    done = factorised(base, tmp_path / "out", 5, balance)
    old, new = tensors_of(base), tensors_of(tmp_path / "out")
    for name in ("model.embed_tokens", "lm_head"):
        table = old[f"{name}.weight"].double().numpy()
        u, s, v = np.linalg.svd(table, full_matrices=False)
        best = (u[:, :5] * s[:5]) @ v[:5]
        product = (new[f"{name}.weight"] @ new[f"{name}.primitives"]).numpy()
        np.testing.assert_allclose(product, best, atol=1e-6)
        error = np.linalg.norm(table - best) / np.linalg.norm(table)
        assert done.errors[f"{name}.weight"] == pytest.approx(error, rel=1e-4)
        # The balance moves the singular values from one factor to the other.
        lengths = np.linalg.norm(new[f"{name}.primitives"].numpy(), axis=1)
        np.testing.assert_allclose(lengths, s[:5] ** (1 - balance), rtol=1e-4)
    for name in old.keys() - {"model.embed_tokens.weight", "lm_head.weight"}:
        assert torch.equal(new[name], old[name])


def test_primitives_depend_on_the_base_alone_and_rows_of_ofa_keep_their_coordinates(tmp_path):
    base = random_model(tmp_path / "base")
    tensors = tensors_of(base)
    table = tensors["model.embed_tokens.weight"]
    factors = factorise(table.numpy(), 5)
    weights = np.random.default_rng(0).dirichlet(np.ones(50), 7).astype("f4")
    mixed = weights @ factors.coordinates
    grown = tmp_path / "grown"
    shutil.copytree(base, grown)
    rows = torch.from_numpy(mixed @ factors.primitives)
    tensors["model.embed_tokens.weight"] = torch.cat([table, rows])
    save_file(tensors, grown / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((grown / "config.json").read_text())
    (grown / "config.json").write_text(json.dumps({**config, "vocab_size": 57}))
    factorise_checkpoint(grown, read_checkpoint(base), 50, 5)
    made = tensors_of(grown)
    np.testing.assert_allclose(made["model.embed_tokens.primitives"], factors.primitives, atol=1e-6)
    np.testing.assert_allclose(made["model.embed_tokens.weight"][50:], mixed, atol=1e-5)
    np.testing.assert_allclose(made["model.embed_tokens.weight"][:50], factors.coordinates, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_the_number_of_parameters_follows_the_formula(tmp_path, tied):
    base = random_model(tmp_path / "base", tied=tied)
    done = factorised(base, tmp_path / "out", 5)
    tables = 1 if tied else 2
    assert done.parameters == tables * 5 * (50 + 16)
    assert done.dense_parameters == tables * 50 * 16
    before, after = whole(base), load_factorised(tmp_path / "out")
    assert before.num_parameters() - after.num_parameters() == done.dense_parameters - done.parameters


def test_the_number_of_parameters_is_that_of_the_paper():
    # OFA: 401,145 tokens of width 768 are 308.1 M parameters, and 40.2 M at rank 100.
    rows, width = 401_145, 768
    assert round(rows * width / 1e6, 1) == 308.1
    assert round(100 * (rows + width) / 1e6, 1) == 40.2


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
@pytest.mark.parametrize("tied", [True, False])
def test_training_changes_both_factors_and_saves_them(tmp_path, kind, tied):
    factorised(random_model(tmp_path / "base", kind, tied), tmp_path / "out", 8, 0.5)
    model = load_factorised(tmp_path / "out").train()
    before = {name: values.detach().clone() for name, values in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    losses = []
    for _ in range(6):
        loss = model(IDS, labels=IDS).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    moved = {name for name, values in model.named_parameters() if not torch.equal(values, before[name])}
    factors = [name for name in before if name.endswith(".primitives")]
    assert len(factors) == (1 if tied else 2)
    assert {*factors, *(name.removesuffix("primitives") + "weight" for name in factors)} <= moved
    model.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / CODE).read_bytes() == (tmp_path / "out" / CODE).read_bytes()
    torch.testing.assert_close(logits_of(load_factorised(tmp_path / "saved")), logits_of(model))


@pytest.mark.parametrize(
    ("kind", "tied"),
    # Untied BERT is left out: the two versions load its two biases differently, factorized or not.
    [
        *(("llama", tied) for tied in (True, False)),
        *(
            pytest.param(kind, tied, marks=pytest.mark.slow)
            for kind in ("gpt2", "gemma3_text", "gpt_neox")
            for tied in (True, False)
        ),
        ("bert", True),
    ],
)
@pytest.mark.parametrize("version", [4, 5])
def test_both_versions_of_transformers_load_it_with_its_code(load_in, tmp_path, kind, tied, version):
    factorised(random_model(tmp_path / "base", kind, tied), tmp_path / "out", 6)
    request = {
        "directory": str(tmp_path / "out"),
        "ids": IDS[0].tolist(),
        "save": str(tmp_path / "saved"),
    }
    found = load_in(version).ask(request)
    assert found["version"].startswith(f"{version}.")
    assert found["tied"] == [tied, tied]
    expected = logits_of(load_factorised(tmp_path / "out"))[0]
    torch.testing.assert_close(torch.tensor(found["logits"]), expected, atol=1e-5, rtol=0)
    assert found["again"] == found["logits"]


def test_it_generates_and_refuses_to_be_resized(tmp_path):
    factorised(random_model(tmp_path / "base"), tmp_path / "out", 6)
    model = load_factorised(tmp_path / "out")
    made = model.generate(IDS, attention_mask=torch.ones_like(IDS), max_new_tokens=5, do_sample=False)
    assert made.shape[1] > IDS.shape[1]
    with pytest.raises(ValueError, match=r"cannot be resized to 60 rows: extend the base with vocabx again"):
        model.resize_token_embeddings(60)
    assert model.resize_token_embeddings(50) is model.get_input_embeddings()


def test_a_fresh_model_of_the_class_has_embeddings_of_the_usual_spread(tmp_path):
    factorised(random_model(tmp_path / "base"), tmp_path / "out", 6)
    model = type(load_factorised(tmp_path / "out"))(AutoConfig.from_pretrained(tmp_path / "out"))
    table = model.get_input_embeddings()
    assert 0.01 < (table.weight @ table.primitives).std().item() < 0.04


def test_the_class_leaves_a_dense_model_dense(tmp_path):
    base = random_model(tmp_path / "base")
    factorised(base, tmp_path / "out", 6)
    made = type(load_factorised(tmp_path / "out")).from_pretrained(base)
    torch.testing.assert_close(logits_of(made), logits_of(whole(base)))
    made.resize_token_embeddings(60)
    assert made.get_output_embeddings().weight.shape == (60, 16)


def test_without_its_code_it_is_not_loaded_as_another_class(tmp_path):
    factorised(random_model(tmp_path / "base"), tmp_path / "out", 6)
    with pytest.raises((RuntimeError, ValueError)):
        AutoModelForCausalLM.from_pretrained(tmp_path / "out", trust_remote_code=False)


@pytest.mark.parametrize("shard", ["2KB", "5GB"])
def test_shards_and_a_tied_matrix_that_is_stored_twice_are_factorised(tmp_path, shard):
    base = random_model(tmp_path / "base", "gpt2", max_shard_size=shard)
    if shard == "5GB":
        tensors = tensors_of(base)
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()
        save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    factorised(base, tmp_path / "out", 16)
    if shard == "2KB":
        index = json.loads((tmp_path / "out" / INDEX).read_text())
        assert index["weight_map"].keys() == tensors_of(tmp_path / "out").keys()
        sizes = [t.numel() * t.element_size() for t in tensors_of(tmp_path / "out").values()]
        assert index["metadata"]["total_size"] == sum(sizes)
    assert "lm_head.weight" not in tensors_of(tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.part"))
    model = load_factorised(tmp_path / "out")
    torch.testing.assert_close(logits_of(model), logits_of(whole(base)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_factors_have_the_dtype_of_the_matrix_and_the_error_includes_rounding(tmp_path, dtype):
    base = random_model(tmp_path / "base", dtype=dtype)
    done = factorised(base, tmp_path / "out", 16)
    made = tensors_of(tmp_path / "out")
    f, p = (made[f"model.embed_tokens.{name}"] for name in ("weight", "primitives"))
    assert f.dtype == p.dtype == getattr(torch, dtype)
    old = tensors_of(base)["model.embed_tokens.weight"].double()
    error = ((old - f.double() @ p.double()).norm() / old.norm()).item()
    assert done.errors["model.embed_tokens.weight"] == pytest.approx(error, rel=1e-3)
    assert 0 < error < 0.01


def test_bits_per_byte_at_full_rank_are_those_of_the_dense_model(tmp_path, tiny_model, english):
    base = tiny_model(dtype="float32")
    shutil.copytree(base, tmp_path / "out")
    factorise_checkpoint(tmp_path / "out", read_checkpoint(base), 49152, 16)
    tokenizer = read_tokenizer(base)
    texts = [split_for_scoring(english[:5], 1000)]
    before, after = (bits_per_byte(where, tokenizer, texts)[0] for where in (base, tmp_path / "out"))
    assert after.whole == pytest.approx(before.whole, abs=1e-4)


def test_what_cannot_be_factorised_is_refused_in_one_line(tmp_path):
    base = read_checkpoint(random_model(tmp_path / "base"))
    with pytest.raises(BaseModelError, match=r"^--rank is 17: .* 50 rows and width 16, so pass 1 to 16$"):
        check_factorisable(base, 50, 17)
    factorised(tmp_path / "base", tmp_path / "out", 6)
    with pytest.raises(BaseModelError, match=r"is factorized already: omit --factorised$"):
        check_factorisable(read_checkpoint(tmp_path / "out"), 50, 4)
    with pytest.raises(BaseModelError, match=r"is not factorized: load it with"):
        load_factorised(tmp_path / "base")
    config = json.loads((tmp_path / "base" / "config.json").read_text())
    made = tensors_of(tmp_path / "out")
    del made["model.embed_tokens.primitives"]
    save_file(made, tmp_path / "out" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match=r"lacks .*primitives: a file is missing or damaged$"):
        load_factorised(tmp_path / "out")
    (tmp_path / "base" / "config.json").write_text(json.dumps({**config, "architectures": ["LlamaModel"]}))
    with pytest.raises(BaseModelError, match=r"architecture LlamaModel.*omit --factorised$"):
        check_factorisable(read_checkpoint(tmp_path / "base"), 50, 4)
