"""Ids of special tokens in config.json and generation_config.json: read, and mapped to another vocabulary."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vocabx.checkpoint.model_directory import read_object
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.tokenizer.roles import stand_in

# Multimodal models call the image placeholder image_token_id, older ones image_token_index.
_ENDINGS = ("_token_id", "_token_ids", "_token_index")
# Settings that hold ids in lists or in other structures.
_LISTS = ("suppress_tokens", "begin_suppress_tokens")
_DROPPED = ("bad_words_ids", "force_words_ids", "forced_decoder_ids", "sequence_bias")
# For these, transformers classes have default ids if the configuration has no entry.
_STATED = ("bos", "eos", "pad")


@dataclass(frozen=True)
class SpecialIds:
    """The mapping of special token ids to another vocabulary.

    Attributes:
        moved: new id by old id.
        roles: the ids of the new tokenizer's special tokens by role.
    """

    moved: Mapping[int, int]
    roles: Mapping[str, int]

    def in_config(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A config.json with mapped ids, and the settings that were dropped.

        bos, eos and pad are always written, as null if there are none: otherwise the class would fill in ids
        of the old vocabulary.
        """
        result, dropped = self.in_generation_config(config)
        for role in _STATED:
            key = f"{role}_token_id"
            if result.get(key) is None:
                result[key] = stand_in(self.roles, role)
        return result, dropped

    def in_generation_config(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Settings with mapped ids, also inside text_config, and the names of those dropped."""
        result: dict[str, Any] = {}
        dropped = []
        for key, value in config.items():
            if key == "text_config" and isinstance(value, dict):
                result[key], inside = self.in_config(value)
                dropped += [f"text_config.{name}" for name in inside]
                continue
            if key in _DROPPED:
                dropped += [key] if value else []
                continue
            is_id = key.endswith(_ENDINGS) or key in _LISTS
            result[key] = self._moved(key, value) if is_id else value
            if is_id and value not in (None, []) and result[key] in (None, []):
                dropped.append(key)
        return result, dropped

    def _moved(self, key: str, value: Any) -> Any:
        own = stand_in(self.roles, key.removesuffix("_token_id"))
        if isinstance(value, list):
            moved = [self.moved[index] for index in value if index in self.moved]
            return moved if own is None else [own, *(index for index in moved if index != own)]
        return self.moved.get(value) if own is None else own


# Parts of a configuration with vocabularies of their own.
_OTHER_PARTS = ("vision", "audio", "image", "video", "speech", "codec", "protein", "qformer")
_OFFSETS = ("_offset", "_token_offset")


def check_ids_free(base: Checkpoint, ids: range) -> None:
    """Check that no setting of a base already means one of the ids that new rows will have.

    An id behind the last row, as of an image that replaces its embedding, would meet a new token.

    Args:
        base: the base.
        ids: the new rows, padding included.

    Raises:
        BaseModelError: a setting holds one of them; the message names it.
    """
    files = {"config.json": base.config}
    if (base.directory / "generation_config.json").is_file():
        files["generation_config.json"] = read_object(base.directory / "generation_config.json")
    for file, content in files.items():
        for name, index in _stated_ids(content):
            if index in ids:
                raise BaseModelError(
                    f"{base.directory}: {name} in {file} is {index}, behind the last row "
                    f"{base.input.rows - 1}, where a new token would get that id: set it to the id of a "
                    "token, or remove it"
                )


def _stated_ids(content: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    """Every id in settings, with the name of its setting."""
    for key, value in content.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            if not key.startswith(_OTHER_PARTS):
                yield from _stated_ids(value, name)
        elif key.endswith((*_ENDINGS, *_OFFSETS)) or key in (*_LISTS, *_DROPPED):
            yield from ((name, index) for index in _flat(value))


def _flat(value: Any) -> Iterator[int]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    elif type(value) is int:
        yield value


def begin_id(config: Any) -> int:
    """The id that begins a text for a model: bos, else eos, else 0."""
    for name in ("bos_token_id", "eos_token_id"):
        value = getattr(config, name, None)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, int):
            return value
    return 0
