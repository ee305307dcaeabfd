"""Ids that generation never produces: those of padding rows, unless a token got one of them since.

A tool that adds tokens to a tokenizer whose padding rows have no names gives them the ids of those rows. As
generation_config.json suppresses these, the end token of a chat template, say, is never generated.
"""

from pathlib import Path
from typing import Any

from vocabx.checkpoint.grow import read_generation_config
from vocabx.checkpoint.manifest import read_manifest
from vocabx.errors import BaseModelError
from vocabx.tokenizer.fast import FastTokenizer

KEY = "suppress_tokens"


def suppressed_ids(generation: dict[str, Any] | None) -> tuple[int, ...]:
    """The ids that a generation_config.json suppresses, ascending."""
    found = (generation or {}).get(KEY)
    listed = found if isinstance(found, list) else []
    return tuple(sorted({index for index in listed if type(index) is int}))


def suppressed_tokens(directory: Path, tokenizer: FastTokenizer, base: Path | None = None) -> tuple[int, ...]:
    """The ids in `directory` that are suppressed as padding although they are tokens, ascending.

    A model may suppress tokens on purpose. So those count that vocabx.json records as padding; without one,
    those that the base does not suppress; and without a base, added tokens.

    Raises:
        BaseModelError: generation_config.json or vocabx.json is damaged.
    """
    found = _tokens_in(directory, tokenizer)
    recorded = _recorded(directory)
    if recorded is not None:
        return tuple(index for index in found if index in recorded)
    if base is not None and base.is_dir():
        meant = set(_of_base(base))
        return tuple(index for index in found if index not in meant)
    return tuple(index for index in found if index in tokenizer.added_ids)


def named_padding(directory: Path, tokenizer: FastTokenizer) -> tuple[int, ...]:
    """The suppressed ids that vocabx.json records as padding and that are tokens by now, ascending.

    Raises:
        BaseModelError: generation_config.json or vocabx.json is damaged.
    """
    recorded = _recorded(directory) or set()
    return tuple(index for index in _tokens_in(directory, tokenizer) if index in recorded)


def _tokens_in(directory: Path, tokenizer: FastTokenizer) -> list[int]:
    tokens = tokenizer.id_to_piece.keys() - set(tokenizer.unused_ids)
    return [index for index in suppressed_ids(read_generation_config(directory)) if index in tokens]


def _recorded(directory: Path) -> set[int] | None:
    manifest = read_manifest(directory)
    if manifest is None:
        return None
    return set(manifest.padding_ids)


def _of_base(base: Path) -> tuple[int, ...]:
    try:
        return suppressed_ids(read_generation_config(base))
    except BaseModelError:
        return ()
