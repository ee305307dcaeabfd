"""vocabx merge: from a training run to a model that needs neither vocabx nor peft."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from finished_runs import LORA, QLORA, finished_run
from huggingface_hub import ModelCard
from tiny_models import tiny_model

from vocabx import ExtendOptions, MergeOptions, extend, merge
from vocabx.commands.merge.load_run import load_run

# The code of a user without vocabx and peft.
_ALONE = """
import json, sys
sys.modules["vocabx"] = sys.modules["peft"] = None
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
ids = tokenizer(sys.argv[2], return_tensors="pt").input_ids
with torch.no_grad():
    logits = model(ids).logits[0].tolist()
made = model.generate(ids, max_new_tokens=8, do_sample=False)
print(json.dumps({"ids": ids[0].tolist(), "logits": logits, "made": made.shape[1]}))
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory, verses, english) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("text")
    paths = {"chinese": directory / "chinese.txt", "english": directory / "english.txt"}
    paths["chinese"].write_text("\n".join(verses), encoding="utf-8")
    paths["english"].write_text("\n".join(english[:300]), encoding="utf-8")
    return paths


@pytest.fixture(scope="module")
def extended(tmp_path_factory, small_tokenizer, text) -> Path:
    """A small model with 200 new tokens; tests only change copies of it."""
    directory = tmp_path_factory.mktemp("extended")
    base = directory / "base"
    tiny_model("llama", 600, tied=False, max_position_embeddings=4096).save_pretrained(base)
    for path in small_tokenizer.iterdir():
        shutil.copyfile(path, base / path.name)
    options = ExtendOptions(
        base=str(base),
        lang="zh-Hant",
        out=directory / "out",
        corpus=(str(text["chinese"]),),
        base_text=(str(text["english"]),),
        new_tokens=200,
        adversarial=200,
        evaluate=False,
    )
    return extend(options).directory


@pytest.fixture
def trained(extended, tmp_path) -> Path:
    return made_run(extended, tmp_path / "run")


def made_run(base: Path, directory: Path, method=LORA) -> Path:
    first = json.loads((base / "vocabx.json").read_text())["ranges"][0]["first_id"]
    return finished_run(base, directory, method, first=first, language="zh-Hant")


def test_transformers_alone_loads_it_with_the_logits_of_the_trained_model(vocabx, trained, verses, tmp_path):
    out = tmp_path / "merged"
    run = vocabx("merge", trained, "--out", out, "--no-compare")
    assert run.code == 0, run.err
    ran = subprocess.run([sys.executable, "-I", "-c", _ALONE, out, verses[0]], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert max(found["ids"]) >= 600, "no new token in the text"
    with torch.no_grad():
        logits = load_run(trained)(torch.tensor([found["ids"]])).logits[0]
    torch.testing.assert_close(torch.tensor(found["logits"]), logits, rtol=1e-5, atol=1e-5)
    assert found["made"] == len(found["ids"]) + 8


def test_it_is_verified_from_its_records_and_against_the_first_base(
    vocabx, extended, trained, text, tmp_path
):
    out = tmp_path / "merged"
    assert vocabx("merge", trained, "--out", out, "--no-compare").code == 0
    records = vocabx("verify", out, "--records", "--json")
    assert records.code == 0, records.err
    claims = json.loads(records.out)["claims"]
    assert all(claim["holds"] for claim in claims)
    proven = vocabx(
        "verify",
        out,
        "--corpus",
        text["chinese"],
        "--base-text",
        text["english"],
        "--adversarial",
        100,
        "--json",
    )
    assert proven.code == 0, proven.err
    # Training changed the embedding matrix.
    (out / "model.safetensors").write_bytes((extended / "model.safetensors").read_bytes())
    assert vocabx("verify", out, "--records").code == 1


def test_the_comparison_is_printed(vocabx, trained, tmp_path):
    run = vocabx("merge", trained, "--out", tmp_path / "merged", "--json")
    assert run.code == 0, run.err
    told = json.loads(run.out)
    assert told["method"] == "lora"
    assert 0 < told["changed"] < told["tensors"]
    found = told["agreement"]
    assert 3000 < found["bytes"] <= 6000
    assert found["trained"] == pytest.approx(found["merged"], abs=1e-4)
    assert 0 <= found["divergence"] < 1e-6
    shown = vocabx("merge", trained, "--out", tmp_path / "shown")
    assert "bits per byte" in shown.out
    assert "divergence" in shown.out


def test_merging_onto_the_trained_weights_is_closer_than_onto_the_original(extended, tmp_path):
    run = made_run(extended, tmp_path / "run", QLORA)
    found = {
        onto: merge(MergeOptions(directory=run, out=tmp_path / onto, onto=onto)).agreement
        for onto in ("trained", "original")
    }
    assert found["trained"] is not None
    assert found["original"] is not None
    assert found["trained"].divergence < found["original"].divergence / 100


def test_the_card_describes_the_training(vocabx, extended, trained, tmp_path):
    out = tmp_path / "merged"
    assert vocabx("merge", trained, "--out", out, "--no-compare").code == 0
    before = (extended / "README.md").read_text()
    card = (out / "README.md").read_text()
    assert "not trained yet" in before
    assert "not trained" not in card
    assert "all other weights" not in card
    assert card.index("**This model was trained**") < card.index("- Base: ") < card.index("## Training")
    assert "Bits per byte, held-out text: 3.500 at the first measurement, 2.500 at the end" in card
    assert ModelCard(card).data.to_dict()["tags"] == ModelCard(before).data.to_dict()["tags"]
    again = tmp_path / "again"
    assert vocabx("merge", made_run(out, tmp_path / "second"), "--out", again, "--no-compare").code == 0
    card = (again / "README.md").read_text()
    assert card.count("## Training\n") == card.count("## Earlier training\n") == 1


def test_files_of_the_base_are_copied(vocabx, extended, trained, tmp_path):
    base, out = tmp_path / "copied", tmp_path / "merged"
    shutil.copytree(extended, base)
    (base / "LICENSE").write_text("free\n")
    run = vocabx("merge", trained, "--base", base, "--out", out, "--no-compare")
    assert run.code == 0, run.err
    new = {"training.json"}
    assert {path.name for path in out.iterdir()} == {path.name for path in base.iterdir()} | new
    for name in ("config.json", "tokenizer.json", "generation_config.json", "LICENSE", "report.json"):
        assert (out / name).read_bytes() == (base / name).read_bytes(), name


def test_a_merged_checkpoint_is_extended_without_its_training_record(vocabx, trained, text, tmp_path):
    out = tmp_path / "merged"
    assert vocabx("merge", trained, "--out", out, "--no-compare").code == 0
    run = vocabx(
        "extend", "--base", out, "--lang", "zh-Hant", "--corpus", text["chinese"],
        "--base-text", text["english"], "--new-tokens", 20, "--adversarial", 200, "--no-evaluate",
        "--out", tmp_path / "more",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert not (tmp_path / "more" / "training.json").exists()


def test_errors_are_reported_in_one_line(vocabx, trained, tmp_path):
    for arguments in (
        ("merge", tmp_path / "nothing", "--out", tmp_path / "out"),
        ("merge", trained, "--out", tmp_path / "out", "--onto", "both"),
        ("merge", trained, "--out", tmp_path / "out", "--base", tmp_path / "nothing"),
        ("merge", trained, "--out", trained),
    ):
        run = vocabx(*arguments)
        assert run.code == 2
        assert run.err.startswith("error: ")
        assert run.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
