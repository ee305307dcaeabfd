"""The benchmarks of models at toy sizes: they run, peers too, and their figures make sense."""

import importlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import linear_maps
import numpy as np
import padding_rows
import pytest
from small_encoders import extended_encoder
from split_table import over
from split_table_case import VARIANTS, Case
from split_table_model import work

from vocabx import ExtendOptions, extend
from vocabx.checkpoint.special_ids import begin_id
from vocabx.evaluation.load_model import load_model
from vocabx.initializers.registry import INITIALIZERS


@pytest.fixture
def language(some_verses):
    """The option that names the text to learn from."""
    return ("--corpus", some_verses)


def test_bits_per_byte_are_those_of_the_base_and_of_each_initializer(toy, small_model, language):
    found = toy("context", "--base", small_model(), "--new-tokens", 40, "--heldout-bytes", 3000, *language)
    scores = {name: value for name, value in found.items() if isinstance(value, dict)}
    assert {"base", "zip-tie", "bil", "mean", "multivariate"} <= scores.keys()
    assert not {"wechsel", "cw2v", "focus"} & scores.keys()
    for figures in scores.values():
        assert len(figures) == 6
        assert min(figures.values()) > 0
    # A model of random weights knows nothing: each byte of Chinese costs it a token of 600.
    assert scores["base"]["windows of 512 tokens"] > scores["zip-tie"]["windows of 512 tokens"]


def test_distill_is_timed_beside_a_plain_implementation(toy, small_model, language):
    found = toy(
        "distill", "--base", small_model(), "--new-tokens", 40, "--windows", 2, "--passes", 2, *language
    )
    assert found["windows"] == 2
    assert min(found["snippets_a_second"].values()) > 0
    assert found["vocabx over plain"] > 0
    assert all(0 < loss < 10 for loss in found["loss_at_the_start"].values())


def test_lines_split_in_their_middle_are_scored_three_ways(toy, small_extended, some_verses):
    directory = small_extended()
    base = directory.with_name(directory.name.removesuffix("-extended"))
    found = toy(
        *("task_boundary", directory, "--base", base, "--lines", 5, "--heldout-bytes", 9000),
        *("--corpus", some_verses),
        results="task-boundary",
    )
    assert found["scored"] == 5 <= found["lines"]
    for name in ("base", "extended"):
        assert found[name]["straddled"] >= found[name]["fed as another text"]
        assert min(found[name]["bits per byte"].values()) > 0
        assert set(found[name]["told from others"]) == {"cut", "parts", "text"}
    # No token of the base is longer than a character, so that all ways are the same.
    bits = found["base"]["bits per byte"].values()
    assert max(bits) - min(bits) < 0.001


def test_cw2v_is_timed_and_its_operations_counted(toy, small_model, language):
    found = toy(
        "cw2v", "--base", small_model(), "--tokens", 3000, "--new-tokens", 40, "--dense-rows", 10, *language
    )
    assert found["new_tokens"] == 40
    assert found["tokens"] >= 3000
    assert found["table"] == [600, 16]
    assert found["dense over vocabx"] > 1
    assert found["pairs_an_epoch"] > 0
    assert found["seconds"] >= 0
    assert found["dense_step"]["operations_a_second"] > 0


def test_a_model_type_is_examined_and_proven(toy):
    found = toy("architectures", "--types", "lfm2", "whisper")
    (extended, refused) = found["rows"]
    assert extended["verdict"] == "extended" and extended["output"] == "tied"
    assert extended["old"] == extended["copy"] == extended["again"] == 0
    assert refused["verdict"] == "refused" and "timestamp" in refused["reason"]
    assert (found["extended"], found["with_text"]) == (1, 2)


def test_finding_the_matrices_is_measured_from_the_names_that_transformers_stores(toy):
    found = toy("find_tables", "--runs", 1, "--types", "gpt2", results="find-tables")
    gpt2 = found["types"]["gpt2"]
    assert (gpt2["class"], gpt2["tensors"], gpt2["input"]) == (
        "GPT2LMHeadModel",
        148,
        "transformer.wte.weight",
    )
    assert min(gpt2["processor_seconds"], found["imports_processor_seconds"]) > 0
    assert found["highest_peak_mb"] == gpt2["peak_mb"] > 0


def test_quantized_shards_of_a_checkpoint_in_fp8_are_linked(toy, language, tmp_path):
    sizes = ("--layers", 2, "--width", 128, "--experts", 4, "--new-tokens", 40)
    found = toy(
        "fp8_checkpoint", *sizes, "--scratch", tmp_path / "scratch", *language, results="fp8-checkpoint"
    )
    assert found["linked"] == found["linked_of_those"] == found["shards_without_a_matrix"] == 11
    assert found["shards"] == 14
    assert found["quantization_config_unchanged"]
    assert found["rows"] >= 128_256 + 40


