"""Every entry of the architectures, compared with a model of that type made by transformers."""

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import ENCODER_DECODERS, MULTIMODAL, PLAIN, head_of, tiny_config, tiny_model
from transformers import AutoConfig

from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.configuration import is_tied, stated_rows, with_rows
from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import from_rows

# As many as SmolLM2 has, so that no other tensor has as many rows.
ROWS = 49_152
NEW = 3


def saved(directory: Path, kind: str, rows: int = ROWS, tied: bool | None = None, **save) -> tuple:
    model = tiny_model(kind, rows, tied)
    model.save_pretrained(directory, **save)
    return model, directory


def grown(directory: Path, target: Path) -> Checkpoint:
    base = read_checkpoint(directory)
    parts = [(np.array([3, 5 + n]), np.array([0.25, 0.75])) for n in range(NEW)]
    target.mkdir()
    grow_checkpoint(base, everywhere(from_rows(parts, base.input.rows)), target, range(0))
    return base


def digests(directory: Path, rows: int, tables: set[str]) -> dict[str, str]:
    """The sha256 of each tensor's bytes; of embedding matrices, only the first `rows` rows."""
    found = {}
    for path in sorted(directory.glob("*.safetensors")):
        for name, tensor in load_file(path).items():
            kept = tensor[:rows] if name in tables else tensor
            found[name] = hashlib.sha256(
                kept.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
            ).hexdigest()
    return found


def shares(model) -> bool:
    return model.get_input_embeddings().weight.data_ptr() == model.get_output_embeddings().weight.data_ptr()


def reloaded(directory: Path, kind: str):
    model, info = head_of(kind).from_pretrained(
        directory, local_files_only=True, dtype="auto", output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    return model.eval()


def logits(model, kind: str) -> torch.Tensor:
    ids = torch.tensor([[2, 7, 3, model.get_input_embeddings().weight.shape[0] - 1]])
    more = {"decoder_input_ids": ids} if kind in ENCODER_DECODERS else {}
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids), **more).logits


def of_text(config: dict) -> dict:
    return config.get("text_config", config)


@pytest.mark.parametrize("kind", ARCHITECTURES)
@pytest.mark.parametrize("tied", [None, True, False])
def test_the_embeddings_found_are_those_of_the_model(tmp_path, kind, tied):
    model, directory = saved(tmp_path / "model", kind, tied=tied)
    found = read_checkpoint(directory)
    assert found.tied == shares(model)
    assert np.array_equal(found.input.map(), model.get_input_embeddings().weight.detach().numpy())
    bias = getattr(model.get_output_embeddings(), "bias", None)
    assert bool(found.biases) == (bias is not None)
    if bias is not None:
        # An untied encoder has a second bias, which it does not use.
        assert any(np.array_equal(stored.map()[:, 0], bias.detach().numpy()) for stored in found.biases)
    if not found.tied:
        assert np.array_equal(found.output.map(), model.get_output_embeddings().weight.detach().numpy())
    # No other tensor has as many rows as the vocabulary.
    tall = {name for file in found.files for name, entry in file.tensors.items() if ROWS in entry.shape}
    assert {table.name for table in found.tables} == tall
    assert stated_rows(found.config) == ROWS


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_an_extended_model_is_the_old_one_with_more_rows(tmp_path, kind):
    model, directory = saved(tmp_path / "model", kind)
    base = grown(directory, tmp_path / "out")
    tables = {table.name for table in base.tables}
    before, after = digests(directory, ROWS, tables), digests(tmp_path / "out", ROWS, tables)
    assert before == after
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert of_text(config)["vocab_size"] == config.get("vocab_size", ROWS + NEW) == ROWS + NEW
    again = reloaded(tmp_path / "out", kind)
    assert len(again.get_input_embeddings().weight) == len(again.get_output_embeddings().weight) == ROWS + NEW
    assert shares(again) == shares(model) == base.tied
    assert logits(again, kind).shape[-1] == ROWS + NEW
    assert torch.isfinite(logits(again, kind)).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ARCHITECTURES)
@pytest.mark.parametrize("tied", [True, False])
def test_a_model_tied_against_its_default_stays_so(tmp_path, kind, tied):
    model, directory = saved(tmp_path / "model", kind, 100, tied)
    base = grown(directory, tmp_path / "out")
    again = reloaded(tmp_path / "out", kind)
    assert shares(again) == shares(model) == base.tied
    assert again.config.get_text_config(decoder=True).vocab_size == 100 + NEW


