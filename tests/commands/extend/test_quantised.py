"""A release with quantized weights through the command line: extended, verified, and not trained."""

import json

import pytest
import torch
from quantised_models import FP8, in_blocks
from safetensors.torch import load_file, save_file

QUANTISED = "_proj.weight"


@pytest.fixture
def release(small_model):
    """The small model in three shards, its linear layers in FP8."""
    directory = small_model(tied=False, sharded=True)
    where = {}
    for path in sorted(directory.glob("*.safetensors")):
        tensors = load_file(path)
        for name in [name for name in tensors if name.endswith(QUANTISED)]:
            tensors[name], tensors[f"{name}_scale_inv"] = in_blocks(tensors[name].float())
        save_file(tensors, path, {"format": "pt"})
        where |= dict.fromkeys(tensors, path.name)
    index = directory / "model.safetensors.index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "weight_map": where}))
    config = directory / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "quantization_config": FP8}))
    return directory


def test_it_is_extended_verified_and_examined_with_its_quantized_weights_untouched(
    vocabx, extend, release, tmp_path
):
    done = extend(release, "--link", "--evaluate", "--hash")
    assert done.code == 0, done.err
    assert "Bits per byte are not measured: the model's weights are quantized (fp8)." in done.out + done.err
    out = tmp_path / "out"
    for path in sorted(release.glob("*.safetensors")):
        before, after = load_file(path), load_file(out / path.name)
        assert before.keys() == after.keys()
        whole = all(len(one) == len(after[name]) for name, one in before.items())
        assert (out / path.name).samefile(path) == whole
        for name, tensor in before.items():
            kept = after[name][: len(tensor)]
            assert torch.equal(kept.view(torch.uint8), tensor.view(torch.uint8)), name
    assert json.loads((out / "config.json").read_text())["quantization_config"] == FP8
    assert vocabx("verify", out).code == 0
    assert vocabx("doctor", out, "--base", release).code == 0


@pytest.mark.parametrize(
    "more", [("--untie",), ("--init", "distill"), ("--init", "ofa", "--factorised", "--rank", 4)]
)
def test_what_needs_whole_weights_is_refused_before_the_work(extend, release, tmp_path, more):
    done = extend(release, *more)
    assert done.code == 2 and not (tmp_path / "out").exists()
    assert f"{release} is quantized (fp8), and " in done.err and done.err.count("\n") == 1


def test_it_is_not_trained(vocabx, extend, release, tmp_path, chinese_file):
    assert extend(release).code == 0
    done = vocabx("train", tmp_path / "out", "--corpus", chinese_file, "--out", tmp_path / "run")
    assert done.code == 2 and not (tmp_path / "run").exists()
    assert (
        "is quantized (fp8), and training needs weights of 16 or 32 bits: extend and train the model"
        in done.err
    )
