"""Bases of types that no table lists, as releases have them: without a head, with modules, with adapters."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from architectures_models import VOCABULARY, small_model
from safetensors.torch import load_file, save_file

from vocabx import ExtendOptions, extend
from vocabx.checkpoint.grow import grow_checkpoint, side_files_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import from_rows

COPIED, NEW = 42, 3
# Decoders without a language model's head: tied and untied, with and without a prefix in the names.
HEADLESS = (
    ("lfm2", "Lfm2Model"), ("exaone4", "Exaone4Model"), ("kimi_linear", "KimiLinearModel"),
    ("jamba", "JambaForSequenceClassification"), ("minimax", "MiniMaxForTokenClassification"),
    ("bart", "BartModel"), ("gemma3n_text", "Gemma3nTextModel"), ("deberta-v2", "DebertaV2Model"),
    ("ctrl", "CTRLForSequenceClassification"),
)  # fmt: skip


def grown(directory: Path, target: Path):
    base = read_checkpoint(directory)
    target.mkdir()
    rows = from_rows([([3, 5], [0.5, 0.5])] * NEW, base.input.rows)
    grow_checkpoint(base, everywhere(rows).copying({0: COPIED}), target, range(0))
    return base


def states(model, ids: torch.Tensor) -> torch.Tensor:
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    torch.manual_seed(0)
    with torch.no_grad():
        return model(**inputs)[0]


@pytest.mark.parametrize(("kind", "name"), HEADLESS)
def test_a_model_without_a_head_is_extended_and_acts_as_before(tmp_path, kind, name):
    model = small_model(kind, name, pad_token_id=0)
    model.save_pretrained(tmp_path / "base")
    base = grown(tmp_path / "base", tmp_path / "out")
    assert base.output is None and not base.generates
    after, info = type(model).from_pretrained(tmp_path / "out", dtype="float32", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    ids = torch.tensor([[5, COPIED, 9, 44, COPIED]])
    before, same = states(model, ids), states(after.eval(), ids)
    copied = states(after, torch.where(ids == COPIED, VOCABULARY, ids))
    assert torch.equal(before, same) and torch.equal(same, copied)
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    said = json.loads((tmp_path / "base" / "config.json").read_text())
    assert written.get("tie_word_embeddings") == said.get("tie_word_embeddings")


def test_an_untied_decoder_that_names_its_whole_class_and_lacks_the_head_is_refused(tmp_path):
    model = small_model("exaone4", "Exaone4ForCausalLM")
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors.pop("lm_head.weight")
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match=r"there is no lm_head\.weight"):
        read_checkpoint(tmp_path)


def test_a_directory_of_sentence_transformers_keeps_its_modules(tmp_path):
    model = small_model("lfm2", "Lfm2Model")
    base = tmp_path / "base"
    model.save_pretrained(base)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    ]
    files = {
        "modules.json": json.dumps(modules),
        "sentence_bert_config.json": json.dumps({"max_seq_length": 64}),
        "config_sentence_transformers.json": json.dumps({"similarity_fn_name": "cosine"}),
        "1_Pooling/config.json": json.dumps(
            {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True}
        ),
        "2_Dense/config.json": json.dumps({"in_features": 64, "out_features": 8}),
    }
    for name, content in files.items():
        (base / name).parent.mkdir(exist_ok=True)
        (base / name).write_text(content)
    save_file({"linear.weight": torch.randn(8, 64)}, base / "2_Dense" / "model.safetensors")
    grown(base, tmp_path / "out")
    for name in (*files, "2_Dense/model.safetensors"):
        assert (tmp_path / "out" / name).read_bytes() == (base / name).read_bytes()


def test_adapters_of_several_files_are_left_out_by_name(tmp_path):
    """As of Phi-4 multimodal, with one for what it sees and one for what it hears."""
    base = tmp_path / "base"
    small_model("phi4_multimodal", "Phi4MultimodalForCausalLM").save_pretrained(base)
    for folder in ("speech-lora", "vision-lora"):
        (base / folder).mkdir()
        (base / folder / "adapter_config.json").write_text("{}")
        save_file({"a": torch.ones(2)}, base / folder / "adapter_model.safetensors")
    save_file({"a": torch.ones(2)}, base / "adapter_model.safetensors")
    checkpoint = grown(base, tmp_path / "out")
    sentence = side_files_of(checkpoint).sentence
    assert all(name in sentence for name in ("speech-lora", "vision-lora", "adapter_model.safetensors"))
    assert not list((tmp_path / "out").rglob("adapter*"))


@pytest.mark.parametrize(("kind", "name"), [
    ("gemma4", "Gemma4ForConditionalGeneration"), ("lfm2_vl", "Lfm2VlForConditionalGeneration"),
])  # fmt: skip
def test_an_id_behind_the_table_keeps_its_token_and_new_ids_begin_behind_it(
    tmp_path, small_tokenizer, small_extended, kind, name
):
    """As in Gemma 3, whose placeholder of an image has an id and no row."""
    text = {"vocab_size": 600}
    if kind == "gemma4":
        text["vocab_size_per_layer_input"] = 600
    model = small_model(kind, name, text_config=text, image_token_id=600)
    base = tmp_path / "base"
    model.save_pretrained(base)
    for path in small_tokenizer.iterdir():
        shutil.copyfile(path, base / path.name)
    spec = json.loads((base / "tokenizer.json").read_text())
    spec["added_tokens"].append({**spec["added_tokens"][0], "id": 600, "content": "<image>"})
    (base / "tokenizer.json").write_text(json.dumps(spec))
    texts = small_extended.texts
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", out=tmp_path / "out", corpus=(str(texts / "zh.jsonl"),),
        evaluate=False, base_text=(str(texts / "en.txt"),), new_tokens=20, adversarial=10, heldout_bytes=1000,
    )  # fmt: skip
    result = extend(options)
    assert result.certificate.passed
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["image_token_id"] == 600
    base_spec, made = (json.loads((one / "tokenizer.json").read_text()) for one in (base, tmp_path / "out"))
    known, ids = ({*spec["model"]["vocab"]} for spec in (base_spec, made))
    vocabulary = made["model"]["vocab"]
    new = sorted(vocabulary[piece] for piece in ids - known if "unused" not in piece and piece != "<image>")
    assert new == list(range(601, 621)) and vocabulary["<image>"] == 600
    after, info = type(model).from_pretrained(tmp_path / "out", dtype="float32", output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"]
    assert after.get_input_embeddings().weight.shape[0] >= 621
