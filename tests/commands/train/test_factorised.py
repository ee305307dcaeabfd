"""Training of factorized checkpoints: their factors train, and everything after it takes the result."""

import dataclasses
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vocabx import MergeOptions, merge
from vocabx.checkpoint.factorised import factorise_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.merge.load_run import load_run
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.plan import make_train_plan
from vocabx.commands.train.run import train
from vocabx.errors import BaseModelError, TrainingError
from vocabx.evaluation.load_model import load_factorised
from vocabx.training.factor_table import train_factors
from vocabx.training.masked_loss import MaskedLoss
from vocabx.training.masked_loss import find_abilities as find_head_abilities
from vocabx.training.methods import prepare
from vocabx.training.model_loss import ModelLoss, find_abilities

RANK = 8


@pytest.fixture(scope="session")
def options_of(small_factorised):
    def options(out, tied=True, **changes):
        texts = small_factorised.texts
        return dataclasses.replace(
            TrainOptions(
                directory=small_factorised(tied), out=out, method="lora", dtype="float32",
                corpus=(str(texts / "zh.jsonl"),), replay=(str(texts / "en.txt"),), sequence_length=48,
                step_sequences=4, max_steps=6, heldout_bytes=1000, text_bytes=60_000, lora_rank=4,
                rows_first=0.2, warmup=0.2, save_every=2, evaluate_every=3, rows_learning_rate=0.01,
            ),
            **changes,
        )  # fmt: skip

    return options


@pytest.mark.parametrize("tied", [True, False])
def test_the_factors_in_training_compute_what_the_checkpoint_does_in_float64(small_factorised, tied):
    plain = load_factorised(small_factorised(tied), "float64").eval()
    trained = load_factorised(small_factorised(tied), "float32").eval()
    split = train_factors(trained)
    kinds = {"input", "input_primitives"} | (set() if tied else {"output", "output_primitives"})
    assert set(split.parameters) == kinds
    rows = plain.get_input_embeddings().weight.shape[0]
    assert split.parameters["input"].shape == (rows, RANK)
    ids = torch.arange(0, rows, 7)[None]
    with torch.no_grad():
        found, expected = trained(ids).logits, plain(ids).logits
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_the_gradients_of_the_factors_are_those_of_the_product(small_factorised, tied):
    model = load_factorised(small_factorised(tied), "float32")
    split = train_factors(model)
    loss = ModelLoss(model, find_abilities(model))
    assert loss.abilities.plain
    ids = torch.arange(24).reshape(2, 12)
    loss(ids, torch.arange(12).repeat(2, 1), ids)["loss"].backward()
    twin = load_factorised(small_factorised(tied), "float64")
    embedding, head = twin.get_input_embeddings(), twin.get_output_embeddings()
    with torch.no_grad():
        for module, kind in ((embedding, "input"), (head, "input" if tied else "output")):
            module.weight.copy_(split.parameters[kind])
            module.primitives.copy_(split.parameters[f"{kind}_primitives"])
    torch.nn.functional.cross_entropy(twin(ids).logits.flatten(0, 1), ids.flatten()).backward()
    for kind, module in (("input", embedding), *([] if tied else [("output", head)])):
        for name, expected in ((kind, module.weight), (f"{kind}_primitives", module.primitives)):
            found = split.parameters[name].grad
            torch.testing.assert_close(found.double(), expected.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("method", ["lora", "rows", "full"])
def test_a_trained_run_is_merged_into_what_was_trained(options_of, tmp_path, method, tied):
    options = options_of(tmp_path / "run", tied, method=method)
    done = train(options)
    assert done.finished
    bits = [one["target_bits"] for one in done.metrics if "target_bits" in one]
    assert bits[-1] < bits[0]
    result = merge(MergeOptions(directory=tmp_path / "run", out=tmp_path / "merged", compare=False))
    before, after = (
        load_file(options.directory / "model.safetensors"),
        load_file(tmp_path / "merged" / "model.safetensors"),
    )
    assert {name: tensor.shape for name, tensor in before.items()} == {
        name: tensor.shape for name, tensor in after.items()
    }
    assert not torch.equal(before["model.embed_tokens.primitives"], after["model.embed_tokens.primitives"])
    moved = (before["model.embed_tokens.weight"] != after["model.embed_tokens.weight"]).any(dim=1)
    assert moved[:600].any()
    assert moved[600:].any()
    assert result.changed >= 2
    trained, merged = load_run(tmp_path / "run"), load_factorised(tmp_path / "merged", "float32").eval()
    ids = torch.arange(0, 640, 5)[None]
    with torch.no_grad():
        torch.testing.assert_close(trained(ids).logits, merged(ids).logits, rtol=1e-4, atol=1e-4)
    config = json.loads((tmp_path / "merged" / "config.json").read_text("utf-8"))
    assert config["factorised"]["rank"] == RANK


def test_a_run_that_is_interrupted_goes_on_to_the_same_bits(options_of, tmp_path):
    train(options_of(tmp_path / "whole"))
    stopped = train(options_of(tmp_path / "parts", stop_after=1e-6))
    assert not stopped.finished
    assert train(options_of(tmp_path / "parts", resume=True)).finished
    whole, parts = (load_file(tmp_path / name / "rows.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"lora_tables": True}, "--lora-tables"), ({"composition": 4}, "--composition"),
     ({"align_weight": 0.1}, "--align-weight")],
)  # fmt: skip
def test_what_needs_whole_embeddings_is_refused_before_the_work(options_of, tmp_path, changes, named):
    with pytest.raises(TrainingError, match=f"is factorized.*{named} needs whole embeddings"):
        train(options_of(tmp_path / "run", tied=False, **changes))


def test_damaged_primitives_are_refused(options_of, small_factorised, tmp_path):
    shutil.copytree(small_factorised(), tmp_path / "damaged")
    tensors = load_file(tmp_path / "damaged" / "model.safetensors")
    tensors["model.embed_tokens.primitives"][1, 2] = float("nan")
    save_file(tensors, tmp_path / "damaged" / "model.safetensors", {"format": "pt"})
    with pytest.raises(BaseModelError, match=r"row 1 of model\.embed_tokens\.primitives holds NaN"):
        train(options_of(tmp_path / "run", directory=tmp_path / "damaged"))


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_plan_counts_every_parameter_that_trains(options_of, tmp_path, method):
    plan = make_train_plan(options_of(tmp_path / "run", tied=False, method=method), "cpu", 1)
    prepared = prepare(plan.options.directory, plan.method, plan.first_id, 0, "cpu")
    trained = [one.numel() for one in prepared.model.parameters() if one.requires_grad]
    assert sum(plan.trained.values()) == sum(trained)


def test_an_encoders_factors_train_with_the_bias_of_its_head(encoder, tmp_path):
    base = encoder("bert")
    shutil.copytree(base, tmp_path / "factors")
    checkpoint = read_checkpoint(base)
    factorise_checkpoint(tmp_path / "factors", checkpoint, checkpoint.input.rows, RANK, 0.5)
    model = load_factorised(tmp_path / "factors", "float32")
    ids = torch.arange(5, 29)[None]
    before = model.eval()(ids).logits.detach()
    split = train_factors(model)
    assert set(split.parameters) == {"input", "input_primitives", "bias"}
    torch.testing.assert_close(model(ids).logits, before, rtol=1e-4, atol=1e-5)
    loss = MaskedLoss(model, find_head_abilities(model))
    assert loss.abilities.plain
    loss(ids, torch.ones_like(ids), ids)["loss"].backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in split.parameters.values())
