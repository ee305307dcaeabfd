"""Runs that train encoders: what is hidden, what trains and what stays, resuming, merging, evaluating."""

import json
import shutil
from importlib.util import find_spec

import peft
import pytest
import torch
from ending import Ending
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, BertModel

from vocabx import MergeOptions, merge
from vocabx.commands.merge.load_run import load_run
from vocabx.commands.train.run import train
from vocabx.errors import VocabxError

# One kind is trained, resumed and merged in every run of the tests.
ROBERTA, T5 = (pytest.param(kind, marks=pytest.mark.slow) for kind in ("roberta", "t5"))
ENCODERS = ("bert", ROBERTA)
KINDS = (*ENCODERS, T5)


def model_of(directory, kind):
    """The model of a checkpoint with its lm_head."""
    made = AutoModelForSeq2SeqLM if kind == "t5" else AutoModelForMaskedLM
    return made.from_pretrained(directory).eval()


def logits_of(model, ids):
    decoder = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    return model(input_ids=ids, **decoder).logits


def losses(metrics):
    return {entry["step"]: entry["loss"] for entry in metrics if "loss" in entry}


def held_out(metrics):
    return {
        entry["step"]: (entry["target_bits"], entry["base_bits"])
        for entry in metrics
        if "target_bits" in entry
    }


@pytest.mark.parametrize("kind", ENCODERS)
def test_new_rows_their_bias_and_adapters_train(whole, encoder, kind):
    result = whole(kind)
    rows = load_file(result.directory / "rows.safetensors")
    first = result.record.first_id
    model = model_of(encoder(kind), kind)
    table, output = model.get_input_embeddings().weight, model.get_output_embeddings()
    assert sorted(rows) == ["bias", "input"]
    assert rows["input"].shape == (len(table) - first, 32) and rows["bias"].shape == (len(table) - first,)
    assert not torch.equal(rows["input"], table[first:]) and not torch.equal(
        rows["bias"], output.bias[first:]
    )
    assert result.record.objective == "masked" and result.record.mask == "words"
    bits = held_out(result.metrics)
    assert sorted(bits) == [0, 3, 6] and bits[6] != bits[0]
    assert "Masked bits per byte after" in (result.directory / "report.html").read_text("utf-8")
    assert sum(group.heldout for group in result.record.occurrences) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_is_resumed_to_the_same_losses(whole, options_of, tmp_path, kind):
    with pytest.raises(RuntimeError, match="gone"):
        train(options_of(kind, tmp_path / "broken"), Ending(5))
    resumed = train(options_of(kind, tmp_path / "broken", resume=True))
    assert losses(resumed.metrics) == losses(whole(kind).metrics)
    assert held_out(resumed.metrics) == held_out(whole(kind).metrics)
    assert resumed.record.files == whole(kind).record.files


@pytest.mark.parametrize("kind", KINDS)
def test_the_merged_encoder_is_the_trained_one_with_old_rows_to_the_bit(whole, encoder, tmp_path, kind):
    run, out = whole(kind), tmp_path / "merged"
    found = merge(MergeOptions(directory=run.directory, out=out))
    assert abs(found.agreement.difference) < 1e-3 and found.agreement.divergence < 1e-6
    first = run.record.first_id
    before, after = (load_file(path / "model.safetensors") for path in (encoder(kind), out))
    assert before.keys() == after.keys()
    rows = [name for name, tensor in before.items() if len(tensor) == run.record.rows]
    assert len(rows) >= (1 if kind == "t5" else 2)
    for name in rows:
        assert torch.equal(before[name][:first], after[name][:first]), name
        assert not torch.equal(before[name][first:], after[name][first:]), name
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {*rows, *(f"{name}.weight" for name in run.record.targets)}
    # peft merges its own adapters into the model with the same new rows.
    trained = load_run(run.directory)
    assert isinstance(trained, peft.PeftModel)
    expected = trained.merge_and_unload().eval()
    ids = torch.tensor([[5, 9, first, first + 3, 7, first + 1]])
    found = logits_of(model_of(out, kind), ids)
    torch.testing.assert_close(found, logits_of(expected, ids), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_all_weights_of_an_encoder_train_and_are_merged(options_of, tmp_path):
    run = train(options_of("bert", tmp_path / "run", method="full", max_steps=2, evaluate_every=0))
    merge(MergeOptions(directory=run.directory, out=tmp_path / "out", compare=False))
    trained = load_file(run.directory / "trained.safetensors")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, trained[name]), name


