"""A second extension on top of a first: both languages stay known, to every command that asks."""

import json
import re
from pathlib import Path

import pytest
import torch
from catalogue_files import names_in
from transformers import AutoModelForCausalLM

from vocabx import ExtendOptions, MergeOptions, TrainOptions, extend, merge, train
from vocabx.checkpoint.manifest import read_manifest
from vocabx.tokenizer.read_tokenizer import read_tokenizer

QUICK = ("--adversarial", 300, "--sample-bytes", 50_000)


@pytest.fixture(scope="module")
def russian(tmp_path_factory):
    path = tmp_path_factory.mktemp("russian") / "ru.txt"
    names = names_in("ru")
    path.write_text("\n\n".join("\n".join(names[i : i + 20]) for i in range(0, len(names), 20)), "utf-8")
    return path


@pytest.fixture(scope="module")
def first(small_extended):
    return small_extended(tied=True)


@pytest.fixture(scope="module")
def both(first, russian, small_extended, tmp_path_factory):
    """A checkpoint with Chinese and then Russian tokens."""
    out = tmp_path_factory.mktemp("both") / "both"
    options = ExtendOptions(
        base=str(first), lang="ru", corpus=(str(russian),), out=out, new_tokens=30, adversarial=50,
        base_text=(str(small_extended.texts / "en.txt"),), heldout_bytes=2000, evaluate=False,
    )  # fmt: skip
    assert extend(options).certificate.passed
    return out


@pytest.fixture
def texts(russian, small_extended):
    return (str(russian), str(small_extended.texts / "zh.jsonl"))


def trained(directory, out, texts, small_extended, **options):
    settings = {
        "method": "rows", "dtype": "float32", "corpus": texts, "replay_share": 0.0, "sequence_length": 48,
        "step_sequences": 2, "max_steps": 6, "heldout_bytes": 1000,
        "replay": (str(small_extended.texts / "en.txt"),), **options,
    }  # fmt: skip
    return train(TrainOptions(directory=directory, out=out, **settings)).record


def test_the_manifest_keeps_every_extension_oldest_first(first, both):
    before, after = read_manifest(first), read_manifest(both)
    assert before.chain == ()
    assert [step.language for step in after.steps] == ["zh-Hant", "ru"]
    assert after.chain[0].ranges == before.ranges
    assert after.chain[0].base == before.base
    assert after.ranges[0].first_id >= before.ranges[-1].first_id + before.ranges[-1].count


def test_both_languages_new_embeddings_train_unless_the_latest_is_asked_for(
    first, both, texts, small_extended, tmp_path
):
    starts = [read_manifest(directory).ranges[0].first_id for directory in (first, both)]
    every = trained(both, tmp_path / "all", texts, small_extended)
    latest = trained(both, tmp_path / "latest", texts, small_extended, new_rows="latest")
    assert [every.first_id, latest.first_id] == starts
    merge(MergeOptions(directory=tmp_path / "all", out=tmp_path / "merged", compare=False))
    before, after = (
        AutoModelForCausalLM.from_pretrained(directory).get_input_embeddings().weight.detach()
        for directory in (both, tmp_path / "merged")
    )
    assert torch.equal(before[: starts[0]], after[: starts[0]])
    changed = (before != after).any(1)[starts[0] :]
    assert changed[: starts[1] - starts[0]].any()
    assert changed[starts[1] - starts[0] :].any()


def test_training_is_remembered_by_what_is_made_of_the_result(both, texts, small_extended, tmp_path, russian):
    trained(both, tmp_path / "run", texts, small_extended)
    merge(MergeOptions(directory=tmp_path / "run", out=tmp_path / "merged", compare=False))
    options = ExtendOptions(
        base=str(tmp_path / "merged"), lang="el", corpus=(str(_greek(tmp_path)),), out=tmp_path / "third",
        new_tokens=10, adversarial=20, heldout_bytes=1000, evaluate=False,
        base_text=(str(small_extended.texts / "en.txt"),),
    )  # fmt: skip
    extend(options)
    steps = read_manifest(tmp_path / "third").steps
    assert [(step.language, step.trained) for step in steps] == [
        ("zh-Hant", False), ("ru", True), ("el", False),
    ]  # fmt: skip


def _greek(directory):
    path, names = directory / "el.txt", names_in("el")
    path.write_text("\n\n".join("\n".join(names[i : i + 20]) for i in range(0, len(names), 20)), "utf-8")
    return path


@pytest.mark.parametrize("ancestor", ["base", "first"])
def test_a_chain_is_verified_against_any_ancestor(vocabx, first, both, texts, ancestor):
    base = first if ancestor == "first" else Path(read_manifest(first).base.name)
    run = vocabx("verify", both, "--against", base, "--corpus", texts[0], *QUICK, "--json")
    assert run.code == 0, run.err or run.out
    found = json.loads(run.out)
    old, new = (read_tokenizer(directory).token_bytes for directory in (base, both))
    assert found["new_tokens"] == sum(index not in old and _is_text(data) for index, data in new.items())


def _is_text(data):
    """Whether bytes are whole characters; a byte-level tokenizer has tokens that are not."""
    try:
        return bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def test_a_model_outside_the_chain_is_refused(vocabx, both, texts, small_model):
    run = vocabx("verify", both, "--against", small_model(), "--corpus", texts[0], *QUICK)
    assert run.code == 2
    assert "is not the base of" in run.err


def test_the_card_names_both_languages(both):
    card = (both / "README.md").read_text("utf-8")
    header = card.split("---")[1]
    assert re.search(r"language:\s+- ru\s+- zh\n", header)
    assert "- Before: Chinese (Traditional) (`zh-Hant`), 40 new tokens" in card.replace("\\", "")
