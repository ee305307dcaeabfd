"""extend --untie from the command line: its files, what is told of it, and the commands that follow it."""

import json
import subprocess
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.tokenizer.read_tokenizer import read_tokenizer

ROOT = Path(__file__).resolve().parents[3]
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
# Of the page, the card and the terminal.
TOLD = "eeve has one rule for input embeddings and another for the lm_head; here they share one matrix"


def read(directory: Path, name: str):
    return json.loads((directory / name).read_text("utf-8"))


def test_old_rows_are_there_twice_and_new_ones_follow_both_rules(extend, small_model, tmp_path):
    base, out = small_model(dtype="float32"), tmp_path / "out"
    ran = extend(base, "--untie", "--init", "eeve", "--hash")
    assert ran.code == 0, ran.err
    assert TOLD not in ran.out + ran.err
    old, new = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
    rows = len(old[EMBEDDING])
    assert set(new) == {*old, HEAD}
    for name in (EMBEDDING, HEAD):
        assert new[name][:rows].tobytes() == old[EMBEDDING].tobytes()
    for name in old.keys() - {EMBEDDING}:
        assert new[name].tobytes() == old[name].tobytes()
    # Output rows are copies of old ones, input rows of several pieces are not.
    known = {row.tobytes() for row in old[EMBEDDING]}
    assert all(row.tobytes() in known for row in new[HEAD][rows : rows + 40])
    assert not all(row.tobytes() in known for row in new[EMBEDDING][rows : rows + 40])
    manifest, config = read(out, "vocabx.json"), read(out, "config.json")
    assert manifest["tied"] is config["tie_word_embeddings"] is False
    assert set(manifest["tables"]) == {EMBEDDING, HEAD} and set(manifest["base"]["tables"]) == {EMBEDDING}
    claims = {one["name"]: one for one in manifest["certificate"]}
    assert (claims["untied-rows"]["checked"], claims["untied-rows"]["failed"]) == (2 * rows + 1, 0)
    assert claims["other-tensors"]["failed"] == 0
    report = read(out, "report.json")
    assert report["untied"] and not report["tied"] and not report["rule"]
    assert [norms["table"] for norms in report["norms"]] == ["input", "output"]
    assert "which are tied in the base" in (out / "README.md").read_text("utf-8")
    assert "which the base has as one" in (out / "report.html").read_text("utf-8")


def test_transformers_4_and_5_give_the_logits_of_the_tied_base(extend, small_model, tmp_path, transformers4):
    base = small_model(dtype="float32")
    assert extend(base, "--untie", "--init", "adaptivocab").code == 0
    request = {
        "torch": str(Path(torch.__file__).parents[1]),
        "ids": [4, 99, 3, 250, 17],
        "directories": [str(base), str(tmp_path / "out")],
    }
    for python in (".venv/bin/python", ".venv/transformers4/bin/python"):
        ran = subprocess.run(
            [ROOT / python, "-I", ROOT / "tests/transformers4/logits.py"],
            input=json.dumps(request), capture_output=True, text=True,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        before, after = json.loads(ran.stdout)["answers"]
        assert (before["tied"], after["tied"], after["unmatched"]) == (True, False, [])
        rows = len(before["logits"][0])
        assert [position[:rows] for position in after["logits"]] == before["logits"]


def test_records_tokenizer_and_doctor_find_nothing_wrong(vocabx, extend, small_model, tmp_path):
    # With one rule for both, all rows of both matrices are equal, which is a fault elsewhere.
    base = small_model()
    assert extend(base, "--untie", "--hash").code == 0
    out = tmp_path / "out"
    assert vocabx("verify", out, "--records").code == 0
    found = vocabx("doctor", out, "--base", base, "--json")
    names = [finding["name"] for finding in json.loads(found.out)["findings"]]
    assert found.code == 0 and not {"tie-lost", "untied", "no-head"} & set(names)
    manifest = read(out, "vocabx.json")
    (out / "vocabx.json").write_text(json.dumps({**manifest, "tied": True}))
    found = json.loads(vocabx("doctor", out, "--base", base, "--json").out)
    assert {"tie-lost", "untied"} <= {finding["name"] for finding in found["findings"]}


def test_a_dry_run_shows_what_it_costs(extend, small_model, tmp_path):
    base = small_model()
    plans = [json.loads(extend(base, *more, "--dry-run", "--json").out) for more in ((), ("--untie",))]
    size = plans[1]["rows"] * plans[1]["width"] * 2
    assert [plan["untie_bytes"] for plan in plans] == [0, size]
    assert [plan["tied"] for plan in plans] == [True, False]
    assert plans[1]["disk_bytes"] - plans[0]["disk_bytes"] == size
    shown = extend(base, "--untie", "--dry-run").out
    assert f"untied (+{size / 1e6:.1f} MB on disk and in memory)" in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), "has an lm_head of its own already: leave out --untie"),
        (("--tokenizer-only",), "--untie writes a dense lm_head, and --tokenizer-only writes none"),
        (("--factorised", "--init", "ofa", "--rank", 4), "--untie writes a dense lm_head, and --factorised"),
    ],
)
def test_what_cannot_be_untied_is_refused_before_the_work(extend, small_model, tmp_path, more, sentence):
    ran = extend(small_model(tied=False), "--untie", *more)
    assert ran.code == 2
    assert ran.err.count("\n") == 1 and sentence in ran.err
    assert not list(tmp_path.glob("out*"))