@pytest.mark.slow
def test_each_pass_over_a_text_hides_other_words(options_of, tmp_path):
    few = {"text_bytes": 3000, "max_steps": 6, "replay_share": 0.0, "epochs": 6, "evaluate_every": 0}
    run = train(options_of("bert", tmp_path / "run", **few, step_sequences=2))
    assert run.record.text.sequences <= 3
    assert len(set(losses(run.metrics).values())) == 6


@pytest.mark.slow
def test_entities_are_hidden_alone(options_of, tmp_path):
    run = train(options_of("roberta", tmp_path / "run", mask="entities", max_steps=2))
    assert run.record.mask == "entities"
    assert json.loads((run.directory / "training.json").read_text("utf-8"))["mask"] == "entities"


@pytest.mark.slow
def test_an_encoder_decoder_fills_in_spans(whole, encoder):
    result = whole("t5")
    assert result.record.objective == "spans" and result.record.mask == ""
    bits = held_out(result.metrics)
    assert sorted(bits) == [0, 3, 6] and all(0 < one < 20 for pair in bits.values() for one in pair)
    rows = load_file(result.directory / "rows.safetensors")
    table = model_of(encoder("t5"), "t5").get_input_embeddings().weight
    assert sorted(rows) == ["input"]
    assert not torch.equal(rows["input"], table[result.record.first_id :])
    assert "Span bits per byte after" in (result.directory / "report.html").read_text("utf-8")


def test_an_encoder_decoder_without_sentinels_is_refused(options_of, encoder, tmp_path):
    directory = tmp_path / "unnamed"
    shutil.copytree(encoder("t5"), directory)
    spec = (directory / "tokenizer.json").read_text("utf-8")
    (directory / "tokenizer.json").write_text(spec.replace("<extra_id_", "<other_"), "utf-8")
    with pytest.raises(VocabxError, match="has no sentinels"):
        train(options_of("t5", tmp_path / "run", directory=directory))


