from pathlib import Path

import bitsandbytes
import pytest
import torch
from finished_runs import QLORA, small_base

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.merge.dequantise import through_4_bits
from vocabx.commands.merge.outline import outline_of
from vocabx.training.methods import Method, load
from vocabx.training.stored import stored_weight


@pytest.mark.parametrize("stored", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("trained", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2_moe", "phi", "opt"])
def test_weights_are_bit_for_bit_those_of_the_4_bit_forward_pass(
    kind: str, stored: str, trained: str, tmp_path: Path
):
    base = small_base(tmp_path, kind, dtype=stored)
    checkpoint, outline = read_checkpoint(base), outline_of(base, quantised=True)
    model = load(base, Method("qlora", trained, QLORA.rank, QLORA.alpha), "cpu")
    layers = {n: m for n, m in model.named_modules() if isinstance(m, bitsandbytes.nn.Linear4bit)}
    assert outline.quantised == layers.keys()
    assert bool(outline.transposed) == (kind == "gpt2")
    for name, module in layers.items():
        found = stored_weight(checkpoint, name)
        assert found is not None
        transposed = name in outline.transposed
        ours = through_4_bits(found[0].map(found[1]), trained, "cpu", transposed)
        theirs = bitsandbytes.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
        assert theirs.dtype == getattr(torch, trained)
        assert torch.equal(torch.from_numpy(ours), (theirs.T if transposed else theirs).float()), name


def test_the_embedding_modules_are_named(tmp_path: Path):
    outline = outline_of(small_base(tmp_path, "gpt_neox"), quantised=False)
    assert outline.embedding == "gpt_neox.embed_in"
    assert outline.output in ("embed_out", "lm_head")
    assert not outline.quantised
