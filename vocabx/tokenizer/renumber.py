"""Two ids of a tokenizer exchanged: its tokens and its cuts stay what they are. Knows no reason to do so."""

import copy
from typing import Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.fast import FastTokenizer


def exchanged(tokenizer: FastTokenizer, one: int, other: int) -> FastTokenizer:
    """Return `tokenizer` with the tokens of two ids in each other's place; either may have none.

    A .model that came with it is left behind, because it numbers its pieces the old way.

    Raises:
        TokenizerError: ids are places in a list, and one of the two lies outside of it.
    """
    places = {one: other, other: one}
    spec = copy.copy(tokenizer.spec)
    spec["model"] = _model(tokenizer, places)
    added = [{**token, "id": places.get(token["id"], token["id"])} for token in spec["added_tokens"]]
    spec["added_tokens"] = sorted(added, key=lambda token: token["id"])
    for key in ("post_processor", "padding"):
        spec[key] = _moved(spec.get(key), places)
    return type(tokenizer)(spec)


def _model(tokenizer: FastTokenizer, places: dict[int, int]) -> dict[str, Any]:
    model = dict(tokenizer.spec["model"])
    if isinstance(model["vocab"], dict):
        # Added tokens are entered too: outside of the model their ids would follow from its size.
        moved = {piece: places.get(index, index) for piece, index in tokenizer.vocabulary.items()}
        model["vocab"] = dict(sorted(moved.items(), key=lambda item: item[1]))
        return model
    pieces = list(model["vocab"])
    one, other = places
    if max(one, other) >= len(pieces):
        raise TokenizerError(
            f"the tokens {one} and {other} cannot change places, because the model's own "
            f"list holds {len(pieces):,}: train the tokenizer with <pad> among its pieces, at the id {other}"
        )
    pieces[one], pieces[other] = pieces[other], pieces[one]
    unknown: Any = model.get("unk_id")
    return {**model, "vocab": pieces, "unk_id": places.get(unknown, unknown)}


def _moved(part: Any, places: dict[int, int]) -> Any:
    """A post-processor or a padding with the ids in it moved."""
    if not isinstance(part, dict):
        return part
    result = {}
    for key, value in part.items():
        if key == "ids":
            value = [places.get(index, index) for index in value]
        elif key in ("sep", "cls"):
            value = [value[0], places.get(value[1], value[1])]
        elif key == "pad_id":
            value = places.get(value, value)
        elif isinstance(value, list):
            value = [_moved(item, places) for item in value]
        elif isinstance(value, dict):
            value = _moved(value, places)
        result[key] = value
    return result
