"""A base that predicts masked tokens, extended from the command line."""

import json
import shutil

import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForMaskedLM

TABLES = {
    "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", "cls.predictions.bias",
    "cls.predictions.decoder.bias",
}  # fmt: skip


def test_bert_gets_tokens_and_no_bits_per_byte(vocabx, bert_json, chinese_file, tmp_path):
    torch.manual_seed(0)
    base, out = tmp_path / "bert", tmp_path / "out"
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertForMaskedLM(BertConfig(vocab_size=30522, **shape)).save_pretrained(base)
    shutil.copyfile(bert_json, base / "tokenizer.json")
    options = ("--heldout-bytes", 6000, "--learn-bytes", 200_000, "--adversarial", 100, "--new-tokens", 300)
    run = vocabx(
        "extend", "--base", base, "--lang", "zh-Hant", "--corpus", chinese_file, "--out", out, *options
    )
    assert run.code == 0, run.err
    assert "vocabx evaluate measures its masked bits per byte" in run.err
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report["target"]["extended"]["bits_per_byte"] is None
    before, after = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
    assert before.keys() == after.keys() and TABLES & before.keys()
    for name, tensor in before.items():
        assert torch.equal(after[name][: len(tensor)], tensor), name
        assert len(after[name]) == (30848 if name in TABLES else len(tensor))
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    logits = model(**tokenizer("起初神創造天地", return_tensors="pt")).logits
    assert logits.shape == (1, 9, 30848)