@pytest.mark.parametrize("kind", PLAIN)
def test_the_embeddings_are_found_in_shards_and_without_the_head(tmp_path, kind):
    model, directory = saved(tmp_path / "shards", kind, 1000, max_shard_size="20KB")
    assert len(list(directory.glob("*.safetensors"))) > 1
    found = read_checkpoint(directory)
    assert np.array_equal(found.input.map(), model.get_input_embeddings().weight.detach().numpy())
    if model.get_output_embeddings() is not None and found.tied:
        model.base_model.save_pretrained(tmp_path / "body")
        body = read_checkpoint(tmp_path / "body")
        assert np.array_equal(body.input.map(), found.input.map())


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_configuration_without_an_entry_is_tied_as_in_transformers(kind):
    config = tiny_config(kind)
    silent = {"model_type": kind}
    if kind in MULTIMODAL:
        silent["text_config"] = {"model_type": config.text_config.model_type}
    expected = config.tie_word_embeddings
    # If the two versions of transformers tie differently, what is stored decides.
    assert is_tied(silent, has_output=not expected) == expected


DEFAULTS_OF_4 = """
import json, sys
from transformers import AutoConfig
found = {}
for kind in json.load(sys.stdin):
    text = AutoConfig.for_model(kind).get_text_config(decoder=True)
    found[kind] = [text.model_type, text.tie_word_embeddings]
print(json.dumps(found))
"""


READ_BY_4 = """
import json, sys
from transformers import AutoConfig
found = {}
for key, config in json.load(sys.stdin).items():
    text = AutoConfig.for_model(**config).get_text_config(decoder=True)
    found[key] = [text.vocab_size, text.tie_word_embeddings]
print(json.dumps(found))
"""


def asked_of_4(code: str, content: object):
    python = Path(__file__).resolve().parents[2] / ".venv" / "transformers4" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", code], input=json.dumps(content), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_both_versions_of_transformers_read_the_size_and_tying_that_were_written():
    written = {
        f"{kind} {tied}": with_rows(json.loads(tiny_config(kind, 50, tied).to_json_string()), 53, tied)
        for kind, architecture in ARCHITECTURES.items()
        for tied in (True, False)
        if architecture.says_tied
    }
    by_4 = asked_of_4(READ_BY_4, written)
    for key, config in written.items():
        read = AutoConfig.for_model(**config)
        by_5 = [read.get_text_config(decoder=True).vocab_size, read.tie_word_embeddings]
        assert by_4[key] == by_5 == [53, key.endswith("True")], key


def test_a_configuration_without_an_entry_is_tied_as_in_transformers_4():
    """Version 4 omits what its classes imply, and reads tying from the language model's settings."""
    defaults = asked_of_4(DEFAULTS_OF_4, [*ARCHITECTURES])
    assert defaults.keys() == ARCHITECTURES.keys()
    for kind, (inner, expected) in defaults.items():
        silent = {"model_type": kind}
        if kind in MULTIMODAL:
            silent["text_config"] = {"model_type": inner}
        # An untied model stores its lm_head.
        assert is_tied(silent, has_output=not expected) == expected, kind


@pytest.mark.parametrize("text_tied", [True, False, None])
@pytest.mark.parametrize("top_tied", [True, False, None])
@pytest.mark.parametrize("stored", [True, False])
def test_contradictory_entries_are_settled_by_what_is_stored(text_tied, top_tied, stored):
    stated = {key: value for key, value in {"tie_word_embeddings": top_tied}.items() if value is not None}
    text = {"model_type": "llama"} | ({} if text_tied is None else {"tie_word_embeddings": text_tied})
    config = {"model_type": "llava", "text_config": text, **stated}
    agree = bool(top_tied) == bool(text_tied)
    assert is_tied(config, stored) == (bool(top_tied) if agree else not stored)


@pytest.mark.parametrize("kind", MULTIMODAL)
def test_a_language_model_is_found_under_its_older_and_newer_names(tmp_path, kind):
    """transformers renamed the language model's tensors in 4.52 and in 5."""
    _, directory = saved(tmp_path / "model", kind, 100, tied=False)
    tensors = load_file(directory / "model.safetensors")
    found = read_checkpoint(directory)
    rows = tensors[found.input.name], tensors[found.output.name]
    others = {name: t for name, t in tensors.items() if name not in (found.input.name, found.output.name)}
    architecture = ARCHITECTURES[kind]
    for table in architecture.inputs:
        for head in architecture.outputs:
            save_file({**others, table: rows[0], head: rows[1]}, directory / "model.safetensors")
            again = read_checkpoint(directory)
            assert (again.input.name, again.output.name) == (table, head)


