"""The templates that some classes put around a text, whatever template tokenizer.json states.

NllbTokenizer and its like replace the template when they load it, by the code of the source language and the
end of the text; CLIPTokenizer by beginning and end. The generic class does not, so the template is stated as
the base's class makes it, for the source language that its configuration names.
"""

from collections.abc import Mapping
from typing import Any

# For each class with codes: the source language where the configuration states none, and whether its code
# comes first.
_CODES = {
    "nllb": ("eng_Latn", True), "mbart": ("en_XX", False), "mbart50": ("en_XX", True),
    "m2m100": ("en", True), "seamlessm4t": ("eng", True),
}  # fmt: skip
# Classes whose codes are tokens with underscores around them.
_UNDERSCORED = ("m2m100", "seamlessm4t")


def with_template(spec: dict[str, Any], name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A tokenizer with the template of the class `name`; `spec` itself for classes that make none.

    Args:
        spec: the parsed tokenizer.json, with all added tokens.
        name: of the class without its suffix, see `class_of`.
        config: tokenizer_config.json.
    """
    ids = {token["content"]: token["id"] for token in spec["added_tokens"]}
    kind = _kind(name)
    if kind == "clip":
        return _of_clip(spec, config, ids)
    if kind not in _CODES:
        return spec
    first = _CODES[kind][1]
    code = source_code(name, config)
    end = _named(config, "eos_token", "</s>")
    if code not in ids or end not in ids:
        return spec
    if kind == "nllb" and config.get("legacy_behaviour"):
        first = False
    before, after = ([code], [end]) if first else ([], [end, code])
    template = {
        "type": "TemplateProcessing",
        "single": [*map(_special, before), _text("A"), *map(_special, after)],
        "pair": [*map(_special, before), _text("A"), _text("B"), *map(_special, after)],
        "special_tokens": {
            token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in sorted((code, end))
        },
    }
    return {**spec, "post_processor": template}


def has_codes(name: str) -> bool:
    """Whether the class `name` puts the code of a language around a text, which its users can switch."""
    return _kind(name) in _CODES


def source_code(name: str, config: Mapping[str, Any]) -> str:
    """The code of the source language that the class `name` puts around a text, "" for other classes.

    Args:
        name: of the class without its suffix.
        config: tokenizer_config.json.
    """
    kind = _kind(name)
    if kind not in _CODES:
        return ""
    stated = config.get("src_lang")
    code = stated if isinstance(stated, str) and stated else _CODES[kind][0]
    return f"__{code}__" if kind in _UNDERSCORED and "__" not in code else code


def _kind(name: str) -> str:
    return name.lower().replace("_", "")


def _of_clip(spec: dict[str, Any], config: Mapping[str, Any], ids: Mapping[str, int]) -> dict[str, Any]:
    begin = _named(config, "bos_token", "<|startoftext|>")
    end = _named(config, "eos_token", "<|endoftext|>")
    if begin not in ids or end not in ids:
        return spec
    template = {
        "type": "RobertaProcessing",
        "sep": [end, ids[end]],
        "cls": [begin, ids[begin]],
        "trim_offsets": False,
        "add_prefix_space": False,
    }
    return {**spec, "post_processor": template}


def _named(config: Mapping[str, Any], role: str, default: str) -> str:
    token = config.get(role) or default
    return str(token.get("content") if isinstance(token, dict) else token)


def _special(token: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": 0}}


def _text(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}
