"""The dtype that a processor computes in: not the stored one where that would be many times slower."""

from typing import Any

from vocabx._util.extras import need

_NATIVE = ("amx_bf16", "avx512_bf16")


def computes_in_bfloat16() -> bool:
    """Whether this machine's processor has instructions that multiply matrices of bfloat16.

    Without them, as on most laptops, torch converts each number by itself, and float32 is up to nine times
    faster. GPUs are not asked.

    Raises:
        MissingPackageError: if torch is not installed.
    """
    torch = need("torch", "evaluate")
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities.get("architecture") == "x86_64":
        return any(capabilities.get(name, False) for name in _NATIVE)
    # Other processors, and releases of torch that don't list what the processor has.
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return supported is not None and bool(supported())
