"""Writes the tokenizer files of a checkpoint, so that all versions of transformers read them alike."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there, read_object
from vocabx._util.links import copy_folder
from vocabx.errors import TokenizerError
from vocabx.tokenizer.fast import FastTokenizer, components
from vocabx.tokenizer.implied import implied_by, is_plain
from vocabx.tokenizer.settings import read_config
from vocabx.tokenizer.stated_class import class_named, stated_class

_CARRIED = ("chat_template.jinja", "special_tokens_map.json")
_TEMPLATES = "additional_chat_templates"


def write_tokenizer(
    tokenizer: FastTokenizer,
    base: Path,
    target: Path,
    settings: Mapping[str, Any] | None = None,
    companions: Mapping[str, bytes] | None = None,
    beside: str = "",
) -> None:
    """Write tokenizer.json, its configuration and companion files, and copy the base's chat templates.

    Args:
        tokenizer: the extended tokenizer.
        base: the base's directory, for its configuration and templates. A base that is a single file has
            neither, and its special tokens are named by the tokenizer itself.
        target: an existing directory.
        settings: override the base's tokenizer_config.json; None removes a setting.
        companions: the files beside tokenizer.json; by default all that the family has.
        beside: the model type of the config.json that stands beside them, "" for none.

    Raises:
        TokenizerError: the base's tokenizer_config.json is damaged, or a chat template is a link that leads
            out of the base.
    """
    text = json.dumps(tokenizer.spec, ensure_ascii=False, separators=(",", ":"))
    (target / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    for name, data in (tokenizer.companions() if companions is None else companions).items():
        (target / name).write_bytes(data)
    given = read_config(base) if base.is_dir() else {}
    of_base = model_type(base) if base.is_dir() else ""
    config = _complete(given, tokenizer, class_named(given, of_base))
    if base.is_dir() and not (base / "tokenizer.json").is_file():
        # Those that the base's class makes are in no file.
        config |= _further(tokenizer, config)
    config = _readable_everywhere(config)
    name, needed = stated_class(tokenizer.spec, tokenizer.vocabulary, config | given, of_base, beside)
    config |= {"tokenizer_class": name, **needed}
    changed = {**config, **(settings or {})}
    config = {
        key: value for key, value in changed.items() if value is not None or key not in (settings or {})
    }
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True)
    (target / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
    for name in _CARRIED if base.is_dir() else ():
        if (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    copy_folder(base, _TEMPLATES, target, TokenizerError)


def model_type(directory: Path) -> str:
    """The model type that the config.json of a directory states, "" without one."""
    path = directory / "config.json"
    there = directory.is_dir() and is_there(path)
    config = read_object(path, TokenizerError, "download the base again") if there else {}
    return str(config.get("model_type") or "")


def _complete(config: dict[str, Any], tokenizer: FastTokenizer, class_name: str) -> dict[str, Any]:
    """The configuration with what the base's class implied; without one, what the tokenizer states itself."""
    inputs = {"model_input_names": list(tokenizer.model_inputs)}
    if not config:
        return {**inputs, **named_by(tokenizer), **implied_by(class_name, tokenizer.vocabulary)}
    if is_plain(class_name):
        # transformers 4 gives every tokenizer token_type_ids that says nothing, and Llama refuses them. In
        # transformers 5 the plain class gives none, so those of BERT are left to the version.
        return config if "token_type_ids" in tokenizer.model_inputs else {**inputs, **config}
    return {**inputs, **implied_by(class_name, tokenizer.vocabulary), **config}


def _further(tokenizer: FastTokenizer, config: Mapping[str, Any]) -> dict[str, Any]:
    """The special tokens without a role, such as T5's sentinels, where the configuration lists none."""
    if "additional_special_tokens" in config or "extra_special_tokens" in config:
        return {}
    roles = (value for key, value in config.items() if key.endswith("_token"))
    named = [value.get("content") if isinstance(value, dict) else value for value in roles]
    special = [token["content"] for token in tokenizer.spec["added_tokens"] if token["special"]]
    further = [content for content in special if content not in named]
    return {"additional_special_tokens": further} if further else {}


def _readable_everywhere(config: dict[str, Any]) -> dict[str, Any]:
    config = dict(config)
    for key in ("backend", "is_local", "local_files_only", "auto_map", "added_tokens_decoder"):
        config.pop(key, None)
    # Version 4 crashes on a list under this name; both versions read it under the other.
    if isinstance(config.get("extra_special_tokens"), list):
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    return config


def named_by(tokenizer: FastTokenizer) -> dict[str, str]:
    """The special tokens that the tokenizer itself names, by role, e.g. "bos_token"."""
    names = dict(tokenizer.special_names())
    unknown = tokenizer.unknown_id
    if unknown is not None:
        names["unk_token"] = tokenizer.id_to_piece[unknown]
    before, after = _template(tokenizer)
    # The template's first and last token are bos and eos; BERT has other names for them.
    first, last = ("cls_token", "sep_token") if "[CLS]" in before else ("bos_token", "eos_token")
    if before:
        names.setdefault(first, before[0])
    if after:
        names.setdefault(last, after[0])
    return names


def _template(tokenizer: FastTokenizer) -> tuple[list[str], list[str]]:
    before: list[str] = []
    after: list[str] = []
    for part in components(tokenizer.spec.get("post_processor")):
        side = before
        for item in part.get("single", ()):
            if "Sequence" in item:
                side = after
            else:
                side.append(item["SpecialToken"]["id"])
    return before, after
