"""Embedding matrices found by building the class: any type, the table of known types, and refusals."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures_models import VOCABULARY, small_model
from architectures_proof import COPIED, NEW, prove
from safetensors.torch import load_file, save_file
from tiny_models import tiny_model

from vocabx import ExtendOptions, extend
from vocabx._util.extras import installed
from vocabx.checkpoint import find_architecture as finding
from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.built_architecture import Shapes, built_architecture
from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.model_types import recorded_types
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import INDEX
from vocabx.checkpoint.special_ids import check_ids_free
from vocabx.checkpoint.tables import find_tables
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import from_rows

ROWS = 1031  # A prime, so that no other tensor has as many rows.
# One or two for each way in which a class keeps its embedding matrices, none of them in the table.
SPREAD = {
    "bailing_hybrid": "BailingHybridForCausalLM",
    "bart": "BartForConditionalGeneration",
    "big_bird": "BigBirdForMaskedLM",
    "biogpt": "BioGptForCausalLM",
    "ctrl": "CTRLLMHeadModel",
    "deberta-v2": "DebertaV2ForMaskedLM",
    "deepseek_v4": "DeepseekV4ForCausalLM",
    "exaone4": "Exaone4ForCausalLM",
    "falcon_mamba": "FalconMambaForCausalLM",
    "fuyu": "FuyuForCausalLM",
    "gemma3n_text": "Gemma3nForCausalLM",
    "gemma4_text": "Gemma4ForCausalLM",
    "glm_moe_dsa": "GlmMoeDsaForCausalLM",
    "hy_v4": "HYV4ForCausalLM",
    "inkling_text": "InklingForCausalLM",
    "kimi_linear": "KimiLinearForCausalLM",
    "lfm2": "Lfm2ForCausalLM",
    "llama4": "Llama4ForConditionalGeneration",
    "longt5": "LongT5ForConditionalGeneration",
    "mamba": "MambaForCausalLM",
    "marian": "MarianMTModel",
    "mbart": "MBartForConditionalGeneration",
    "neomme": "NeoMMEForMaskedLM",
    "nemotron_h": "NemotronHForCausalLM",
    "pegasus": "PegasusForConditionalGeneration",
    "prophetnet": "ProphetNetForConditionalGeneration",
    "qwen4_exp_text": "Qwen4ExpForCausalLM",
    "qwen3_next": "Qwen3NextForCausalLM",
    "rembert": "RemBertForMaskedLM",
    "t5gemma": "T5GemmaForConditionalGeneration",
    "xlm": "XLMWithLMHeadModel",
}
_ELSEWHERE = sorted(
    {
        (one.type, one.name)
        for one in recorded_types().types
        if one.verdict == "extended" and (not one.needs or installed(one.needs))
    }
    - set(SPREAD.items())
)


def shapes_of(checkpoint) -> Shapes:
    return Shapes({name: entry.shape for file in checkpoint.files for name, entry in file.tensors.items()})


def names(tables) -> set[str]:
    return {table.name for table in tables}


def agrees(directory: Path, kind: str, tied: bool | None) -> None:
    tiny_model(kind, ROWS, tied).save_pretrained(directory)
    base = read_checkpoint(directory)
    assert base.architecture is ARCHITECTURES[kind]
    built, others = built_architecture(base.config, shapes_of(base), directory)
    found = find_tables(built, {name: file for file in base.files for name in file.tensors})
    assert not others and found.input == base.input and found.output == base.output
    for part in ("biases", "output_copies"):
        assert names(getattr(found, part)) == names(getattr(base, part))
    # Untied, the matrices of M2M100's encoder and decoder are no copies. Either way, new rows are mixed
    # from a matrix's own old ones.
    both = names(found.copies) | names(found.lookups)
    assert both == names(base.copies) | names(base.lookups)
    assert tied is False or names(found.copies) == names(base.copies)
    assert built.tied == base.tied
    for part in ("says_tied", "generates", "sees", "counts_from_pad", "normalizes"):
        assert getattr(built, part) == getattr(base.architecture, part), part


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_table_of_known_types_and_their_classes_agree(tmp_path, kind):
    agrees(tmp_path, kind, None)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_they_agree_too_on_a_model_that_is_tied_otherwise(tmp_path, kind, tied):
    agrees(tmp_path, kind, tied)


def proven(directory: Path, kind: str, name: str) -> None:
    proof = prove(small_model(kind, name), directory)
    assert not proof.lost
    assert proof.old <= 2e-5 and proof.copy <= 2e-5 and proof.again <= 2e-5
    assert proof.checkpoint.input.rows == VOCABULARY


@pytest.mark.parametrize(("kind", "name"), SPREAD.items())
def test_a_type_that_is_in_no_table_is_extended_with_the_proof(tmp_path, kind, name):
    proven(tmp_path, kind, name)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), _ELSEWHERE)
def test_every_recorded_type_is_extended_with_the_proof(tmp_path, kind, name):
    proven(tmp_path, kind, name)


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("mllama_text_model", "MllamaForCausalLM", "+8 rows in model.embed_tokens.weight"),
        ("moshi", "MoshiForCausalLM", "+1 rows in model.embed_tokens.weight"),
        ("fsmt", "FSMTForConditionalGeneration", "a vocabulary for each of its two languages"),
        ("whisper", "WhisperForConditionalGeneration", "every id behind its timestamps"),
    ],
)  # fmt: skip
def test_a_type_whose_ids_mean_more_than_a_row_is_refused_by_name(tmp_path, kind, name, reason):
    small_model(kind, name).save_pretrained(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(BaseModelError) as caught:
        read_checkpoint(tmp_path)
    assert reason in str(caught.value) and len(str(caught.value)) < 300 + len(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def grown(directory: Path, target: Path, copied: int):
    base = read_checkpoint(directory)
    target.mkdir()
    parts = [(np.array([3]), np.array([1.0]))] * NEW
    rows = everywhere(from_rows(parts, base.input.rows)).copying({0: copied})
    grow_checkpoint(base, rows, target, range(0))
    return base


def test_ids_behind_the_per_layer_embeddings_of_gemma_3n_act_as_before(tmp_path):
    """Ids from vocab_size_per_layer_input on get the first row there, and so does a copy of such a token."""
    model = small_model("gemma3n_text", "Gemma3nForCausalLM")
    model.save_pretrained(tmp_path / "base")
    base = grown(tmp_path / "base", tmp_path / "out", copied=VOCABULARY - 1)
    (short,) = base.lookups
    assert short.rows < base.input.rows == VOCABULARY
    after = type(model).from_pretrained(tmp_path / "out", dtype="float32").eval()
    old = torch.tensor([[5, VOCABULARY - 1, 9, VOCABULARY - 2, 7]])
    new = torch.where(old == VOCABULARY - 1, VOCABULARY, old)
    with torch.no_grad():
        before, same, copied = model(old).logits, after(old).logits, after(new).logits
    assert torch.equal(before, same[..., :VOCABULARY]) and torch.equal(same, copied)
    assert after.config.vocab_size_per_layer_input == after.config.vocab_size == VOCABULARY + NEW


def test_the_transposed_bias_of_bart_gets_the_old_values_and_those_of_the_copy(tmp_path):
    model = small_model("bart", "BartForConditionalGeneration")
    model.save_pretrained(tmp_path / "base")
    base = grown(tmp_path / "base", tmp_path / "out", copied=COPIED)
    assert [table.name for table in base.biases] == ["final_logits_bias"]
    before, after = (
        load_file(tmp_path / part / "model.safetensors")["final_logits_bias"] for part in ("base", "out")
    )
    assert after.shape == (1, VOCABULARY + NEW) and torch.equal(before, after[:, :VOCABULARY])
    assert after[0, VOCABULARY] == before[0, COPIED] != 0


def test_every_name_of_the_vocabulary_size_is_set(tmp_path):
    model = small_model("xlm", "XLMWithLMHeadModel")
    model.save_pretrained(tmp_path / "base")
    path = tmp_path / "base" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "vocab_size": VOCABULARY, "n_words": VOCABULARY}))
    grown(tmp_path / "base", tmp_path / "out", copied=COPIED)
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["vocab_size"] == written["n_words"] == VOCABULARY + NEW


@pytest.fixture
def saved(tmp_path) -> Path:
    small_model("lfm2", "Lfm2ForCausalLM").save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def with_tensors(directory: Path, **more: torch.Tensor) -> Path:
    path = directory / "model.safetensors"
    save_file({**load_file(path), **more}, path, metadata={"format": "pt"})
    return directory


def with_settings(directory: Path, **more: object) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    return directory


def refusal(directory: Path) -> str:
    with pytest.raises(BaseModelError) as caught:
        read_checkpoint(directory)
    message = str(caught.value)
    assert "\n" not in message and len(message) <= 300 + len(str(directory))
    return message


def test_a_tensor_of_the_vocabularys_size_that_the_class_does_not_have_is_refused_by_name(saved):
    with_tensors(saved, **{"mtp.0.shared_head.weight": torch.randn(VOCABULARY, 64)})
    assert "has a tensor mtp.0.shared_head.weight of the shape (139, 64)" in refusal(saved)


def test_a_copy_for_multi_token_prediction_is_kept_equal(saved):
    with_tensors(
        saved, **{"mtp.0.embed.weight": load_file(saved / "model.safetensors")["model.embed_tokens.weight"]}
    )
    grown(saved, saved.parent / "out", copied=COPIED)
    after = load_file(saved.parent / "out" / "model.safetensors")
    assert len(after["mtp.0.embed.weight"]) == VOCABULARY + NEW
    assert torch.equal(after["mtp.0.embed.weight"], after["model.embed_tokens.weight"])


def test_a_known_type_with_a_tensor_that_the_table_lacks_is_refused_by_name(tmp_path):
    tiny_model("llama", ROWS).save_pretrained(tmp_path)
    with_tensors(tmp_path, **{"token_to_expert": torch.zeros(ROWS, 2, dtype=torch.int64)})
    assert "has a tensor token_to_expert of the shape (1031, 2)" in refusal(tmp_path)


def test_without_transformers_such_a_tensor_and_an_unknown_type_are_refused(tmp_path, saved, monkeypatch):
    monkeypatch.setattr(finding, "PACKAGES", {"no_such_package": "evaluate"})
    message = refusal(saved)
    assert "'lfm2', which vocabx only knows by transformers" in message and "vocabx[evaluate]" in message
    tiny_model("llama", ROWS).save_pretrained(tmp_path / "llama")
    assert read_checkpoint(tmp_path / "llama").input.rows == ROWS
    with_tensors(tmp_path / "llama", extra=torch.zeros(ROWS, 2))
    assert "has a tensor extra of the vocabulary's size" in refusal(tmp_path / "llama")


@pytest.mark.parametrize("settings", [
    {"model_type": "no_such_type", "auto_map": {"AutoModelForCausalLM": "modeling.Own"}},
    {"architectures": ["OwnForCausalLM"], "auto_map": {"AutoModelForCausalLM": "modeling.Own"}},
])  # fmt: skip
def test_a_class_of_remote_code_is_refused_and_not_run(saved, settings):
    (saved / "modeling.py").write_text(f"open({str(saved / 'ran')!r}, 'w')\n")
    message = refusal(with_settings(saved, **settings))
    assert "only be built by code of its own (auto_map)" in message and "--trust-remote-code" in message
    assert not (saved / "ran").exists()


def test_a_type_that_transformers_does_not_know_is_refused(saved):
    assert "'no_such_type', which transformers" in refusal(with_settings(saved, model_type="no_such_type"))


def test_a_configuration_that_transformers_cannot_build_is_refused(saved):
    assert "transformers cannot load" in refusal(with_settings(saved, hidden_size="many"))


def test_weights_of_another_size_than_the_configuration_are_refused(saved):
    message = refusal(with_settings(saved, vocab_size=VOCABULARY + 5))
    assert f"vocab_size in config.json is {VOCABULARY + 5}" in message and f"has {VOCABULARY} rows" in message


def test_matrices_of_different_lengths_are_refused(tmp_path):
    small_model("rembert", "RemBertForMaskedLM").save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    name = "cls.predictions.decoder.weight"
    with_tensors(tmp_path, **{name: tensors[name][:-1].clone()})
    assert f"has {VOCABULARY} rows and {name} {VOCABULARY - 1}" in refusal(tmp_path)


def test_embeddings_of_an_integer_dtype_are_refused(saved):
    rows = load_file(saved / "model.safetensors")["model.embed_tokens.weight"]
    with_tensors(saved, **{"model.embed_tokens.weight": rows.to(torch.int8)})
    assert "model.embed_tokens.weight is stored as 'I8'" in refusal(saved)


def test_an_index_that_misses_the_shard_with_the_embeddings_is_refused(tmp_path):
    small_model("lfm2", "Lfm2ForCausalLM").save_pretrained(tmp_path, max_shard_size="40KB")
    index = json.loads((tmp_path / INDEX).read_text())
    lost = index["weight_map"]["model.embed_tokens.weight"]
    index["weight_map"] = {name: file for name, file in index["weight_map"].items() if file != lost}
    (tmp_path / INDEX).write_text(json.dumps(index))
    assert "has no embedding matrix model.embed_tokens.weight: is a shard missing?" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
@pytest.mark.parametrize("setting", [
    {"image_token_id": VOCABULARY}, {"eos_token_id": [1, VOCABULARY + 1]}, {"vision_offset": VOCABULARY},
    {"suppress_tokens": [VOCABULARY + 2]},
])  # fmt: skip
def test_a_setting_that_holds_the_id_of_a_new_token_is_refused_by_name(saved, name, setting):
    base = read_checkpoint(saved)
    check_ids_free(base, range(VOCABULARY, VOCABULARY + NEW))
    path = saved / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **setting}))
    with pytest.raises(BaseModelError, match=f"{next(iter(setting))} in {name} is 1"):
        check_ids_free(read_checkpoint(saved), range(VOCABULARY, VOCABULARY + NEW))
    check_ids_free(read_checkpoint(saved), range(VOCABULARY + NEW, VOCABULARY + NEW + 5))


def test_the_vocabulary_of_a_part_that_sees_is_no_text(saved):
    with_settings(saved, vision_config={"image_token_id": VOCABULARY})
    check_ids_free(read_checkpoint(saved), range(VOCABULARY, VOCABULARY + NEW))


@pytest.mark.parametrize(("kind", "name"), [
    ("bart", "BartForConditionalGeneration"), ("gemma4_text", "Gemma4ForCausalLM"),
    ("lfm2", "Lfm2ForCausalLM"),
])  # fmt: skip
def test_the_command_extends_a_type_that_is_in_no_table(
    tmp_path, small_tokenizer, small_extended, kind, name
):
    sizes = {"vocab_size": 600} | ({"vocab_size_per_layer_input": 600} if kind == "gemma4_text" else {})
    model = small_model(kind, name, **sizes)
    model.save_pretrained(tmp_path / "base")
    for path in small_tokenizer.iterdir():
        shutil.copyfile(path, tmp_path / "base" / path.name)
    texts = small_extended.texts
    options = ExtendOptions(
        base=str(tmp_path / "base"), lang="zh-Hant", out=tmp_path / "out", corpus=(str(texts / "zh.jsonl"),),
        evaluate=False, base_text=(str(texts / "en.txt"),), new_tokens=20, adversarial=10, heldout_bytes=1000,
    )  # fmt: skip
    assert extend(options).certificate.passed
    after, info = type(model).from_pretrained(tmp_path / "out", dtype="float32", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    ids = torch.tensor([[5, 300, 9, 599]])
    with torch.no_grad():
        one, other = (m.eval()(input_ids=ids).logits for m in (model, after))
    assert torch.equal(one, other[..., :600]) and other.shape[-1] >= 620


def test_the_fourth_generation_of_transformers_is_not_asked(saved, monkeypatch):
    monkeypatch.setattr(finding, "version", lambda name: "4.57.6")
    assert refusal(saved).endswith("transformers 4.57.6 is installed, and this needs 5.0 or later")


def test_a_known_type_is_read_without_importing_transformers(tmp_path):
    tiny_model("llama", ROWS).save_pretrained(tmp_path)
    code = (
        "import sys; from pathlib import Path; from vocabx.checkpoint.read_checkpoint import read_checkpoint;"
        f"read_checkpoint(Path({str(tmp_path)!r}));"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
