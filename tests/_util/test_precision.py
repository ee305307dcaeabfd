import pytest
import torch

from vocabx._util.precision import computes_in_bfloat16


@pytest.mark.parametrize(
    ("processor", "native"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_f": False, "avx512_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True}, True),
        ({"architecture": "x86_64", "amx_bf16": True}, True),
    ],
)
def test_bfloat16_counts_as_native_only_with_instructions_that_multiply_it(monkeypatch, processor, native):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor, raising=False)
    assert computes_in_bfloat16() is native


def test_a_torch_that_does_not_list_capabilities_is_asked_for_its_kernels(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert computes_in_bfloat16() is torch.ops.mkldnn._is_mkldnn_bf16_supported()
