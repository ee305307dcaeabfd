"""The components of a tokenizer.json's normalizer or pre-tokenizer."""

from collections.abc import Iterator
from typing import Any


def parts_of(component: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The components of a normalizer or pre-tokenizer, with sequences flattened."""
    if component is None:
        return
    inner = component.get("normalizers", component.get("pretokenizers"))
    if inner is None:
        yield component
    for part in inner or ():
        yield from parts_of(part)
