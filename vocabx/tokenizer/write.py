"""The tokenizer files of a checkpoint, written so that all versions of transformers read the same."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocabx.tokenizer.fast import FastTokenizer, components
from vocabx.tokenizer.implied import implied_by, is_plain
from vocabx.tokenizer.read_tokenizer import read_config

_CARRIED = ("chat_template.jinja", "special_tokens_map.json")
_TEMPLATES = "additional_chat_templates"


def write_tokenizer(
    tokenizer: FastTokenizer,
    base: Path,
    target: Path,
    settings: Mapping[str, Any] | None = None,
    companions: Mapping[str, bytes] | None = None,
) -> None:
    """Write tokenizer.json, its configuration and companions, and carry over the base's chat templates.

    Args:
        tokenizer: the extended tokenizer.
        base: the base's directory, for the configuration and the templates; of a base that is a bare file
            there are none, and the special tokens are named by the tokenizer itself.
        target: an existing directory.
        settings: what tokenizer_config.json must say whatever the base's says; None removes a setting.
        companions: the files beside tokenizer.json, where not all that the family has are wanted.

    Raises:
        TokenizerError: the base's tokenizer_config.json is damaged.
    """
    text = json.dumps(tokenizer.spec, ensure_ascii=False, separators=(",", ":"))
    (target / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    for name, data in (tokenizer.companions() if companions is None else companions).items():
        (target / name).write_bytes(data)
    config = _readable_everywhere(_complete(read_config(base) if base.is_dir() else {}, tokenizer))
    changed = {**config, **(settings or {})}
    config = {
        key: value for key, value in changed.items() if value is not None or key not in (settings or {})
    }
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True)
    (target / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
    for name in _CARRIED if base.is_dir() else ():
        if (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    if (base / _TEMPLATES).is_dir():
        shutil.copytree(base / _TEMPLATES, target / _TEMPLATES)


def _complete(config: dict[str, Any], tokenizer: FastTokenizer) -> dict[str, Any]:
    """The configuration with what the base's class implied; where there is none, what the tokenizer says."""
    class_name = str(config.get("tokenizer_class") or "")
    inputs = {"model_input_names": list(tokenizer.model_inputs)}
    if not config:
        return {**inputs, **named_by(tokenizer)}
    if is_plain(class_name):
        return config
    return {**inputs, **implied_by(class_name, tokenizer.vocabulary), **config}


def _readable_everywhere(config: dict[str, Any]) -> dict[str, Any]:
    config = dict(config)
    # A class of its own (GPT2Tokenizer, …) lets transformers 5 rebuild the pre-tokenizer its own way.
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    for key in ("backend", "is_local", "local_files_only", "auto_map", "added_tokens_decoder"):
        config.pop(key, None)
    # Version 4 crashes on a list under this name, and both read it under the other.
    if isinstance(config.get("extra_special_tokens"), list):
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    return config


def named_by(tokenizer: FastTokenizer) -> dict[str, str]:
    """The special tokens as the tokenizer itself names them, by role as "bos_token"."""
    names = dict(tokenizer.special_names())
    unknown = tokenizer.unknown_id
    if unknown is not None:
        names["unk_token"] = tokenizer.id_to_piece[unknown]
    before, after = _template(tokenizer)
    # Around a text stand its first and its last token; BERT calls them otherwise.
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
