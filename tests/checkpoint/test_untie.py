"""Untied checkpoints of tied bases: the same bytes twice, rows by two rules, and nothing else changed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
from architectures_models import small_model
from safetensors.numpy import load_file, save_file

from vocabx.checkpoint.grow import grow_checkpoint, grown_bytes
from vocabx.checkpoint.journal import Journal
from vocabx.checkpoint.proof import prove_untied
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import INDEX, read_header, same_tensor
from vocabx.checkpoint.tables import Checkpoint
from vocabx.checkpoint.untie import check_untiable, head_bytes, head_of
from vocabx.errors import BaseModelError, OutputError
from vocabx.mixture.initialization import Initialization
from vocabx.mixture.mixture import from_rows

OLD, IDS = 50, torch.tensor([[1, 5, 9, 30, 7]])
INPUT, OUTPUT = [[3], [4, 5]], [[6], [7, 7, 8]]
KINDS = (
    "llama", "mixtral", "qwen3", "gemma2", "phi", "gpt2", "gptj", "gpt_neo", "gpt_neox", "opt", "bloom",
    "cohere", "deepseek_v3", "gpt_oss", "gemma3", "llava", "qwen2_vl", "idefics3",
)  # fmt: skip


def two_rules(old_rows: int = OLD) -> Initialization:
    mixtures = (
        from_rows([(ids, np.full(len(ids), 1 / len(ids))) for ids in rule], old_rows)
        for rule in (INPUT, OUTPUT)
    )
    return Initialization(*mixtures)


def untied(base: Path, out: Path, journal: Journal | None = None) -> Checkpoint:
    checkpoint = read_checkpoint(base)
    out.mkdir(exist_ok=True)
    grow_checkpoint(checkpoint, two_rules(), out, range(0), journal=journal, untie=True)
    return checkpoint


def saved(kind: str, directory: Path, **options) -> Path:
    tiny_models.tiny_model(kind, rows=OLD, tied=True).save_pretrained(directory, **options)
    return directory


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_gives_its_old_logits_and_new_ones_by_the_rule_of_the_output(kind, tmp_path):
    base = saved(kind, tmp_path / "base")
    checkpoint = untied(base, tmp_path / "out")
    auto = tiny_models.head_of(kind)
    before = auto.from_pretrained(base).eval()
    after, info = auto.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    with torch.no_grad():
        one, other = (model.eval()(input_ids=IDS).logits for model in (before, after))
    assert torch.equal(one, other[..., :OLD])
    rows, head = after.get_input_embeddings().weight, after.get_output_embeddings().weight
    assert rows is not head
    for table, rule in ((rows, INPUT), (head, OUTPUT)):
        for number, ids in enumerate(rule):
            torch.testing.assert_close(table[OLD + number], rows[ids].mean(dim=0))
    claims = prove_untied(checkpoint, tmp_path / "out")
    assert [(found.name, found.failed) for found in claims] == [("untied-rows", 0), ("other-tensors", 0)]
    assert claims[0].checked == 2 * OLD + 1


def test_the_lm_head_goes_beside_the_input_embeddings_and_into_the_index(tmp_path):
    base = saved("llama", tmp_path / "base", max_shard_size="6KB")
    checkpoint = untied(base, tmp_path / "out")
    assert len(checkpoint.files) > 1
    before, after = (json.loads((where / INDEX).read_text()) for where in (base, tmp_path / "out"))
    written = read_checkpoint(tmp_path / "out")
    assert after["weight_map"] == {**before["weight_map"], "lm_head.weight": checkpoint.input.file.path.name}
    entries = [entry for file in written.files for entry in file.tensors.values()]
    assert after["metadata"]["total_size"] == sum(entry.end - entry.begin for entry in entries)
    sizes = sum(file.path.stat().st_size for file in written.files)
    assert abs(sizes - grown_bytes(checkpoint, 2, untie=True)) < 300 * len(written.files)
    assert sizes - grown_bytes(checkpoint, 2) > 0.9 * head_bytes(checkpoint, OLD + 2)
    for file in checkpoint.files:
        grown = read_header(tmp_path / "out" / file.path.name)
        for name in file.tensors.keys() - {checkpoint.input.name}:
            assert same_tensor(file, name, grown, name)


def test_an_lm_head_that_a_tied_base_stores_and_nothing_reads_is_replaced(tmp_path):
    base = saved("llama", tmp_path / "base")
    tensors = load_file(base / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] + 1
    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    checkpoint = untied(base, tmp_path / "out")
    assert head_of(checkpoint) == (checkpoint.output.file, "lm_head.weight")
    assert grown_bytes(checkpoint, 2, untie=True) == grown_bytes(checkpoint, 2)
    found = load_file(tmp_path / "out" / "model.safetensors")
    rows = tensors["model.embed_tokens.weight"]
    assert found["lm_head.weight"][:OLD].tobytes() == rows.tobytes()
    np.testing.assert_allclose(
        found["lm_head.weight"][OLD:], [rows[6], (2 * rows[7] + rows[8]) / 3], rtol=1e-6
    )
    assert not any(claim.failed for claim in prove_untied(checkpoint, tmp_path / "out"))


def test_the_configuration_says_so_wherever_a_version_of_transformers_reads_it(tmp_path):
    untied(saved("gemma3", tmp_path / "base"), tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["tie_word_embeddings"] is config["text_config"]["tie_word_embeddings"] is False
    assert not read_checkpoint(tmp_path / "out").tied


@pytest.mark.parametrize(
    ("kind", "tied", "sentence"),
    [
        ("llama", False, "has an lm_head of its own already: leave out --untie"),
        ("bert", True, "is a bert, and only models that predict the next token can be untied"),
        ("t5", True, "is a t5, and only models that predict the next token can be untied"),
        ("m2m_100", True, "is a m2m_100, and only models that predict the next token"),
    ],
)
def test_a_base_that_cannot_be_untied_is_refused_in_one_sentence(kind, tied, sentence, tmp_path):
    tiny_models.tiny_model(kind, rows=OLD, tied=tied).save_pretrained(tmp_path)
    with pytest.raises(BaseModelError, match=sentence):
        check_untiable(read_checkpoint(tmp_path))


def test_a_tied_class_with_further_layers_on_the_matrix_is_refused_by_the_name_of_the_layer(tmp_path):
    small_model("blip", "BlipForConditionalGeneration").save_pretrained(tmp_path)
    base = read_checkpoint(tmp_path)
    assert base.tied and base.generates
    with pytest.raises(BaseModelError) as caught:
        check_untiable(base)
    assert "to its embeddings (text_decoder.cls.predictions.decoder.weight), which --untie" in str(
        caught.value
    )


def test_a_base_that_was_saved_without_its_head_is_refused_in_one_sentence(tmp_path):
    tiny_models.tiny_model("gpt2", rows=OLD).base_model.save_pretrained(tmp_path)
    with pytest.raises(BaseModelError, match="was saved without its head, as the names of its tensors tell"):
        check_untiable(read_checkpoint(tmp_path))


def test_a_changed_row_or_tensor_fails_its_claim(tmp_path):
    checkpoint = untied(saved("llama", tmp_path / "base"), tmp_path / "out")
    path = tmp_path / "out" / "model.safetensors"
    tensors = load_file(path)
    tensors["lm_head.weight"][4, 2] += 1
    tensors["model.norm.weight"][0] += 1
    tensors["stray"] = np.zeros(3, np.float32)
    save_file(tensors, path, {"format": "pt"})
    rows, others = prove_untied(checkpoint, tmp_path / "out")
    assert (rows.failed, rows.examples) == (1, ("row 4 of lm_head.weight",))
    assert sorted(others.examples) == ["model.norm.weight", "stray"]


def test_unfinished_files_of_a_tied_result_are_not_taken_for_an_untied_one(tmp_path):
    base = saved("llama", tmp_path / "base", max_shard_size="6KB")
    checkpoint, out = read_checkpoint(base), tmp_path / "out"
    out.mkdir()
    journal = Journal(out)
    grow_checkpoint(checkpoint, two_rules(), out, range(0), journal=journal)
    with pytest.raises(OutputError, match="was begun with other options"):
        grow_checkpoint(checkpoint, two_rules(), out, range(0), journal=journal, untie=True)
    journal.close()


def test_whole_files_of_an_untied_result_are_kept_when_it_is_resumed(tmp_path):
    base = saved("llama", tmp_path / "base", max_shard_size="6KB")
    untied(base, tmp_path / "whole")
    (tmp_path / "out").mkdir()
    journal = Journal(tmp_path / "out")
    untied(base, tmp_path / "out", journal)
    kept = sorted(journal.whole)
    (tmp_path / "out" / kept[0]).unlink()
    stamps = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in kept[1:]}
    journal.close()
    journal = Journal(tmp_path / "out")
    untied(base, tmp_path / "out", journal)
    journal.close()
    for name in kept:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert stamps == {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in kept[1:]}


def test_a_tied_result_has_the_rule_of_the_input_in_its_matrix_and_its_bias(tmp_path):
    base = saved("gptj", tmp_path / "base")
    checkpoint, out = read_checkpoint(base), tmp_path / "out"
    out.mkdir()
    assert checkpoint.tied and checkpoint.biases
    grow_checkpoint(checkpoint, two_rules(), out, range(0))
    grown = read_checkpoint(out)
    for table, old in ((grown.input, checkpoint.input), (grown.biases[0], checkpoint.biases[0])):
        np.testing.assert_allclose(table.map()[OLD], old.map()[3])
    assert two_rules().tied().hull_bound() == replace(two_rules(), output=two_rules().input).hull_bound()