def test_on_a_tied_result_everything_says_that_the_rule_of_the_input_was_taken(extend, small_model, tmp_path):
    base, out = small_model(dtype="float32"), tmp_path / "out"
    assert TOLD in extend(base, "--init", "eeve", "--dry-run").out.replace("\n", " ")
    ran = extend(base, "--init", "eeve")
    assert ran.code == 0 and TOLD in ran.err and TOLD in ran.out
    assert read(out, "report.json")["rule"].startswith(TOLD)
    for name in ("README.md", "report.html"):
        assert TOLD in (out / name).read_text("utf-8").replace("\\_", "_"), name
    assert extend(base, "--init", "zip-tie", out="plain").code == 0
    tables = [load_file(tmp_path / name / "model.safetensors") for name in ("out", "plain")]
    assert tables[0][EMBEDDING].tobytes() == tables[1][EMBEDDING].tobytes()
    assert read(tmp_path / "plain", "report.json")["rule"] == ""


def test_the_bound_of_a_tied_result_is_that_of_the_rows_that_it_has(extend, small_model, tmp_path):
    assert extend(small_model(), "--init", "bil").code == 0
    assert read(tmp_path / "out", "report.json")["hull_bound"] is None
    assert extend(small_model(), "--init", "bil", "--untie", out="untied").code == 0
    assert read(tmp_path / "untied", "report.json")["hull_bound"] is not None


def test_first_piece_computes_with_the_base_and_expects_first_pieces(extend, small_model, tmp_path):
    base, out = small_model(dtype="float32"), tmp_path / "out"
    ran = extend(base, "--untie", "--init", "first-piece", "--boost", 1.5)
    assert ran.code == 0, ran.err
    # What is known before learning, and nothing else.
    assert ran.err.startswith("No tokens bring Chinese (Traditional) text below ")
    assert ran.err.count("\n") == 1
    recorded = read(out, "vocabx.json")["initializer"]
    assert (recorded["name"], recorded["parameters"]) == ("first-piece", {"boost": 1.5})
    old, new = load_file(base / "model.safetensors")[EMBEDDING], load_file(out / "model.safetensors")
    rows = len(old)
    known = {row.tobytes() for row in old}
    assert all(row.tobytes() in known for row in new[EMBEDDING][rows : rows + 40])
    # All that output rows have beside the row of their first piece lies in one direction.
    before, after = read_tokenizer(base), read_tokenizer(out)
    first = [before.tokenize(after.token_bytes[index])[0] for index in range(rows, rows + 40)]
    shifts = new[HEAD][rows : rows + 40] - old[first]
    assert np.linalg.matrix_rank(shifts, tol=1e-4 * np.abs(shifts).max()) == 1


