"""The settings of a configuration that state the size of the text vocabulary: found, and set together.

Some configurations state it twice (`vocab_size` and `n_words`), or once for each of their parts; of two that
disagree, a class silently takes one.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

# How many ids the per-layer embeddings of Gemma 3n and 4 have a row for.
PER_LAYER = "vocab_size_per_layer_input"
# From which id on the logits of a padded matrix are cut off, as in Inkling.
_CUT = "unpadded_vocab_size"
_SIZE = re.compile(r"vocab|^n_words$|^n_token$")
# Sizes of other vocabularies, whatever their number: parts that see or hear, and kinds of segments.
_ANOTHER = re.compile(
    r"vision|visual|image|video|audio|speech|vq|codec|vocoder|hifi|protein|qformer|projector|type_vocab|"
    r"divisible|pad_vocab|layers|unpadded"
)


def size_settings(config: dict[str, Any], rows: int, default: str) -> tuple[str, ...]:
    """The settings that are to change with the vocabulary: those that state `rows`, else `default`.

    Args:
        config: the content of config.json.
        rows: the size of the text vocabulary.
        default: the setting that is written where none is.

    Returns:
        Their paths, with dots between parts, such as "text_config.vocab_size".
    """
    stated = tuple(path for path, value in vocabulary_sizes(config) if value == rows)
    part = default.rpartition(".")[0]
    return stated if any(path.rpartition(".")[0] == part for path in stated) else (default, *stated)


def vocabulary_sizes(config: dict[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    """Every setting of a configuration that may state the size of a text vocabulary, with its value."""
    for key, value in config.items():
        if not isinstance(key, str) or (_ANOTHER.search(key) and "per_layer" not in key):
            continue
        where = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from vocabulary_sizes(value, where)
        elif type(value) is int and value > 1 and _SIZE.search(key):
            yield where, value


def cut_settings(config: dict[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    """Every setting of a configuration that cuts off logits from an id on, with that id."""
    for key, value in config.items():
        where = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from cut_settings(value, where)
        elif key == _CUT and type(value) is int:
            yield where, value


def setting_at(config: dict[str, Any], path: str) -> Any:
    """The value at a path such as "text_config.vocab_size", None if there is none."""
    part: Any = config
    for name in path.split("."):
        part = part.get(name) if isinstance(part, dict) else None
    return part


def with_settings(config: dict[str, Any], paths: tuple[str, ...], value: int) -> dict[str, Any]:
    """A copy of a configuration with `value` at each of `paths`."""
    result = copy.deepcopy(config)
    for path in paths:
        *parents, last = path.split(".")
        part = result
        for parent in parents:
            part = part.setdefault(parent, {})
        part[last] = value
    return result
