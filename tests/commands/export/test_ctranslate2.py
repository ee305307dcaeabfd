"""vocabx export --ctranslate2, from the command line to CTranslate2."""

import json
import shutil
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.exports.ctranslate2_file import read_variables
from vocabx.tokenizer.read_tokenizer import read_tokenizer


@pytest.fixture
def extended(small_extended, tmp_path):
    """A function that copies the small extended checkpoint, with the roles that CTranslate2 needs."""

    def make(tied: bool = True) -> Path:
        directory = shutil.copytree(small_extended(tied), tmp_path / f"extended-{tied}")
        path = directory / "tokenizer_config.json"
        roles = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **roles}), "utf-8")
        return directory

    return make


@pytest.mark.parametrize("tied", [True, False])
def test_an_extension_is_converted_with_its_ids_and_rows(vocabx, extended, tied, tmp_path):
    directory, out = extended(tied), tmp_path / "made" / "ct2"
    run = vocabx("export", directory, "--ctranslate2", out, "--json")
    assert run.code == 0, run.err
    said = json.loads(run.out)
    checkpoint, tokenizer = read_checkpoint(directory), read_tokenizer(directory)
    assert (said["prompts"], said["same"], said["matrices"]) == (8, 8, 2)
    assert said["apart"] < 1e-4
    assert "probabilities" not in run.err
    assert said["rows"] == said["tokens"] == checkpoint.input.rows
    tokens = json.loads((out / "vocabulary.json").read_text("utf-8"))
    assert tokens == [tokenizer.id_to_piece[index] for index in range(checkpoint.input.rows)]
    rows = read_variables(out / "model.bin")["decoder/embeddings/weight"].map()
    assert rows.tobytes() == checkpoint.input.map().tobytes()
    # Its own library reads the directory.
    assert ctranslate2.Generator(str(out)).generate_batch([tokens[5:9]], max_length=2)
    assert sorted(path.name for path in out.parent.iterdir()) == ["ct2"]


def test_int8_is_within_half_a_step_of_the_rows(vocabx, extended, tmp_path):
    directory, out = extended(), tmp_path / "ct2"
    run = vocabx("export", directory, "--ctranslate2", out, "--dtype", "int8", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["dtype"] == "int8"
    found = read_variables(out / "model.bin")
    rows = found["decoder/embeddings/weight"].map()
    scale = found["decoder/embeddings/weight_scale"].map()
    table = read_checkpoint(directory).input.map().astype(np.float64)
    assert rows.dtype == np.int8
    assert np.abs(rows / scale[:, None] - table).max() <= (0.501 / scale).max()


def test_probabilities_that_the_converter_changes_are_noted(vocabx, extended, tmp_path):
    # The converter leaves Gemma 2's soft cap of logits out, which keeps their order.
    directory, out = extended(), tmp_path / "ct2"
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=read_checkpoint(directory).input.rows, hidden_size=16, intermediate_size=16,
        num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, head_dim=8,
        query_pre_attn_scalar=8, attn_logit_softcapping=None, final_logit_softcapping=2.0, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    model = Gemma2ForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(100)
    model.save_pretrained(directory)
    run = vocabx("export", directory, "--ctranslate2", out, "--json")
    assert run.code == 0, run.err
    said = json.loads(run.out)
    assert said["same"] == 8 and said["apart"] > 0.1
    assert "gives them other probabilities" in run.err


def refused(run) -> str:
    assert run.code == 2 and run.out == ""
    assert run.err.count("\n") == 1 and run.err.startswith("error: "), run.err
    assert len(run.err) <= 310
    return run.err


def test_bad_input_is_refused_in_one_line_and_leaves_no_files(vocabx, tiny_model, tmp_path):
    out = tmp_path / "out" / "ct2"
    assert "4 of 4,100 ids have no name" in refused(
        vocabx("export", tiny_model(rows=4100), "--ctranslate2", out)
    )
    directory = tiny_model()
    assert "--dtype q8_0 does not go with --ctranslate2" in refused(
        vocabx("export", directory, "--ctranslate2", out, "--dtype", "q8_0")
    )
    assert "is not a directory" in refused(vocabx("export", tmp_path / "none", "--ctranslate2", out))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    said = refused(vocabx("export", directory, "--ctranslate2", tmp_path / "full"))
    assert "choose another --ctranslate2" in said
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "model_type": "olmo"}))
    assert "does not convert models of type olmo (OlmoConfig)" in refused(
        vocabx("export", directory, "--ctranslate2", out)
    )
    assert not out.parent.exists()


def test_rows_that_the_converter_changes_are_refused(vocabx, extended, tmp_path, monkeypatch):
    from ctranslate2.converters import transformers as converter

    real = converter.LlamaLoader.get_model_spec

    def changed(self, model):
        model.model.embed_tokens.weight.data[-1] += 1
        return real(self, model)

    monkeypatch.setattr(converter.LlamaLoader, "get_model_spec", changed)
    out = tmp_path / "out" / "ct2"
    assert "CTranslate2 wrote other rows than" in refused_after(
        vocabx("export", extended(), "--ctranslate2", out)
    )
    assert not out.parent.exists()


def test_a_tokenizer_without_an_end_of_text_is_refused(vocabx, small_extended, tmp_path):
    out = tmp_path / "out" / "ct2"
    said = refused_after(vocabx("export", small_extended(), "--ctranslate2", out))
    assert "_token, and CTranslate2 loads no model without it" in said
    assert not out.parent.exists()


def refused_after(run) -> str:
    assert run.code == 2, run.err
    return run.err
