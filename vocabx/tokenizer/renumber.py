"""Gives tokens of a tokenizer other ids: what stays of its tokens, and its tokenization, stay the same."""

import copy
from collections.abc import Mapping
from typing import Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.fast import FastTokenizer


def swap_ids(tokenizer: FastTokenizer, one: int, other: int) -> FastTokenizer:
    """Return `tokenizer` with the tokens of two ids swapped; either id may have none.

    A .model that came with it is dropped, because it numbers its pieces the old way.

    Raises:
        TokenizerError: ids are positions in a list, and one of the two lies outside it.
    """
    new_ids = {one: other, other: one}
    spec = copy.copy(tokenizer.spec)
    spec["model"] = _model(tokenizer, new_ids)
    added = [{**token, "id": new_ids.get(token["id"], token["id"])} for token in spec["added_tokens"]]
    spec["added_tokens"] = sorted(added, key=lambda token: token["id"])
    for key in ("post_processor", "padding"):
        spec[key] = _moved(spec.get(key), new_ids)
    return type(tokenizer)(spec)


def with_ids(tokenizer: FastTokenizer, ids: Mapping[int, int]) -> dict[str, Any]:
    """The tokenizer.json of a tokenizer with a dictionary of pieces, its ids replaced.

    Args:
        tokenizer: not changed; its merges stay as they are.
        ids: the new id of each token; a token without one is left out.
    """
    spec = copy.copy(tokenizer.spec)
    moved = {piece: ids[index] for piece, index in tokenizer.vocabulary.items() if index in ids}
    spec["model"] = {**spec["model"], "vocab": dict(sorted(moved.items(), key=lambda item: item[1]))}
    spec["added_tokens"] = [
        {**token, "id": ids[token["id"]]} for token in spec["added_tokens"] if token["id"] in ids
    ]
    for key in ("post_processor", "padding"):
        spec[key] = _moved(spec.get(key), ids)
    return spec


def _model(tokenizer: FastTokenizer, new_ids: dict[int, int]) -> dict[str, Any]:
    model = dict(tokenizer.spec["model"])
    if isinstance(model["vocab"], dict):
        # Added tokens are entered too: outside the vocabulary their ids would follow from its size.
        moved = {piece: new_ids.get(index, index) for piece, index in tokenizer.vocabulary.items()}
        model["vocab"] = dict(sorted(moved.items(), key=lambda item: item[1]))
        return model
    pieces = list(model["vocab"])
    one, other = new_ids
    if max(one, other) >= len(pieces):
        raise TokenizerError(
            f"the ids {one} and {other} cannot be swapped, because the model's own list has {len(pieces):,} "
            f"pieces: train the tokenizer with <pad> among its pieces, at the id {other}"
        )
    pieces[one], pieces[other] = pieces[other], pieces[one]
    unknown: Any = model.get("unk_id")
    return {**model, "vocab": pieces, "unk_id": new_ids.get(unknown, unknown)}


def _moved(part: Any, new_ids: Mapping[int, int]) -> Any:
    """A post-processor or padding configuration with its ids replaced."""
    if not isinstance(part, dict):
        return part
    result = {}
    for key, value in part.items():
        if key == "ids":
            value = [new_ids.get(index, index) for index in value]
        elif key in ("sep", "cls"):
            value = [value[0], new_ids.get(value[1], value[1])]
        elif key == "pad_id":
            value = new_ids.get(value, value)
        elif isinstance(value, list):
            value = [_moved(item, new_ids) for item in value]
        elif isinstance(value, dict):
            value = _moved(value, new_ids)
        result[key] = value
    return result