def test_first_piece_is_refused_for_a_model_without_next_tokens_before_the_work(
    extend, tmp_path, bert_json, chinese_file
):
    import shutil

    import tiny_models

    base = tmp_path / "bert"
    tiny_models.tiny_model("bert", rows=30522).save_pretrained(base)
    shutil.copyfile(bert_json, base / "tokenizer.json")
    ran = extend(base, "--init", "first-piece")
    assert ran.code == 2 and ran.err.count("\n") == 1
    assert "first-piece computes with the model's next-token predictions, and a bert makes none" in ran.err
    assert not (tmp_path / "out").exists()


def test_an_untied_checkpoint_is_exported_with_both_matrices(vocabx, extend, tiny_model, tmp_path):
    assert extend(tiny_model(dtype="float32"), "--untie", "--init", "eeve").code == 0
    ran = vocabx("export", tmp_path / "out", "--gguf", tmp_path / "made.gguf", "--dtype", "f32")
    assert ran.code == 0, ran.err
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "made.gguf").tensors}
    stored = load_file(tmp_path / "out" / "model.safetensors")
    for name, source in (("token_embd.weight", EMBEDDING), ("output.weight", HEAD)):
        np.testing.assert_array_equal(tensors[name], stored[source])


def test_an_untied_checkpoint_trains_and_merges_both_matrices(
    vocabx, extend, small_model, tmp_path, chinese_file
):
    assert extend(small_model(dtype="float32"), "--untie", "--init", "eeve").code == 0
    ran = vocabx(
        "train", tmp_path / "out", "--out", tmp_path / "run", "--corpus", chinese_file, "--method", "rows",
        "--dtype", "float32", "--sequence-length", 48, "--step-sequences", 2, "--max-steps", 3,
        "--heldout-bytes", 1000, "--replay-share", 0,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    ran = vocabx("merge", tmp_path / "run", "--out", tmp_path / "merged", "--no-compare")
    assert ran.code == 0, ran.err
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("out", "merged"))
    first = read(tmp_path / "out", "vocabx.json")["ranges"][0]["first_id"]
    for name in (EMBEDDING, HEAD):
        assert before[name][:first].tobytes() == after[name][:first].tobytes()
        assert (before[name][first:] != after[name][first:]).any()
    assert not read_checkpoint(tmp_path / "merged").tied
    assert vocabx("verify", tmp_path / "merged", "--records").code == 0
    names = [one["name"] for one in read(tmp_path / "merged", "vocabx.json")["certificate"]]
    assert not {"untied-rows", "other-tensors"} & set(names)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert model.get_output_embeddings().weight is not model.get_input_embeddings().weight


def test_compare_measures_both_rules_of_an_untied_model(
    vocabx, small_model, chinese_file, english_file, tmp_path
):
    base = small_model(dtype="float32")
    texts = ("--corpus", chinese_file, "--base-text", english_file)
    few = ("--lang", "zh-Hant", "--new-tokens", 40, "--heldout-bytes", 2000)
    starts = {}
    for name, more in (("tied", ()), ("untied", ("--untie",))):
        ran = vocabx(
            "compare", "--base", base, *texts, *few, "--init", "zip-tie,eeve,first-piece", *more,
            "--out", tmp_path / name,
        )  # fmt: skip
        assert ran.code == 0, ran.err
        assert (TOLD in ran.err) == (name == "tied")
        table = read(tmp_path / name, "compare.json")
        starts[name] = {row["initializer"]: row["start"]["target"] for row in table["rows"]}
    assert starts["tied"]["zip-tie"] == pytest.approx(starts["tied"]["eeve"])
    assert starts["tied"]["zip-tie"] == pytest.approx(starts["untied"]["zip-tie"])
    assert starts["untied"]["eeve"] != pytest.approx(starts["untied"]["zip-tie"])
