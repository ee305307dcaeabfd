"""The tokenizer as it was before its last tokens were added, and what it makes of their text."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vocabx.tokenizer.fast import FastTokenizer


def earlier_pieces(tokenizer: FastTokenizer, first_id: int, rows: int) -> list[tuple[int, ...]]:
    """The pieces of each token from an id on: what the tokenizer made of its text without those tokens.

    Args:
        tokenizer: with the tokens.
        first_id: the first of their ids.
        rows: one more than the last id.

    Returns:
        Ids below `first_id` for each id from it on; none for added tokens and for ids without a token.
    """
    earlier = _earlier(tokenizer, first_id)
    tokens = [tokenizer.token_bytes.get(index) for index in range(first_id, rows)]
    return [() if token is None else earlier.tokenize(token) for token in tokens]


def _earlier(tokenizer: FastTokenizer, first_id: int) -> FastTokenizer:
    """A tokenizer without the ids from `first_id` on, for single tokens: only its model is that of before."""
    model: dict[str, Any] = dict(tokenizer.spec["model"])
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):
        # Unigram: pieces with their scores, by id.
        model["vocab"] = vocabulary[:first_id]
    else:
        model["vocab"] = kept = {piece: index for piece, index in vocabulary.items() if index < first_id}
        if "merges" in model:
            model["merges"] = [merge for merge in model["merges"] if _within(merge, kept, model)]
    added = [token for token in tokenizer.spec["added_tokens"] if token["id"] < first_id]
    return replace(tokenizer, spec={**tokenizer.spec, "model": model, "added_tokens": added})


def _within(merge: Any, kept: Mapping[str, int], model: Mapping[str, Any]) -> bool:
    """Whether both parts of a merge and what it makes are among the pieces that are kept."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    made = left + right.removeprefix(model.get("continuing_subword_prefix") or "")
    return {left, right, made} <= kept.keys()
