import pytest
import torch

from vocabx.evaluation import load_model as module
from vocabx.evaluation.load_model import load_model


@pytest.mark.parametrize(
    ("stored", "native", "memory", "computed"),
    [
        ("bfloat16", False, True, torch.float32),
        ("float16", False, True, torch.float32),
        ("bfloat16", True, True, torch.bfloat16),
        ("bfloat16", False, False, torch.bfloat16),
        ("float32", True, True, torch.float32),
    ],
)
def test_a_processor_without_bfloat16_computes_in_float32_if_memory_holds_it(
    monkeypatch, small_model, stored, native, memory, computed
):
    directory = small_model(dtype=stored)
    size = next(directory.glob("*.safetensors")).stat().st_size
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda: native)
    monkeypatch.setattr(module, "fits", lambda needed: memory and needed == 2 * size)
    assert load_model(directory).dtype == computed


def test_a_given_dtype_is_kept(monkeypatch, small_model):
    monkeypatch.setattr(module, "computes_in_bfloat16", lambda: False)
    assert load_model(small_model(), dtype="auto").dtype == torch.bfloat16