@pytest.mark.slow
def test_translations_are_trained_on_too(options_of, whole, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    lines = [
        f"起初神創造天地{n}\tIn the beginning God created the heaven and the earth {n}" for n in range(200)
    ]
    pairs.write_text("\n".join(lines), "utf-8")
    run = train(options_of("bert", tmp_path / "run", pairs=str(pairs)))
    assert run.record.text.sequences >= whole("bert").record.text.sequences
    assert run.record.pairs == str(pairs)
    assert losses(run.metrics) != losses(whole("bert").metrics)


@pytest.mark.slow
def test_the_command_line_evaluates_the_base_and_what_became_of_it(vocabx, whole, encoder, tmp_path):
    out = tmp_path / "merged"
    merge(MergeOptions(directory=whole("bert").directory, out=out, compare=False))
    texts = encoder.texts
    run = vocabx(
        "evaluate", encoder("bert"), out, "--corpus", texts / "zh.jsonl", "--base-text", texts / "en.txt",
        "--heldout-bytes", 1000, "--out", tmp_path / "page",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert "masked bits per byte" in run.out
    found = json.loads((tmp_path / "page/evaluation.json").read_text("utf-8"))
    assert found["measure"] == "masked bits per byte" and len(found["models"]) == 3
    bits = [model["target"]["bits_per_byte"] for model in found["models"]]
    # The base cannot read most of the text, and says so at 8 bits a byte.
    assert bits[0] > bits[1] > bits[2] > 0
    assert all(model["generated"] is None and not model["written"] for model in found["models"])
    assert "masked bits per byte" in (tmp_path / "page/evaluation.html").read_text("utf-8")


def headless(directory, out):
    """The encoder of a checkpoint without the head that predicts masked tokens, as sentence encoders are."""
    shutil.copytree(directory, out)
    BertModel.from_pretrained(out, add_pooling_layer=False).save_pretrained(out)
    return out


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_an_encoder_without_its_head_is_refused(vocabx, encoder, tmp_path, command):
    bare = headless(encoder("bert"), tmp_path / "bare")
    texts = ("--corpus", encoder.texts / "zh.jsonl")
    run = vocabx(command, bare, *texts, "--out", tmp_path / "out")
    assert run.code == 2
    assert "without the head that predicts masked tokens (cls.predictions" in run.err
    assert not (tmp_path / "out").exists()


REFUSED = [
    ("bert", {"align_weight": 1.0}, "--align-weight is for models that predict the next token"),
    ("roberta", {"sequence_length": 513}, "reads 512 tokens at most: pass 512 or less"),
    ("bert", {"pairs": "nowhere.tsv"}, "cannot read nowhere.tsv"),
    ("t5", {"mask": "entities"}, "is an encoder-decoder, which fills in spans: omit it"),
]


@pytest.mark.parametrize(("kind", "changes", "message"), REFUSED)
def test_what_an_encoder_cannot_do_is_refused_before_the_work(options_of, tmp_path, kind, changes, message):
    with pytest.raises(VocabxError, match=message) as refused:
        train(options_of(kind, tmp_path / "run", **changes))
    assert len(str(refused.value)) <= 300 and "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["起初", "起初\t", "起初\tIn\tthe", "\tIn the beginning"])
def test_a_line_that_is_no_pair_is_named(options_of, tmp_path, line):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"神說\tGod said\n{line}\n", "utf-8")
    with pytest.raises(VocabxError, match="line 2 has "):
        train(options_of("bert", tmp_path / "run", pairs=str(pairs)))


def test_pairs_whose_columns_are_exchanged_are_refused_before_the_work(options_of, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("God said\t神說\nIn the beginning\t起初\n", "utf-8")
    with pytest.raises(VocabxError, match="script is in the second column: exchange the columns"):
        train(options_of("bert", tmp_path / "run", pairs=str(pairs)))
    assert list(tmp_path.iterdir()) == [pairs]


@pytest.mark.parametrize("changes", [{"mask": "entities"}, {"pairs": "pairs.tsv"}])
def test_a_decoder_hides_nothing(run_of, changes):
    with pytest.raises(VocabxError, match="is about tokens that are hidden from an encoder"):
        run_of(**changes)


def test_entities_need_a_tagger_of_the_language(options_of, encoder, tmp_path):
    directory = tmp_path / "hindi"
    shutil.copytree(encoder("bert"), directory)
    manifest = json.loads((directory / "vocabx.json").read_text("utf-8"))
    (directory / "vocabx.json").write_text(json.dumps({**manifest, "language": "hi"}), "utf-8")
    with pytest.raises(VocabxError, match="a part-of-speech tagger of Hindi"):
        train(options_of("bert", tmp_path / "run", directory=directory, mask="entities"))


def test_a_tagger_that_is_not_installed_is_named_before_the_work(vocabx, encoder, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "vocabx._util.extras.installed", lambda package: package != "jieba" and bool(find_spec(package))
    )
    texts = ("--corpus", encoder.texts / "zh.jsonl", "--replay", encoder.texts / "en.txt")
    run = vocabx("train", encoder("bert"), *texts, "--mask", "entities", "--out", tmp_path / "out")
    assert run.code == 2 and run.err.count("\n") == 1
    assert "this needs the package jieba, which is not installed: pip install 'vocabx[vectors]'" in run.err
    assert list(tmp_path.iterdir()) == []


def test_two_kinds_of_models_are_not_compared(vocabx, encoder, small_extended):
    run = vocabx(
        "evaluate", encoder("bert"), small_extended(), "--corpus", encoder.texts / "zh.jsonl",
        "--base-text", encoder.texts / "en.txt",
    )  # fmt: skip
    assert run.code == 2 and "do not compare: evaluate them apart" in run.err
