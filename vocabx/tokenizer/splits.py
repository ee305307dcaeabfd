"""How a byte-level tokenizer splits text before its merges, as tokenizer.json states it."""

from collections.abc import Mapping
from typing import Any

# ByteLevel's pattern where the file states none.
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# Not a pattern: each digit becomes a piece of its own.
DIGITS = "digits"


def splits_of(component: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """The splits of a pre-tokenizer that ends in the byte-level alphabet, or None if one is unknown.

    In their order; each is `DIGITS` or a pattern whose matches become pieces.

    Args:
        component: the pre-tokenizer of a tokenizer.json.
    """
    parts = (component or {}).get("pretokenizers", [component]) or [None]
    splits = []
    for part in parts[:-1]:
        split = _split(part)
        if split is None:
            return None
        splits.append(split)
    match parts[-1]:
        case {"type": "ByteLevel", "add_prefix_space": False, **rest}:
            return (*splits, GPT2) if rest.get("use_regex", True) else tuple(splits)
    return None


def _split(part: Mapping[str, Any]) -> str | None:
    match part:
        case {"type": "Digits", "individual_digits": True}:
            return DIGITS
        case {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}:
            # The patterns match all text, so removing what they do not match removes nothing.
            if (behavior, invert) in (("Isolated", False), ("Removed", True)):
                return str(pattern)
    return None