def test_both_factorisations_approximate_equally_well(toy):
    found = toy("factorise", "--rows", 400, "--width", 24, "--rank", 6)
    assert found["numpy over vocabx"] > 0
    ours, peer = found["relative_error"].values()
    assert 0 < peer < 1
    assert ours == pytest.approx(peer, rel=1e-3)
    assert len(found["vocabx_seconds"]) == len(found["numpy_svd_seconds"]) == 3


def test_wechsel_is_timed_beside_the_product_and_the_package(toy):
    found = toy(
        "initializers", "--new", 50, "--old", 80, "--vectors", 8, "--width", 16, "--unknown", 2, "--runs", 2
    )
    assert len(found["vocabx"]["runs"]) == len(found["product"]["runs"]) == 2
    assert found["vocabx"]["beyond_mb"] > 0
    assert found["seconds over the product"] > 0
    if importlib.util.find_spec("wechsel"):
        assert found["peer over vocabx"] > 0
        assert found["memory over the peer's"] > 0
    else:
        assert found["wechsel"] == "not installed"
        assert "peer over vocabx" not in found


def test_every_initializer_runs_beside_a_mapped_matrix(toy):
    found = toy(
        "large_vocabulary",
        "--old",
        400,
        "--new",
        20,
        "--width",
        256,
        "--tokens",
        4000,
        results="large-vocabulary",
    )
    without_model = {name for name, one in INITIALIZERS.items() if not one.model}
    assert found["initializers"].keys() == {*without_model, "ofa, rank 200"}
    for figures in found["initializers"].values():
        assert figures.keys() == {"seconds", "beyond_mb"}
        assert min(figures.values()) >= 0


def test_a_checkpoint_is_extended_planned_and_copied_beside_transformers(
    toy, tmp_path, language, english_file
):
    found = toy(
        "large_checkpoint", "--shape", "small", "--plan-shape", "small", "--scratch", tmp_path / "scratch",
        "--new-tokens", 30, "--runs", 1, "--no-cold-cache", "--adversarial", 20, *language, "--base-text",
        english_file, "--only", "make", "extend", "cp", "plan", "transformers-random",
        results="large-checkpoint",
    )  # fmt: skip
    weights = 2 * 32_000 * 16 * 2
    assert found["base bytes"] > weights
    assert found["result bytes"] > weights
    ours, peer = found["vocabx"], found["transformers, random rows"]
    assert ours["rows"] >= 32_030
    assert 0 <= ours["seconds of weights"] <= ours["seconds"]
    assert peer["stages"].keys() == {"load", "resize", "save"}
    assert min(ours["MB beyond the interpreter"], peer["MB beyond the interpreter"]) > 0
    assert found["weights alone"]["vocabx over cp -r"] > 0
    assert found["weights alone"]["cp -r seconds until the disk has it"][0] > 0
    assert found["small --dry-run"]["seconds"] > 0


def test_split_tables_are_measured_in_a_process_of_their_own(toy):
    found = toy(
        "split_table", "--shape", "tiny", "--new-tokens", 40, "--sequence", 16, "--batch", 2, "--steps", 2,
        "--rank", 2, "--only", "split", results="split-table",
    )  # fmt: skip
    (case,) = found["results"].values()
    ours = case["figures"]["split"]
    assert "error" not in ours
    assert ours["tokens/s"] > 0
    assert ours["peak MB"] > 0
    assert ours["trained bytes"] == sum(ours["trained"].values()) > 0
    assert case["versions"].keys() == {"torch", "transformers", "peft", "bitsandbytes"}
    assert found["goals on a GPU"]


def test_the_loop_of_two_builds_is_timed_and_their_losses_compared(toy, small_extended, some_verses):
    found = toy(
        "training_loop", small_extended(), "--earlier", sys.executable, "--max-steps", 4, "--runs", 1,
        "--heldout-bytes", 2000, "--corpus", some_verses, results="training-loop",
    )  # fmt: skip
    assert min(found["tokens/s"].values()) > 0
    assert min(found["peak memory (MiB)"].values()) > 0
    assert found["over earlier"].keys() == {"tokens/s", "peak memory (MiB)"}
    # The earlier build is this one, which moves waiting rows otherwise.
    assert 0 < found["mean losses"][0] < 10
    assert found["losses apart, relative, at most"] < 0.1


