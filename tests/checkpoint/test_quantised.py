"""Releases with quantized weights: 16-bit embeddings are extended, and all else keeps its bytes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from quantised_models import FP8, MXFP4, ROWS, deepseek_fp8, gpt_oss_mxfp4
from safetensors.torch import load_file, save_file
from tiny_models import tiny_model
from transformers import AutoModelForCausalLM

from vocabx.checkpoint.grow import grow_checkpoint, side_files_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.untie import check_untiable
from vocabx.commands.extend.form import check_base
from vocabx.commands.extend.options import ExtendOptions
from vocabx.errors import BaseModelError
from vocabx.evaluation.load_model import can_evaluate
from vocabx.gguf.export_gguf import export_gguf
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import from_rows
from vocabx.progress import Quiet

COPIED, NEW = 42, 27_000
EMBED, HEAD = "model.embed_tokens.weight", "lm_head.weight"
COPIES = {
    "model.layers.2.embed_tokens.weight": EMBED,
    "model.layers.2.shared_head.head.weight": HEAD,
}
LAYOUTS = {
    "fp8": (deepseek_fp8, FP8, (torch.float8_e4m3fn,), {EMBED, HEAD, *COPIES}),
    "mxfp4": (gpt_oss_mxfp4, MXFP4, (torch.uint8,), {EMBED, HEAD}),
}


@pytest.fixture(scope="module", params=LAYOUTS)
def extended(request, tmp_path_factory):
    """The layout, the base, and the base with 27,000 more tokens, the first a copy of an old one."""
    make = LAYOUTS[request.param][0]
    base = make(tmp_path_factory.mktemp("base"))
    out = base.parent / f"{base.name}-extended"
    out.mkdir()
    checkpoint = read_checkpoint(base)
    ids = np.arange(NEW) % ROWS
    rows = from_rows([(np.array([n]), np.array([1.0])) for n in ids], ROWS)
    grow_checkpoint(checkpoint, everywhere(rows).copying({0: COPIED}), out, range(0), link=True)
    return request.param, checkpoint, out


def stored(directory: Path) -> dict[str, torch.Tensor]:
    files = sorted(directory.glob("*.safetensors"))
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(torch.uint8)


def test_every_quantized_tensor_keeps_its_bytes_and_the_embeddings_their_old_rows(extended):
    layout, checkpoint, out = extended
    _, _, dtypes, changed = LAYOUTS[layout]
    before, after = stored(checkpoint.directory), stored(out)
    assert before.keys() == after.keys()
    assert sum(tensor.dtype in dtypes for tensor in before.values()) > 3
    assert {table.name for table in checkpoint.tables} == changed
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype
        if name in changed:
            assert after[name].shape == (ROWS + NEW, tensor.shape[1])
            assert torch.equal(bits(after[name][:ROWS]), bits(tensor)), name
            assert torch.equal(after[name][ROWS], tensor[COPIED]), name
        else:
            assert torch.equal(bits(after[name]), bits(tensor)), name


def test_a_shard_without_embeddings_is_a_link_and_the_others_are_files_of_their_own(extended):
    _, checkpoint, out = extended
    changed = {table.file.path.name for table in checkpoint.tables}
    assert len(checkpoint.files) == 3 and len(changed) == 2
    for file in checkpoint.files:
        is_link = (out / file.path.name).samefile(file.path)
        assert is_link == (file.path.name not in changed), file.path


def test_the_settings_of_the_method_stay_and_only_the_vocabulary_size_changes(extended):
    layout, checkpoint, out = extended
    before, after = (json.loads((where / "config.json").read_text()) for where in (checkpoint.directory, out))
    assert after["quantization_config"] == LAYOUTS[layout][1]
    assert {key for key in before if before[key] != after[key]} == {"vocab_size"}
    assert after["vocab_size"] == ROWS + NEW


def test_transformers_loads_it_with_the_old_logits_and_a_copy_that_acts_as_its_token(extended):
    _, checkpoint, out = extended
    text = torch.tensor([[3, COPIED, 7, COPIED, 5]])
    copied = torch.where(text == COPIED, ROWS, text)
    before, after = (AutoModelForCausalLM.from_pretrained(where) for where in (checkpoint.directory, out))
    with torch.no_grad():
        old, new, same = before(text).logits, after(text).logits, after(copied).logits
    assert torch.isfinite(old).all() and old.std() > 0
    # Matrix products of other sizes may add in another order.
    torch.testing.assert_close(new[..., :ROWS], old, rtol=0, atol=2e-2)
    assert torch.equal(same, new)
    torch.testing.assert_close(new[..., ROWS], new[..., COPIED], rtol=0, atol=2e-2)


def test_copies_for_multi_token_prediction_stay_equal(extended):
    layout, _, out = extended
    after = stored(out)
    for copy, original in COPIES.items() if layout == "fp8" else ():
        assert torch.equal(after[copy], after[original])
    assert (layout == "fp8") == (COPIES.keys() <= after.keys())


def llama(directory: Path, changes: dict[str, torch.Tensor | None], settings: object = None) -> Path:
    tiny_model("llama", rows=50, tied=False).bfloat16().save_pretrained(directory)
    path = directory / "model.safetensors"
    tensors = {**load_file(path), **changes}
    save_file({name: one for name, one in tensors.items() if one is not None}, path, {"format": "pt"})
    config = json.loads((directory / "config.json").read_text())
    stated = {} if settings is None else {"quantization_config": settings}
    (directory / "config.json").write_text(json.dumps({**config, **stated}))
    return directory


def packed(module: str, *parts: str) -> dict[str, torch.Tensor | None]:
    """A weight replaced with its packed parts."""
    made = {f"{module}.{part}": torch.ones(32, 2, dtype=torch.int32) for part in parts}
    return {f"{module}.weight": None, **made}


LAYER = "model.layers.0.mlp.up_proj"


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"quant_method": "gptq", "bits": 4}, ("qweight", "qzeros", "scales", "g_idx")),
        ({"quant_method": "awq", "bits": 4}, ("qweight", "qzeros", "scales")),
        (
            {"quant_method": "compressed-tensors", "format": "pack-quantized"},
            ("weight_packed", "weight_scale"),
        ),
        ({"quant_method": "modelopt"}, ("weight_scale", "weight_scale_2", "input_scale")),
    ],
)
class TestMethods:
    def test_layers_in_parts_are_no_obstacle(self, settings, parts, tmp_path):
        base = read_checkpoint(llama(tmp_path, packed(LAYER, *parts), settings))
        assert base.quantisation.startswith(settings["quant_method"])
        assert [table.name for table in base.tables] == [EMBED, HEAD]

    @pytest.mark.parametrize("module", ["lm_head", "model.embed_tokens"])
    def test_embeddings_in_parts_are_refused_by_name(self, settings, parts, module, tmp_path):
        with pytest.raises(BaseModelError) as caught:
            read_checkpoint(llama(tmp_path, packed(module, *parts), settings))
        assert f"is quantized ({settings['quant_method']}" in str(caught.value)
        assert f"its embeddings too ({module}.{min(parts)})" in str(caught.value)
        assert str(caught.value).endswith("or the unquantized model it was made from")


@pytest.mark.parametrize("name", [EMBED, HEAD])
@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.uint8, torch.int8])
def test_embeddings_in_8_bits_are_refused_by_name(name, dtype, tmp_path):
    with pytest.raises(BaseModelError) as caught:
        read_checkpoint(llama(tmp_path, {name: torch.ones(50, 16).to(dtype)}, {"quant_method": "fp8"}))
    assert f"{name} is stored as " in str(caught.value)


def test_the_scale_of_an_embedding_matrix_is_refused_whatever_its_dtype(tmp_path):
    changes = {"lm_head.weight_scale_inv": torch.ones(1, 1)}
    with pytest.raises(BaseModelError, match=r"lm_head\.weight_scale_inv"):
        read_checkpoint(llama(tmp_path, changes, {"quant_method": "fp8"}))


@pytest.mark.parametrize(
    "changes",
    [
        {f"{LAYER}.weight": torch.ones(32, 16).to(torch.float8_e4m3fn)},
        {f"{LAYER}.weight_scale": torch.ones(1)},
        packed(LAYER, "qweight"),
    ],
)
def test_weights_that_no_setting_calls_quantized_are_recognized(changes, tmp_path):
    base = read_checkpoint(llama(tmp_path, changes))
    assert LAYER in base.quantisation


def test_other_files_with_the_settings_of_the_method_are_carried_and_of_no_method_are_not(tmp_path):
    names = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
    for settings in ({"quant_method": "gptq"}, None):
        directory = llama(tmp_path / str(settings), {}, settings)
        for name in names:
            (directory / name).write_text('{"bits": 4}')
        carried = side_files_of(read_checkpoint(directory)).carried
        assert {*names} & {*carried} == ({*names} if settings else set())


def test_what_needs_whole_weights_is_refused_in_one_sentence(tmp_path):
    directory = llama(tmp_path, {}, {"quant_method": "fp8"})
    base = read_checkpoint(directory)
    options = ExtendOptions(
        base=str(directory), lang="zh", out=tmp_path / "out", init="ofa", factorised=True, rank=4
    )
    for refused in (
        lambda: check_untiable(base),
        lambda: check_base(options, base, 50),
        lambda: export_gguf(directory, tmp_path / "out.gguf"),
    ):
        with pytest.raises(BaseModelError) as caught:
            refused()
        assert f"{directory} is quantized (fp8), and " in str(caught.value)
        assert "needs weights of 16 or 32 bits: " in str(caught.value)
    notes: list[str] = []

    class Noting(Quiet):
        def note(self, text: str) -> None:
            notes.append(text)

    assert not can_evaluate(True, base, Noting())
    assert notes == ["Bits per byte are not measured: the model's weights are quantized (fp8)."]
