"""The roles of special tokens: which id begins a text, ends it, pads it, or stands for unknown text.

A tokenizer states this in several files, or in none. The first source that states a role wins:
tokenizer_config.json, special_tokens_map.json, what the class implies, the .model, the unknown token, the
template around a text, and finally the usual names.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vocabx.tokenizer.fast import FastTokenizer, components
from vocabx.tokenizer.implied import implied_by
from vocabx.tokenizer.settings import read_config, read_settings
from vocabx.tokenizer.write import named_by

ROLES = ("bos", "eos", "unk", "pad", "sep", "cls", "mask")
# Substitutes for roles that a tokenizer lacks: BERT begins a text with its class token.
STAND_INS = {"bos": "cls", "cls": "bos", "eos": "sep", "sep": "eos"}
_USUAL = {
    "bos": ("<s>", "<bos>", "<|startoftext|>", "<|begin_of_text|>"),
    "eos": ("</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>"),
    "unk": ("<unk>", "[UNK]", "<UNK>"),
    "pad": ("<pad>", "[PAD]", "<PAD>"),
    "sep": ("[SEP]",),
    "cls": ("[CLS]",),
    "mask": ("<mask>", "[MASK]"),
}


def roles_of(tokenizer: FastTokenizer, path: Path) -> dict[str, int]:
    """The id of each role that `tokenizer` has, by the name of the role, e.g. "bos".

    Args:
        tokenizer: the tokenizer.
        path: its directory or its file.

    Raises:
        TokenizerError: its tokenizer_config.json or special_tokens_map.json is damaged.
    """
    found: dict[str, int] = {}
    for names in _sources(tokenizer, path):
        for role in ROLES:
            content = names.get(f"{role}_token")
            text = content.get("content") if isinstance(content, dict) else content
            index = tokenizer.vocabulary.get(text) if isinstance(text, str) else None
            if index is not None:
                found.setdefault(role, index)
    if tokenizer.unknown_id is not None:
        found.setdefault("unk", tokenizer.unknown_id)
    return found


def stand_in(roles: Mapping[str, int], role: str) -> int | None:
    """The id of a role, or of its substitute, or None."""
    return roles.get(role, roles.get(STAND_INS.get(role, "")))


def _sources(tokenizer: FastTokenizer, path: Path) -> Iterator[Mapping[str, Any]]:
    if path.is_dir():
        config = read_config(path)
        yield config
        yield read_settings(path / "special_tokens_map.json")
        yield implied_by(str(config.get("tokenizer_class") or ""), tokenizer.vocabulary)
    yield named_by(tokenizer)
    yield _around(tokenizer)
    special = {token["content"] for token in tokenizer.spec["added_tokens"] if token["special"]}
    for role, names in _USUAL.items():
        yield {f"{role}_token": next((name for name in names if name in special), None)}


def _around(tokenizer: FastTokenizer) -> Mapping[str, Any]:
    """The special tokens that the older post-processors of BERT and RoBERTa add around a text."""
    for part in components(tokenizer.spec.get("post_processor")):
        if part.get("type") in ("BertProcessing", "RobertaProcessing"):
            return {"cls_token": part["cls"][0], "sep_token": part["sep"][0]}
    return {}