@pytest.mark.parametrize(("method", "tied"), [("lora", True), ("lora", False), ("qlora", True)])
def test_split_tables_and_each_way_of_peft_do_the_same_work(method, tied):
    # In this process: each process of its own would take seconds to import what it needs.
    case = Case(
        shape="tiny", method=method, tied=tied, layers=2, new_tokens=40, sequence=16, batch=2, steps=1,
        rank=2, checkpointing=False, threads=1,
    )  # fmt: skip
    found = {name: work(**asdict(replace(case, variant=name))) for name in VARIANTS}
    assert not [figures["error"] for figures in found.values() if "error" in figures]
    for name in VARIANTS[1:]:
        ratios = over(found["split"], found[name])
        assert ratios["tokens/s"] > 0
        assert ratios["first losses apart"] < 0.01
        assert ratios["first gradients apart"] < 0.05
    assert over(found["split"], found["token-indices"])["trained bytes"] == 1
    assert found["modules-to-save"]["trained in"] == "float32"
    assert found["modules-to-save-bf16"]["trained in"] == "bfloat16"


def test_training_is_measured_with_and_without_replay(toy, tmp_path, small_extended):
    texts = small_extended.texts
    found = toy(
        "train_demo", "--checkpoint", small_extended(), "--scratch", tmp_path / "scratch", "--corpus",
        texts / "zh.jsonl", "--replay", texts / "en.txt", "--max-steps", 3, "--sequence-length", 48,
        "--step-sequences", 4, "--lora-rank", 2, "--heldout-bytes", 1000, results="train-demo",
    )  # fmt: skip
    with_replay, without = found["runs"]["replay 0.25"], found["runs"]["replay 0"]
    assert with_replay["replay sequences"] > without["replay sequences"] == 0
    for run in (with_replay, without):
        assert run["new tokens"] >= 40
        assert run["tokens/s"] > 0
        curve = run["bits per byte"]["zh-Hant"]
        assert (curve[0][0], curve[-1][0]) == (0, 3)
        assert run["relative change"]["zh-Hant"] == pytest.approx(curve[-1][1] / curve[0][1] - 1, abs=1e-3)
    assert "English" in with_replay["bits per byte"]


def test_ways_to_train_new_rows_are_measured_once_each(toy, tmp_path, small_extended):
    arguments = [
        "new_rows", "--checkpoint", small_extended(), "--scratch", tmp_path / "scratch", "--corpus",
        small_extended.texts / "zh.jsonl", "--replay", small_extended.texts / "en.txt", "--max-steps", 3,
        "--sequence-length", 48, "--step-sequences", 4, "--lora-rank", 2, "--heldout-bytes", 1000, "--ways",
        "rows that have occurred",
    ]  # fmt: skip
    first = toy(*arguments, results="new-rows")["runs"]["rows that have occurred"]
    found = toy(*arguments, "composition", results="new-rows")["runs"]
    assert found["rows that have occurred"] == first
    ends = [run["bits per byte"]["zh-Hant"][-1] for run in found.values()]
    assert {step for step, _ in ends} == {3} and len({bits for _, bits in ends}) > 1
    assert sum(group["tokens"] for group in first["new tokens by occurrences"]) >= 40


def test_mixture_laws_are_checked_by_a_share_that_was_not_fitted(toy, tmp_path, small_extended):
    found = toy(
        "mixture_law", "--checkpoint", small_extended(), "--scratch", tmp_path / "scratch", "--corpus",
        small_extended.texts / "zh.jsonl", "--replay", small_extended.texts / "en.txt", "--max-steps", 10,
        "--sequence-length", 48, "--lora-rank", 2, "--heldout-bytes", 1000, "--check-share", 0.4,
        "--replay-shares", "0,0.2,0.5,0.7", results="mixture-law",
    )  # fmt: skip
    assert [run["fitted"] for run in found["runs"]] == [True, True, False, True, True]
    assert [one["replay"] for one in found["never fitted"]] == [0.4]
    assert [one["replay"] for one in found["left out"]] == [0.2, 0.5]
    assert found["points"] >= 14


def test_what_is_hidden_from_an_encoder_is_measured_both_ways(toy, tmp_path, small_extended, bert_json):
    small_extended()
    texts = small_extended.texts
    checkpoint = extended_encoder("bert", bert_json, texts, tmp_path)
    found = toy(
        "masking", "--checkpoint", checkpoint, "--scratch", tmp_path / "scratch", "--max-steps", 2,
        "--evaluate-every", 2, "--sequence-length", 32, "--heldout-bytes", 1000,
        "--corpus", texts / "zh.jsonl",
    )  # fmt: skip
    words, entities = found["runs"]["words"], found["runs"]["entities"]
    assert words["bits per byte"]["zh-Hant"][0] == entities["bits per byte"]["zh-Hant"][0]
    assert words["bits per byte"]["zh-Hant"][-1] != entities["bits per byte"]["zh-Hant"][-1]
    assert found["entities over words"] > 0


