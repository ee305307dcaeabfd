"""`vocabx evaluate` on tiny models: one extension for all tests."""

import dataclasses
import json
import math
import shutil

import msgspec
import numpy as np
import pytest
import torch
from finished_runs import finished_record
from transformers import AutoModelForCausalLM, BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

from vocabx import EvaluateOptions, ExtendOptions, evaluate, extend
from vocabx.checkpoint.manifest import RecordedTraining
from vocabx.commands.evaluate.model import read_evaluated_model
from vocabx.corpus.sketch import sketch_of
from vocabx.corpus.source import user_source
from vocabx.progress import Quiet
from vocabx.report.recorded_report import recorded_sketch
from vocabx.tokenizer.read_tokenizer import read_tokenizer

QUICK = ("--heldout-bytes", 2000, "--samples", 2, "--generate-tokens", 8)


@pytest.fixture(scope="module")
def made(small_tokenizer, verses, english, tmp_path_factory):
    """A tiny base, an extension of it, and the texts it was made from."""
    directory = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=600, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=2048, tie_word_embeddings=True, bos_token_id=1, eos_token_id=0,
        initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(directory / "base")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(small_tokenizer / name, directory / "base" / name)
    (directory / "chinese.txt").write_text("\n".join(verses), "utf-8")
    (directory / "english.txt").write_text("\n".join(english[:300]), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        _default_texts(patch, directory)
        options = ExtendOptions(
            base=str(directory / "base"), lang="zh-Hant", out=directory / "good", new_tokens=200,
            adversarial=200, heldout_bytes=4000, seed=5,
        )  # fmt: skip
        assert extend(options).certificate.passed
    return directory


def _default_texts(patch, directory):
    """Replace the packaged texts with small ones."""

    def source(language):
        name = "chinese.txt" if language.tag == "zh-Hant" else "english.txt"
        return user_source([str(directory / name)], "text", "")

    for module in ("corpus.source", "commands.evaluate.plan"):
        patch.setattr(f"vocabx.{module}.default_source", source)


@pytest.fixture
def texts(made, tmp_path):
    """Arguments that pass small texts."""
    verses = (made / "chinese.txt").read_text("utf-8").split("\n")
    (tmp_path / "heldout.txt").write_text("\n".join(verses[:60]), "utf-8")
    return ("--corpus", tmp_path / "heldout.txt", "--base-text", made / "english.txt")


def changed(made, name, change):
    """A copy of the extension whose weights are changed by `change`, a function of name and tensor."""
    directory = shutil.copytree(made / "good", made / name, dirs_exist_ok=True)
    model = AutoModelForCausalLM.from_pretrained(directory)
    with torch.no_grad():
        for key, tensor in model.named_parameters():
            change(key, tensor)
    model.save_pretrained(directory)
    return directory


def plain_kl(base, other, sequences):
    """KL by its definition, in float64 and without torch's softmax."""
    values = []
    models = [AutoModelForCausalLM.from_pretrained(path, dtype=torch.float64) for path in (base, other)]
    for ids in sequences:
        logits = [model(torch.tensor([ids])).logits[0, :-1].detach().numpy() for model in models]
        for a, b in zip(*logits, strict=True):
            p, q = (np.exp(x - x.max()) / np.exp(x - x.max()).sum() for x in (a, b))
            values.append(float((p * np.log(p / q[: len(p)])).sum()))
    return np.mean(values)


def test_writing_is_measured_greedily_and_sampled(vocabx, made, texts, tmp_path):
    out = tmp_path / "out"
    run = vocabx("evaluate", made / "good", *texts, *QUICK, "--generate", 2, "--out", out)
    assert run.code == 0, run.err
    assert "with new" in run.out and "sampled" in run.out
    base, good = json.loads((out / "evaluation.json").read_text("utf-8"))["models"]
    for model in (base, good):
        assert [written["how"] for written in model["written"]] == ["greedy", "sampled"]
        for written in model["written"]:
            assert written["tokens"] == 2 * 8 and written["seconds"] > 0
            assert written["tokens_per_character"] == written["tokens"] / max(1, written["characters"])
    assert all(written["possible"] == 0 and written["adoption"] is None for written in base["written"])
    assert all(0 <= written["used"] <= written["possible"] for written in good["written"])
    assert "With new tokens" in (out / "evaluation.html").read_text("utf-8")


def test_models_are_measured_side_by_side_with_their_base(vocabx, made, texts, tmp_path):
    def move(name, tensor):
        tensor[:600] += 0.02 if "embed" in name else 0

    moved, out = changed(made, "moved", move), tmp_path / "out"
    run = vocabx("evaluate", made / "good", moved, *texts, *QUICK, "--out", out)
    assert run.code == 0, run.err
    found = json.loads((out / "evaluation.json").read_text("utf-8"))
    base, good, other = found["models"]
    assert [model["name"] for model in found["models"]] == [str(made / n) for n in ("base", "good", "moved")]
    assert good["target"]["characters_per_token"] > base["target"]["characters_per_token"]
    assert good["base_language"]["tokens"] == base["base_language"]["tokens"]
    assert base["from_base"] is None
    report = json.loads((made / "good" / "report.json").read_text("utf-8"))
    assert good["from_base"]["hull_bound"] == report["hull_bound"]
    assert 0 < good["from_base"]["kl"] <= report["hull_bound"]
    # The bound does not apply to changed embeddings.
    assert other["from_base"]["hull_bound"] is None
    assert other["from_base"]["kl"] > good["from_base"]["kl"]
    assert other["from_base"]["left_out"] == good["from_base"]["left_out"] == 0
    for model in found["models"]:
        assert len(model["generated"]["continuations"]) == len(found["prompts"]) == 2
        assert model["generated"]["characters_per_second"] > 0
        assert math.isfinite(model["target"]["bits_per_byte_start"])
    page = (out / "evaluation.html").read_text("utf-8")
    assert "side by side" in page and f"{good['target']['bits_per_byte']:.3f}" in page
    for shown in ("bits/B", "char/tok", "original text", "evaluation.html"):
        assert shown in run.out


def test_a_trained_checkpoint_has_no_bound(made):
    base = read_evaluated_model("base", made / "base").checkpoint
    good = read_evaluated_model("good", made / "good")
    assert good.hull_bound(base) > 0
    training = RecordedTraining({"name": "rows"}, "trained", 600, {}, {}, 0, "", {})
    manifest = msgspec.structs.replace(good.manifest, training=training)
    trained = dataclasses.replace(good, manifest=manifest)
    assert trained.hull_bound(base) is None
    assert good.hull_bound(good.checkpoint) is None


@pytest.mark.parametrize(("first", "share"), [(0, 1.0), (400, 0.0)])
def test_text_that_a_model_was_trained_on_is_told_from_held_out_text(
    vocabx, made, texts, verses, tmp_path, first, share
):
    trained = shutil.copytree(made / "good", tmp_path / "trained")
    manifest = read_evaluated_model("good", trained).manifest
    training = RecordedTraining({"name": "rows"}, "trained", 600, {}, {}, 0, "", {})
    msgspec.structs.replace(manifest, training=training).write(trained)
    sketch = sketch_of(verses[first : first + 200]).to_text()
    msgspec.structs.replace(finished_record(trained, trained), sketch=sketch).write(trained)
    out = tmp_path / "out"
    ran = vocabx("evaluate", trained, *texts, *QUICK, "--out", out)
    assert ran.code == 0, ran.err
    assert "Measuring takes about" in ran.err
    found = json.loads((out / "evaluation.json").read_text("utf-8"))["trained_on"]
    page = (out / "evaluation.html").read_text("utf-8")
    if not share:
        assert found == [] and "was trained on" not in ran.out + page
        return
    (one,) = found
    assert (one["model"], one["language"], one["share"]) == (str(trained), "zh-Hant", share)
    said = f"{trained} was trained on 100% of the text in zh-Hant ({one['sentences']} sentences compared)"
    assert said in ran.out and said in page


def test_text_that_tokens_were_learned_from_is_told_from_text_a_model_was_trained_on(
    vocabx, small_extended, tmp_path
):
    model, zh = small_extended(), small_extended.texts / "zh.jsonl"
    base = model.with_name(model.name.removesuffix("-extended"))
    out = tmp_path / "out"
    line = (model, "--base", base, "--base-text", small_extended.texts / "en.txt", "--corpus", zh)
    # More than was held out when tokens were learned, which may be the first to be drawn.
    ran = vocabx("evaluate", *line, "--heldout-bytes", 20_000, "--samples", 0, "--out", out)
    assert ran.code == 0, ran.err
    found = json.loads((out / "evaluation.json").read_text("utf-8"))
    (one,) = found["learned_from"]
    assert one["language"] == "zh-Hant" and one["share"] > 0.5 and found["trained_on"] == []
    said = f"The tokens of {model} were learned from {one['share']:.0%} of the text in zh-Hant"
    page = (out / "evaluation.html").read_text("utf-8")
    assert said in ran.out and said in page and "was trained on" not in ran.out + page


def test_an_extension_of_an_extension_knows_the_text_of_both(small_extended, verses, tmp_path):
    texts = small_extended.texts
    (tmp_path / "other.txt").write_text("\n".join(verses[1500:1800]), "utf-8")
    extend(
        ExtendOptions(
            base=str(small_extended()), lang="zh-Hant", out=tmp_path / "two", heldout_bytes=1000,
            corpus=(str(tmp_path / "other.txt"),), base_text=(str(texts / "en.txt"),), new_tokens=10,
            adversarial=20, tokenizer_only=True,
        )
    )  # fmt: skip
    sketch = recorded_sketch(tmp_path / "two")
    first = [json.loads(line)["text"] for line in (texts / "zh.jsonl").read_text("utf-8").splitlines()]
    assert sketch.holds("\n".join(first)).share > 0.8
    assert sketch.holds("\n".join(verses[1500:1800])).share > 0.8
    assert sketch.holds("\n".join(verses[2000:2300])).share < 0.1


def options_of(directory, texts, **more):
    named = dict(zip(texts[::2], texts[1::2], strict=True))
    return EvaluateOptions(
        directories=(directory,), corpus=(str(named["--corpus"]),), base_text=(str(named["--base-text"]),),
        heldout_bytes=2000, **more,
    )  # fmt: skip


def test_kl_follows_its_definition(made, texts, monkeypatch):
    from vocabx.commands.evaluate import measure

    seen = []
    measured = measure.mean_divergence

    def spy(first, second, sequences, advance):
        seen.extend(sequences)
        return measured(first, second, sequences, advance)

    monkeypatch.setattr(measure, "mean_divergence", spy)
    table = evaluate(options_of(made / "good", texts, samples=0)).table
    tokenizer = read_tokenizer(made / "base")
    assert all(ids[0] == 1 for ids in seen)
    assert sum(len(tokenizer.decode(ids[1:]).encode()) for ids in seen) == table.base_language.bytes
    assert table.models[1].from_base.kl == pytest.approx(
        plain_kl(made / "base", made / "good", seen), rel=1e-3
    )
    assert table.prompts == () and table.models[1].generated is None


def test_passages_that_are_tokenized_differently_are_left_out_of_kl(vocabx, made, texts):
    mixed, chinese = made / "mixed.txt", texts[1]
    english = (made / "english.txt").read_text("utf-8")[:7000]
    mixed.write_text(f"{english}\nIt begins: {chinese.read_text('utf-8')[:40]}\n", "utf-8")
    run = vocabx(
        *("evaluate", made / "good", "--corpus", chinese, "--base-text", mixed),
        *("--heldout-bytes", 9000, "--samples", 0, "--json"),
    )
    assert run.code == 0, run.err
    found = json.loads(run.out)["models"][1]["from_base"]
    assert found["kl"] is not None and found["passages"] > 1 and found["left_out"] == 1
    run = vocabx(
        "evaluate", made / "good", "--corpus", chinese, "--base-text", chinese, "--samples", 0, "--json"
    )
    found = json.loads(run.out)["models"][1]["from_base"]
    assert found["kl"] is None and found["passages"] == 0


def test_without_texts_the_held_out_text_of_extend_is_used(made, monkeypatch):
    _default_texts(monkeypatch, made)
    options = EvaluateOptions(directories=(made / "good",), heldout_bytes=4000, seed=5, samples=0)
    base, good = evaluate(options).table.models
    report = json.loads((made / "good" / "report.json").read_text("utf-8"))
    for text, numbers in (
        ("target", (base.target, good.target)),
        ("base_language", (base.base_language, good.base_language)),
    ):
        for name, measured in zip(("base", "extended"), numbers, strict=True):
            then = report[text][name]
            assert measured.bits_per_byte == pytest.approx(then["bits_per_byte"], rel=1e-9)
            assert measured.bits_per_byte_start == pytest.approx(then["bits_per_byte_start"], rel=1e-9)
            assert measured.tokens == then["tokens"]


def test_another_seed_than_that_of_the_extension_is_noted(vocabx, made, monkeypatch):
    _default_texts(monkeypatch, made)
    run = vocabx("evaluate", made / "good", *QUICK, "--samples", 0, "--seed", 6)
    assert run.code == 0, run.err
    assert "was made with --seed 5: it may have been trained on this text" in " ".join(run.err.split())


def test_a_missing_base_is_left_out_with_a_note(vocabx, made, texts):
    gone = shutil.copytree(made / "good", made / "gone", dirs_exist_ok=True)
    manifest = json.loads((gone / "vocabx.json").read_text("utf-8"))
    manifest["base"]["name"] = str(made / "elsewhere")
    (gone / "vocabx.json").write_text(json.dumps(manifest), "utf-8")
    run = vocabx("evaluate", gone, *texts, *QUICK, "--samples", 0, "--json")
    assert run.code == 0, run.err
    (only,) = json.loads(run.out)["models"]
    assert only["from_base"] is None
    assert "The base, and KL from it, are left out: no base model" in " ".join(run.err.split())
    run = vocabx("evaluate", gone, "--base", made / "base", *texts, *QUICK, "--samples", 0, "--json")
    assert len(json.loads(run.out)["models"]) == 2


def test_kl_is_left_out_with_a_note_if_two_models_do_not_fit(made, texts, monkeypatch):
    notes = []

    class Noting(Quiet):
        def note(self, text):
            notes.append(text)

    sizes = [(made / name / "model.safetensors").stat().st_size for name in ("base", "good")]
    monkeypatch.setattr("vocabx.commands.evaluate.measure.fits", lambda size, free=None: size < sum(sizes))
    table = evaluate(options_of(made / "good", texts, samples=0), Noting()).table
    assert table.models[1].from_base.kl is None
    assert notes[0].startswith("Measuring takes about ")
    assert notes[1:] == ["KL from the base is left out: two models do not fit into memory."]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere is not a directory"),
        (["{run}"], "{run}/training.json is damaged at format: it is missing"),
        (["{bert}"], "without the head that predicts masked tokens"),
        (["{good}", "--lang", "zh-Hnat"], "unknown language tag"),
        (["{base}"], "does not record its language: pass --lang"),
        (["{good}", "--base", "smolm2"], "Did you mean smollm2?"),
        (["{good}", "--corpus", "{digits}"], "holds no letter of Han or Bopomofo script"),
        (["{good}", "--corpus", "nowhere.txt"], "nowhere.txt"),
        (["{good}", "--opencc", "s2t"], "--opencc converts the text of --corpus"),
        (["{good}", "--samples", "-1"], "--samples is -1: pass a whole number of at least 0"),
        (["{good}", "--heldout-bytes", "10"], "--heldout-bytes is 10: pass a whole number of at least 1,000"),
        (["{good}", "--corpus", "{short}"], "too short for prompts"),
        (["{good}", "--out", "{good}"], "exists and is not empty"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_one_line(vocabx, made, bert_json, tmp_path, arguments, says):
    paths = {name: tmp_path / name for name in ("run", "bert", "digits", "short")}
    paths |= {name: made / name for name in ("good", "base")}
    paths["run"].mkdir()
    (paths["run"] / "training.json").write_text("{}")
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    if "{bert}" in arguments:
        BertModel(BertConfig(vocab_size=30522, **shape)).save_pretrained(paths["bert"])
        shutil.copyfile(bert_json, paths["bert"] / "tokenizer.json")
    paths["digits"] = tmp_path / "digits.txt"
    paths["digits"].write_text("1 2 3\n")
    paths["short"] = tmp_path / "short.txt"
    paths["short"].write_text("起初神創造天地。\n", "utf-8")
    given = [argument.format(**paths) for argument in arguments]
    if "--corpus" not in given and "--opencc" not in given:
        given += ["--corpus", str(made / "chinese.txt")]
    run = vocabx("evaluate", *given, "--base-text", made / "english.txt")
    assert run.code == 2, run
    assert says.format(**paths) in run.err
    assert run.err.count("\n") == 1
    assert run.out == ""