@pytest.mark.parametrize("stored", [(), ("encoder",), ("encoder", "decoder"), ("encoder", "decoder", "head")])
@pytest.mark.parametrize("kind", ["t5", "m2m_100"])
def test_every_copy_of_a_shared_matrix_is_extended(tmp_path, kind, stored):
    _, directory = saved(tmp_path / "model", kind, 100)
    tensors = load_file(directory / "model.safetensors")
    start = "model." if kind == "m2m_100" else ""
    names = {
        "encoder": f"{start}encoder.embed_tokens.weight",
        "decoder": f"{start}decoder.embed_tokens.weight",
        "head": "lm_head.weight",
    }
    shared = tensors[f"{start}shared.weight"]
    copies = {names[which]: shared.clone() for which in stored}
    save_file({**tensors, **copies}, directory / "model.safetensors", metadata={"format": "pt"})
    base = grown(directory, tmp_path / "out")
    assert base.tied and not base.generates
    assert {table.name for table in base.copies} == copies.keys() - {"lm_head.weight"}
    assert {base.kind_of(table) for table in base.tables} == {"input"}
    after = load_file(tmp_path / "out" / "model.safetensors")
    for name in copies:
        assert torch.equal(after[name], after[f"{start}shared.weight"])
    again = reloaded(tmp_path / "out", kind)
    assert shares(again) and again.get_encoder().get_input_embeddings().weight.shape == (100 + NEW, 16)


@pytest.mark.parametrize("written_by", ["4", "5"])
def test_an_untied_lm_head_of_t5_and_its_scaling_are_kept(tmp_path, written_by):
    """T5 1.1 has tie_word_embeddings false, which transformers 5 reads as scaling, and writes as true."""
    _, directory = saved(tmp_path / "model", "t5", 100, tied=False)
    tensors = load_file(directory / "model.safetensors")
    torch.manual_seed(1)
    head = torch.randn(100, 16)
    save_file({**tensors, "lm_head.weight": head}, directory / "model.safetensors", metadata={"format": "pt"})
    if written_by == "4":
        config = json.loads((directory / "config.json").read_text())
        del config["scale_decoder_outputs"]
        (directory / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    base = grown(directory, tmp_path / "out")
    assert not base.tied and base.kind_of(base.output) == "output"
    again = reloaded(tmp_path / "out", "t5")
    assert not shares(again) and torch.equal(again.lm_head.weight[:100], head)
    assert AutoConfig.from_pretrained(tmp_path / "out").scale_decoder_outputs is False


def test_the_embeddings_of_multi_token_prediction_layers_are_extended(tmp_path):
    """DeepSeek V3 stores an extra layer with copies of both matrices, which transformers ignores."""
    _, directory = saved(tmp_path / "model", "deepseek_v3", 100)
    tensors = load_file(directory / "model.safetensors")
    table, head = tensors["model.embed_tokens.weight"], tensors["lm_head.weight"]
    further = {
        "model.layers.61.embed_tokens.weight": table.clone(),
        "model.layers.61.shared_head.head.weight": head.clone(),
        "model.layers.61.enorm.weight": torch.ones(16),
    }
    save_file({**tensors, **further}, directory / "model.safetensors", metadata={"format": "pt"})
    base = grown(directory, tmp_path / "out")
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(after["model.layers.61.embed_tokens.weight"], after["model.embed_tokens.weight"])
    assert torch.equal(after["model.layers.61.shared_head.head.weight"], after["lm_head.weight"])
    assert len(after["lm_head.weight"]) == 100 + NEW and len(base.tables) == 4


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"vocab_size": 5}, {"vocab_size": 9, "tie_word_embeddings": True}),
        ({"text_config": {"vocab_size": 5}}, {
            "text_config": {"vocab_size": 9, "tie_word_embeddings": True}, "tie_word_embeddings": True}),
        ({"text_config": {}, "vocab_size": 4}, {
            "text_config": {"vocab_size": 9, "tie_word_embeddings": True}, "vocab_size": 9,
            "tie_word_embeddings": True}),
        ({"model_type": "t5", "vocab_size": 5, "tie_word_embeddings": False}, {
            "model_type": "t5", "vocab_size": 9, "tie_word_embeddings": False}),
        ({}, {"vocab_size": 9, "tie_word_embeddings": True}),
    ],
)  # fmt: skip
def test_the_size_is_updated_everywhere_in_a_configuration(config, expected):
    before = json.dumps(config)
    assert with_rows(config, 9, True) == expected
    assert json.dumps(config) == before
    assert stated_rows(expected) == 9


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        ({"vocab_size": 7, "text_config": {"vocab_size": 5}}, 5), ({"vocab_size": 7, "text_config": {}}, 7),
        ({"text_config": [1]}, None), ({"vocab_size": "7"}, None), ({"vocab_size": True}, None), ({}, None),
    ],
)  # fmt: skip
def test_the_size_of_the_language_model_is_the_one_that_counts(config, rows):
    assert stated_rows(config) == rows


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl", "smolvlm", "gemma3", "llama"])
def test_a_multimodal_model_is_scored_on_its_text(tmp_path, kind):
    from vocabx.evaluation.load_model import load_model

    model, directory = saved(tmp_path / "model", kind, 100)
    assert torch.equal(logits(load_model(directory), kind), logits(model, kind))