def test_the_recipe_against_the_gap_stands_beside_one_pass(toy, tmp_path, small_extended):
    texts = small_extended.texts
    found = toy(
        "stability_gap", "--checkpoint", small_extended(), "--scratch", tmp_path / "scratch", "--corpus",
        texts / "zh.jsonl", "--replay", texts / "en.txt", "--max-steps", 8, "--sequence-length", 48,
        "--lora-rank", 2, "--heldout-bytes", 1000, "--ways", "one pass", "4 passes over the best part",
        results="stability-gap",
    )["runs"]  # fmt: skip
    one, best = found["one pass"], found["4 passes over the best part"]
    assert best["passes"] > 2 * one["passes"]
    assert "lowest perplexity" in best["text"] and one["measured"] == "held out of the replay"
    assert [step for step, _ in one["bits per byte"]["English"]] == list(range(9))


def test_every_cell_of_the_table_of_value_is_a_file_and_none_is_made_twice(
    toy, tmp_path, small_model, small_extended
):
    texts, out = small_extended.texts, tmp_path / "results"
    base = small_model(dtype="float32")
    arguments = [
        "--bases", base, "--languages", "zh-Hant", "--corpus", f"zh-Hant={texts / 'zh.jsonl'}",
        "--new-tokens", 30, "--probe-steps", 2, "--seeds", 2, "--heldout-bytes", 2000,
        "--scratch", tmp_path / "scratch", "--out", out,
    ]  # fmt: skip
    run = importlib.import_module("value").main
    found = run([*map(str, arguments), "--init", "zip-tie", "eeve+untie"])
    assert {name.rpartition(".")[2] for name in found} == {"base-left-alone", "zip-tie", "eeve+untie"}
    starts = {name: cell["before"]["target"] for name, cell in found.items()}
    assert len(set(starts.values())) == 3
    for cell in found.values():
        assert len(cell["after the probe"]) == 2
        assert "after training" not in cell
    files = {path: path.stat().st_mtime_ns for path in (out / "value").iterdir()}
    again = run([*map(str, arguments), "--init", "zip-tie", "mean"])
    assert again.keys() - found.keys() == {f"{base.name}.zh-Hant.mean"}
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_a_cell_with_minutes_holds_what_training_ended_with(tmp_path, small_model, small_extended):
    texts = small_extended.texts
    found = importlib.import_module("value").main([
        "--bases", str(small_model(dtype="float32")), "--languages", "zh-Hant", "--corpus",
        f"zh-Hant={texts / 'zh.jsonl'}", "--new-tokens", "30", "--probe-steps", "0", "--heldout-bytes",
        "2000", "--scratch", str(tmp_path / "scratch"), "--out", str(tmp_path / "results"), "--init",
        "zip-tie", "--minutes", "0.05",
    ])  # fmt: skip
    for cell in found.values():
        assert cell["after the probe"] is None
        assert cell["after training"]["tokens"] > 0
        assert cell["after training"]["target"] < cell["before"]["target"]
    trained = [cell["after training"]["target"] for cell in found.values()]
    assert len(set(trained)) == 2


@pytest.mark.slow
def test_factors_and_the_full_matrix_are_trained_alike(toy, small_model, some_verses, english_file, tmp_path):
    base = small_model()
    found = toy(
        "factor_training", "--base", base, "--ranks", 4, "--minutes", 0, "--new-tokens", 20,
        "--sequence-length", 32, "--lora-rank", 2, "--scratch", tmp_path / "scratch",
        "--corpus", some_verses, "--base-text", english_file, results=f"factor-training-{base.name}",
    )["forms"]  # fmt: skip
    width = 16
    assert found["full"]["parameters of the matrices"] % width == 0
    rows = found["full"]["parameters of the matrices"] // width
    assert found["rank 4"]["parameters of the matrices"] == 4 * (rows + width)
    assert all(form["tokens per processor second"] > 0 for form in found.values())


