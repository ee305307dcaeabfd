"""The tokenizer files of a checkpoint, written so that all versions of transformers read the same."""

import json
import shutil
from pathlib import Path
from typing import Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.byte_level import ByteLevelTokenizer

_CARRIED = ("chat_template.jinja", "special_tokens_map.json")


def write_tokenizer(tokenizer: ByteLevelTokenizer, base_directory: Path, target: Path) -> None:
    """Write tokenizer.json and its configuration, and carry over the base's chat template.

    Args:
        tokenizer: the extended tokenizer.
        base_directory: the base's files, for the configuration and the templates.
        target: an existing directory.

    Raises:
        TokenizerError: the base's tokenizer_config.json is damaged.
    """
    text = json.dumps(tokenizer.spec, ensure_ascii=False, separators=(",", ":"))
    (target / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    source = base_directory / "tokenizer_config.json"
    try:
        config: dict[str, Any] = json.loads(source.read_text(encoding="utf-8")) if source.is_file() else {}
    except ValueError:
        raise TokenizerError(f"{source} is not JSON: download the base again") from None
    config = _readable_everywhere(config)
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True)
    (target / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
    for name in _CARRIED:
        if (base_directory / name).is_file():
            shutil.copyfile(base_directory / name, target / name)


def _readable_everywhere(config: dict[str, Any]) -> dict[str, Any]:
    config = dict(config)
    # A class of its own (GPT2Tokenizer, …) lets transformers 5 rebuild the pre-tokenizer its own way.
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    for key in ("backend", "is_local", "local_files_only", "auto_map"):
        config.pop(key, None)
    # Version 4 crashes on a list under this name, and both read it under the other.
    if isinstance(config.get("extra_special_tokens"), list):
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    return config
