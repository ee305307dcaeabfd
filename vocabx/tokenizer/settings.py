"""The settings beside a tokenizer.json, with the types that transformers gives them.

Other fields are kept as they are. transformers checks few of them itself, and fails far from the file where
one has another type.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from vocabx._util.json_file import fit, is_there, read_object
from vocabx.errors import TokenizerError

_REMEDY = "download the base again"
# More than any vocabulary has; an id is also an index.
_Id = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_IdText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}$")]


class _Token(msgspec.Struct, frozen=True):
    """A token that is stated with its flags."""

    content: str
    lstrip: bool | None = None
    rstrip: bool | None = None
    single_word: bool | None = None
    normalized: bool | None = None
    special: bool | None = None


_Stated = str | _Token | None
_Further = list[str | _Token] | dict[str, str | _Token | list[str | _Token] | None] | None


class _Settings(msgspec.Struct, frozen=True):
    """What is known of tokenizer_config.json and special_tokens_map.json."""

    bos_token: _Stated = None
    eos_token: _Stated = None
    unk_token: _Stated = None
    sep_token: _Stated = None
    pad_token: _Stated = None
    cls_token: _Stated = None
    mask_token: _Stated = None
    additional_special_tokens: _Further = None
    extra_special_tokens: _Further = None
    added_tokens_decoder: dict[_IdText, _Token] | None = None
    tokenizer_class: str | None = None
    model_max_length: float | None = None
    model_input_names: list[str] | None = None
    padding_side: str | None = None
    truncation_side: str | None = None
    chat_template: str | list[dict[str, str]] | dict[str, str] | None = None
    clean_up_tokenization_spaces: bool | None = None
    add_prefix_space: bool | None = None
    add_bos_token: bool | None = None
    add_eos_token: bool | None = None


_KINDS: dict[str, Any] = {
    "tokenizer_config.json": _Settings,
    "special_tokens_map.json": _Settings,
    "added_tokens.json": dict[str, _Id],
}


def read_settings(path: Path) -> dict[str, Any]:
    """A file of settings beside a tokenizer, empty when there is none.

    Raises:
        TokenizerError: it is damaged, or a setting that is known has another type.
    """
    if not is_there(path):
        return {}
    content = read_object(path, TokenizerError, _REMEDY)
    if (kind := _KINDS.get(path.name)) is not None:
        fit(path, _whole(content), kind, TokenizerError, _REMEDY)
    return content


def read_config(directory: Path) -> dict[str, Any]:
    """The tokenizer_config.json of a directory, empty if it has none.

    Raises:
        TokenizerError: the file is damaged.
    """
    return read_settings(directory / "tokenizer_config.json")


def _whole(content: dict[str, Any]) -> dict[str, Any]:
    """The content with a length that msgspec can read: transformers writes 10^30 for one without a limit."""
    length = content.get("model_max_length")
    return {**content, "model_max_length": 0.0} if type(length) is int and 0 < length <= 10**31 else content