@pytest.mark.slow
def test_what_commands_say_and_take_is_recorded_of_both_models(toy, small_model, some_verses, english_file):
    found = toy(
        "durations", "--base", small_model(), "--new-tokens", 20, "--heldout-bytes", 2000, "--steps", 1,
        "--corpus", some_verses, "--base-text", english_file,
    )  # fmt: skip
    runs = {name: figures for name, figures in found.items() if isinstance(figures, dict)}
    assert len(runs) == 6
    assert all(figures["said"] > 0 and figures["took"] > 0 for figures in runs.values())


def test_padding_rows_are_as_probable_in_onnxruntime_as_in_transformers(
    tmp_path, small_model, small_extended
):
    out, file = tmp_path / "padded", tmp_path / "padded.onnx"
    texts = small_extended.texts
    extend(
        ExtendOptions(
            base=str(small_model(dtype="float32")), lang="zh-Hant", out=out, new_tokens=30,
            corpus=(str(texts / "zh.jsonl"),), base_text=(str(texts / "en.txt"),), evaluate=False,
            adversarial=50, heldout_bytes=2000,
        )
    )  # fmt: skip
    sizes = json.loads((out / "vocabx.json").read_text())["sizes"]
    pad = range(sizes["tokens"], sizes["rows"])
    assert len(pad) == 10
    recipe = Path(__file__).resolve().parents[2] / "examples" / "to_onnx.py"
    subprocess.run([sys.executable, str(recipe), str(out), str(file)], check=True, capture_output=True)
    prompts = [[1, 2, 3], [100, 200, 300, 400, 601]]
    found = padding_rows.in_transformers(out, prompts, pad, 600)["as written"]
    begin = begin_id(load_model(out).config)
    assert padding_rows.in_onnxruntime(file, prompts, pad, begin) == pytest.approx(found, rel=1e-4)
    assert 0 < found["mean"] <= found["largest"] < 1


def test_cells_of_value_are_kept_and_gain_seeds_and_training(small_model, some_verses, tmp_path):
    value, base = importlib.import_module("value"), small_model()
    shared = (
        *(
            "--bases",
            base,
            "--languages",
            "zh-Hant",
            "--corpus",
            f"zh-Hant={some_verses}",
            "--new-tokens",
            "40",
        ),
        *("--heldout-bytes", "3000", "--probe-steps", "2", "--out", tmp_path, "--scratch", tmp_path / "runs"),
    )

    def run(*arguments: str) -> dict[str, Any]:
        return value.main([*map(str, shared), "--init", *arguments])

    first = run("zip-tie", "bil+untie")
    names = [f"{base.name}.zh-Hant.{method}" for method in ("base-left-alone", "zip-tie", "bil+untie")]
    assert sorted(names) == sorted(first)
    assert all(len(cell["after the probe"]) == 1 and cell["before"]["target"] > 0 for cell in first.values())
    assert run("zip-tie", "bil+untie") == first, "a cell that is there was made again, or written otherwise"
    more = run("zip-tie", "--seeds", "2")
    assert [len(more[name]["after the probe"]) for name in names] == [2, 2, 1]
    assert more[names[1]]["after the probe"][0] == first[names[1]]["after the probe"][0]
    trained = run("zip-tie", "--minutes", "0.05")
    assert trained[names[0]]["after training"]["minutes"] == 0.05
    assert trained[names[1]]["after the probe"] == more[names[1]]["after the probe"]
    assert trained[names[2]] == first[names[2]]


def test_linear_maps_of_states_are_judged_on_tokens_they_have_not_seen(toy, small_model, some_verses):
    base = small_model()
    found = toy(
        *("linear_maps", "--bases", base, "--languages", "zh-Hant", "--corpus", f"zh-Hant={some_verses}"),
        *("--new-tokens", "40", "--heldout-bytes", "3000", "--probe-steps", "2"),
        results="linear-maps",
    )
    cell = found[f"{base.name}.zh-Hant.linear-maps+untie"]
    explained = cell["R² by layer, of penalties"]
    assert explained and all(len(row) == len(found["penalties"]) for row in explained.values())
    assert max(max(row) for row in explained.values()) < 1
    assert linear_maps.NAME not in INITIALIZERS, "the trial was left among the initializers"
    assert cell["after the probe"][0]["target"] > 0


def test_a_ridge_regression_finds_a_linear_map():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 8)).astype(np.float32)
    wanted = features.astype(np.float64) @ rng.standard_normal((8, 5)) + 3
    ridge = linear_maps.Ridge(features[:200], wanted[:200], 1e-9)
    assert ridge.explained(features[200:], wanted[200:]) > 1 - 1e-9
    assert (
        linear_maps.Ridge(features[:200], rng.permutation(wanted[:200]), 1e-9).explained(
            features[200:], wanted[200:]
        )
        < 0.2
    )
