import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def test_the_demonstration_on_real_weights_and_real_text(vocabx, tmp_path):
    out = tmp_path / "demo"
    run = vocabx(
        "extend", "--base", "smollm2", "--lang", "zh-Hant", "--out", out,
        "--new-tokens", 2000, "--learn-bytes", 2_000_000, "--heldout-bytes", 6000,
    )  # fmt: skip
    assert run.code == 0, run.err
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report["passed"]
    assert report["target"]["tokens_share"] < 0.5
    assert report["base_language"]["tokens_share"] == 1.0
    for text in ("target", "base_language"):
        for model in ("base", "extended"):
            assert 0.5 < report[text][model]["bits_per_byte"] < 4.5
    before, after = (report["base_language"][model]["bits_per_byte"] for model in ("base", "extended"))
    assert abs(after - before) < 0.02, "English is predicted as before"
    page = (out / "report.html").read_text("utf-8")
    assert page.count("<svg") == 2
    model, tokenizer = AutoModelForCausalLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    ids = tokenizer("The capital of France is", return_tensors="pt")
    with torch.no_grad():
        text = tokenizer.decode(model.generate(**ids, max_new_tokens=5, do_sample=False)[0])
    assert "Paris" in text


@pytest.mark.slow
def test_two_demonstrations_write_the_same_bytes(vocabx, tmp_path):
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        options = ("--base", "smollm2", "--lang", "zh-Hant", "--out", out, "--no-evaluate")
        assert vocabx("extend", *options).code == 0
    for name in ("tokenizer.json", "model.safetensors", "config.json", "generation_config.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name
    manifests = [json.loads((out / "vocabx.json").read_text("utf-8")) for out in outs]
    for manifest in manifests:
        del manifest["run"]
    assert manifests[0] == manifests[1]
