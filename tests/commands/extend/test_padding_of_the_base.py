import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vocabx import ExtendOptions, extend

PADDED = 640


@pytest.fixture
def padded(small_extended, tmp_path):
    """A function that makes a base of 600 tokens and 640 rows, whose last 40 hold `value`."""

    def make(value: float) -> Path:
        extended = small_extended()
        base = extended.with_name(extended.name.removesuffix("-extended"))
        directory = Path(shutil.copytree(base, tmp_path / str(value)))
        tensors = load_file(directory / "model.safetensors")
        name = "model.embed_tokens.weight"
        pad = torch.full((PADDED - 600, tensors[name].shape[1]), value)
        tensors[name] = torch.cat([tensors[name], pad])
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((directory / "config.json").read_text())
        (directory / "config.json").write_text(json.dumps({**config, "vocab_size": PADDED}))
        return directory

    make.texts = small_extended.texts
    return make


@pytest.mark.parametrize(("init", "value"), [("zip-tie", math.inf), ("multivariate", math.nan)])
def test_padding_that_holds_nan_is_kept_and_part_of_nothing(padded, tmp_path, value, init):
    """The new rows and the scores are those beside padding that is zero."""
    results = {}
    for name, filling in (("zero", 0.0), ("bad", value)):
        base, texts = padded(filling), padded.texts
        options = ExtendOptions(
            base=str(base), lang="zh-Hant", out=tmp_path / name, corpus=(str(texts / "zh.jsonl"),), init=init,
            base_text=(str(texts / "en.txt"),), new_tokens=20, adversarial=10, heldout_bytes=1000,
            evaluate=init == "zip-tie",
        )  # fmt: skip
        report = extend(options).report
        tensors = load_file(tmp_path / name / "model.safetensors")["model.embed_tokens.weight"]
        results[name] = tensors
    assert torch.equal(results["zero"][:600], results["bad"][:600])
    assert torch.equal(results["zero"][PADDED:], results["bad"][PADDED:])
    assert not torch.isfinite(results["bad"][600:PADDED]).any()
    if init == "zip-tie":
        assert math.isfinite(report.target.base.bits_per_byte)
        assert math.isfinite(report.target.extended.bits_per_byte)
