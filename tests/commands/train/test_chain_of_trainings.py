"""Extended, trained, merged, extended for a second language and trained again, dense and factorized.

Each result is asked by every command that reads checkpoints, and verified against everything it was made of.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from catalogue_files import names_in
from safetensors.torch import load_file

from vocabx import ExtendOptions, MergeOptions, TrainOptions, extend, merge, train
from vocabx.checkpoint.manifest import read_manifest
from vocabx.evaluation.load_model import load_model

pytestmark = pytest.mark.slow
QUICK = ("--adversarial", 100, "--sample-bytes", 30_000)


@pytest.fixture(scope="module", params=["dense", "factorized"])
def chain(request, small_extended, small_factorised, tmp_path_factory):
    """The directories of a chain by name, in the order in which they were made."""
    place, texts = tmp_path_factory.mktemp(request.param), small_extended.texts
    names = names_in("ru")
    russian = place / "ru.txt"
    russian.write_text("\n\n".join("\n".join(names[i : i + 20]) for i in range(0, len(names), 20)), "utf-8")
    first = small_extended() if request.param == "dense" else small_factorised()
    made = {"base": Path(read_manifest(first).base.name), "first": first}

    def train_and_merge(name, corpus):
        settings = {
            "method": "lora", "dtype": "float32", "corpus": corpus, "sequence_length": 48, "lora_rank": 4,
            "step_sequences": 2, "max_steps": 6, "heldout_bytes": 1000, "replay": (str(texts / "en.txt"),),
        }  # fmt: skip
        train(TrainOptions(directory=made[name], out=place / f"{name}-run", **settings))
        made[f"{name}-trained"] = place / f"{name}-trained"
        merge(MergeOptions(directory=place / f"{name}-run", out=made[f"{name}-trained"], compare=False))

    train_and_merge("first", (str(texts / "zh.jsonl"),))
    made["second"] = place / "second"
    extend(
        ExtendOptions(
            base=str(made["first-trained"]), lang="ru", corpus=(str(russian),), out=made["second"],
            new_tokens=30, adversarial=50, base_text=(str(texts / "en.txt"),), heldout_bytes=2000,
            evaluate=False,
        )
    )  # fmt: skip
    train_and_merge("second", (str(russian), str(texts / "zh.jsonl")))
    made["corpus"] = russian
    return made


@pytest.mark.parametrize("ancestor", ["base", "first", "first-trained", "second"])
def test_the_end_of_a_chain_is_verified_against_each_of_its_ancestors(vocabx, chain, ancestor):
    last = chain["second-trained"]
    run = vocabx("verify", last, "--against", chain[ancestor], "--corpus", chain["corpus"], *QUICK, "--json")
    assert run.code == 0, run.err or run.out
    assert json.loads(run.out)["passed"]


def test_the_manifest_holds_the_whole_chain(chain):
    manifest = read_manifest(chain["second-trained"])
    assert [(step.language, step.trained) for step in manifest.steps] == [("zh-Hant", True), ("ru", True)]
    own = [read_manifest(chain[name]).tables for name in ("first", "first-trained", "second")]
    assert all(tables in manifest.ancestors for tables in own)


def test_every_command_takes_the_end_of_a_chain(vocabx, chain, tmp_path):
    last, corpus = chain["second-trained"], chain["corpus"]
    doctor = vocabx("doctor", last)
    assert doctor.code == 0, doctor.err or doctor.out
    inspect = vocabx("inspect", last, "--lang", "ru", "--corpus", corpus)
    assert inspect.code == 0, inspect.err
    evaluated = vocabx(
        "evaluate", chain["second"], last, "--lang", "ru", "--corpus", corpus, "--out", tmp_path / "out",
        "--heldout-bytes", 1000,
    )  # fmt: skip
    assert evaluated.code == 0, evaluated.err


def test_the_card_and_the_page_tell_of_both_languages_and_trainings(chain):
    card = (chain["second-trained"] / "README.md").read_text("utf-8")
    assert "**This model was trained**" in card
    assert "- Before: Chinese (Traditional) (`zh-Hant`), 40 new tokens" in card.replace("\\", "")
    assert "This model was trained since" in (chain["second-trained"] / "report.html").read_text("utf-8")


def test_a_second_extension_keeps_what_the_first_had_trained(chain):
    before, after = (load_file(chain[name] / "model.safetensors") for name in ("first-trained", "second"))
    for name, tensor in before.items():
        assert torch.equal(after[name][: len(tensor)], tensor), name


def test_a_chain_of_factors_is_multiplied_out_into_a_model_of_the_same_logits(vocabx, chain, tmp_path):
    last, out = chain["second-trained"], tmp_path / "dense"
    run = vocabx("export", last, "--dense", out)
    if "factorised" not in json.loads((last / "config.json").read_text("utf-8")):
        assert run.code == 2
        assert "is dense already" in run.err
        return
    assert run.code == 0, run.err
    assert not (out / "modeling_factorised.py").exists()
    ids = torch.arange(0, 660, 3)[None]
    with torch.no_grad():
        found, expected = (load_model(directory).eval()(ids).logits for directory in (out, last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    factors, product = load_file(last / "model.safetensors"), load_file(out / "model.safetensors")
    exact = factors["model.embed_tokens.weight"].double() @ factors["model.embed_tokens.primitives"].double()
    np.testing.assert_allclose(product["model.embed_tokens.weight"].double(), exact, rtol=1e-5, atol=1e-6)
    assert vocabx("verify", out, "--records").code == 0
    assert vocabx("doctor", out).code == 0
    assert vocabx("export", out, "--gguf", tmp_path / "model.gguf").code == 0


def test_a_chain_is_pruned_and_its_weights_follow(vocabx, chain, tmp_path):
    last, corpus = chain["second-trained"], chain["corpus"]
    pruned = vocabx(
        "extend", "--base", last, "--lang", "ru", "--corpus", corpus, "--prune", 10, "--tokenizer-only",
        "--adversarial", 50, "--out", tmp_path / "tokenizer",
    )  # fmt: skip
    assert pruned.code == 0, pruned.err
    moved = vocabx(
        "transfer", "--base", last, "--tokenizer", tmp_path / "tokenizer", "--lang", "ru", "--corpus", corpus,
        "--out", tmp_path / "out", "--init", "mean", "--no-evaluate",
    )  # fmt: skip
    assert moved.code == 0, moved.err
    assert [step.language for step in read_manifest(tmp_path / "out").chain] == ["zh-Hant", "ru"]


def test_a_chain_is_transferred(vocabx, chain, small_tokenizer, small_extended, tmp_path):
    run = vocabx(
        "transfer", "--base", chain["second-trained"], "--tokenizer", small_tokenizer, "--lang", "en",
        "--corpus", small_extended.texts / "en.txt", "--out", tmp_path / "out", "--init", "mean",
        "--no-evaluate",
    )  # fmt: skip
    assert run.code == 0, run.err
    form = read_manifest(tmp_path / "out").initializer.form
    assert form == read_manifest(chain["second-trained"]).initializer.form
    load_model(tmp_path / "out")
