"""Which tokenizer class a written directory names, since other runtimes choose their algorithm by it.

With a class of its own, transformers 5 takes vocabulary and merges from tokenizer.json and rebuilds the rest
as the class has it; the plain class takes the file as it is. So the base's own class is named only where what
it builds is what the file states, and the plain class everywhere else. Measured with transformers 4.57.6 and
5.23; the certificate reads each result again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vocabx.tokenizer.implied import implied_by
from vocabx.tokenizer.sentencepiece_model import SPACE
from vocabx.tokenizer.translation_classes import mbart, mbart50, nllb

PLAIN = "PreTrainedTokenizerFast"
# Model types whose class transformers 5 builds whatever tokenizer_config.json names: the class brings a
# pre-tokenizer of its own.
REPLACED = frozenset(
    ("qwen2", "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text", "qwen4_exp", "hyperclovax_vision_v2", "siglip2")
)
# What transformers takes for a model type where tokenizer_config.json names no class.
_BY_TYPE = {
    "bert": "BertTokenizer", "distilbert": "BertTokenizer", "gpt2": "GPT2Tokenizer",
    "roberta": "RobertaTokenizer", "xlm-roberta": "XLMRobertaTokenizer", "t5": "T5Tokenizer",
    "mt5": "T5Tokenizer", "gpt_neox": "GPTNeoXTokenizer", "gemma": "GemmaTokenizer",
    "gemma2": "GemmaTokenizer", "gemma3": "GemmaTokenizer", "gemma3_text": "GemmaTokenizer",
    "mbart": "MBartTokenizer", "nllb-moe": "NllbTokenizer", "mistral": "LlamaTokenizer",
    "mixtral": "LlamaTokenizer",
}  # fmt: skip
# For these, transformers 5 takes tokenizer.json as it is although their class is Llama's.
_MISTRAL = ("mistral", "mixtral")


def class_named(config: Mapping[str, Any], model_type: str) -> str:
    """The class of a base's tokenizer: by its tokenizer_config.json, else by its model type, or ""."""
    stated = str(config.get("tokenizer_class") or "")
    return stated.removesuffix("Fast") if stated else _BY_TYPE.get(model_type, "")


def stated_class(
    spec: Mapping[str, Any], vocabulary: Mapping[str, int], config: Mapping[str, Any], base: str, result: str
) -> tuple[str, dict[str, Any]]:
    """The class to name in tokenizer_config.json, and settings that it needs beside its name.

    Args:
        spec: the parsed tokenizer.json of the result.
        vocabulary: its tokens.
        config: the tokenizer_config.json of the base.
        base, result: the model type of the base and of the result, "" where there is no config.json.
    """
    name = class_named(config, base)
    found = _BUILDS.get(name)
    if found is None or result in REPLACED or (name == "LlamaTokenizer" and result not in _MISTRAL):
        return PLAIN, {}
    for key, default in implied_by(name).items():
        content = config.get(key, default)
        content = content.get("content") if isinstance(content, dict) else content
        # The class would add a token that it lacks.
        if key.endswith("_token") and content is not None and content not in vocabulary:
            return PLAIN, {}
    settings = found(spec, config)
    return (PLAIN, {}) if settings is None else (name, settings)


def _t5(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    model = spec["model"]
    if model.get("unk_id") != 2 or model.get("byte_fallback"):
        return None
    spaces = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}
    split, space = _parts(spec.get("pre_tokenizer"), 2)
    sentinels = sum(token["content"].startswith("<extra_id_") for token in spec["added_tokens"])
    same = (
        _parts(spec.get("normalizer"), 1)[0].get("type") in (None, "Precompiled")
        and split == {"type": "WhitespaceSplit"}
        and _metaspace(space) == spaces
        and _metaspace(spec.get("decoder") or {}) == spaces
        and _around(spec) == ([], ["</s>"])
        and config.get("extra_ids", 100) == sentinels
    )
    return {} if same else None


def _gemma(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    model = spec["model"]
    same = (
        bool(model.get("byte_fallback"))
        and bool(model.get("fuse_unk"))
        and not model.get("ignore_merges")
        and spec.get("normalizer") == {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
        and spec.get("pre_tokenizer")
        == {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
        and _decodes(spec) == ["Replace", "ByteFallback", "Fuse"]
        and _begins_with_bos(spec, config)
    )
    return {} if same else None


def _llama(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    # With add_prefix_space, transformers 4 would make the tokenizer anew from the .model.
    same = bool(spec["model"].get("byte_fallback")) and config.get("add_prefix_space") is None
    return {} if same and _begins_with_bos(spec, config) else None


def _gpt2(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    model, level = spec["model"], spec.get("pre_tokenizer") or {}
    same = (
        not any(model.get(key) for key in ("byte_fallback", "unk_token", "ignore_merges", "fuse_unk"))
        and spec.get("normalizer") is None
        and level.get("type") == "ByteLevel"
        and level.get("use_regex", True)
        and bool(level.get("add_prefix_space")) == bool(config.get("add_prefix_space"))
        and (spec.get("decoder") or {}).get("type") == "ByteLevel"
        and not config.get("add_bos_token")
        and not config.get("add_eos_token")
    )
    return {} if same else None


def _bert(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    model, normal = spec["model"], spec.get("normalizer") or {}
    same = (
        model.get("continuing_subword_prefix", "##") == "##"
        and model.get("max_input_chars_per_word", 100) == 100
        and normal.get("type") == "BertNormalizer"
        and normal.get("clean_text", True)
        and spec.get("pre_tokenizer") == {"type": "BertPreTokenizer"}
        and (spec.get("decoder") or {}).get("type") == "WordPiece"
        and _around(spec) == (["[CLS]"], ["[SEP]"])
    )
    if not same:
        return None
    return {
        "do_lower_case": bool(normal.get("lowercase", True)),
        "tokenize_chinese_chars": bool(normal.get("handle_chinese_chars", True)),
        "strip_accents": normal.get("strip_accents"),
    }


_Build = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any] | None]
_BUILDS: dict[str, _Build] = {
    "T5Tokenizer": _t5, "GemmaTokenizer": _gemma, "LlamaTokenizer": _llama, "GPT2Tokenizer": _gpt2,
    "BertTokenizer": _bert, "NllbTokenizer": nllb, "MBartTokenizer": mbart, "MBart50Tokenizer": mbart50,
}  # fmt: skip


def _parts(component: Mapping[str, Any] | None, count: int) -> list[Mapping[str, Any]]:
    """The parts of a component, alone or of a Sequence; unknown ones if they are not `count`."""
    if not component:
        return [{}] * count
    parts = [component]
    if component["type"] == "Sequence":
        parts = component.get("normalizers") or component.get("pretokenizers") or []
    return list(parts) if len(parts) == count else [{"type": "others"}] * count


def _metaspace(part: Mapping[str, Any]) -> dict[str, Any]:
    """A Metaspace with what older files leave out."""
    scheme = "always" if part.get("add_prefix_space", True) else "never"
    return {
        "type": part.get("type"),
        "replacement": part.get("replacement"),
        "prepend_scheme": part.get("prepend_scheme", scheme),
        "split": part.get("split", True),
    }


def _decodes(spec: Mapping[str, Any]) -> list[str]:
    return [part["type"] for part in (spec.get("decoder") or {}).get("decoders") or ()]


def _around(spec: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The special tokens that a template adds before and after one text."""
    processor = spec.get("post_processor") or {}
    if processor.get("type") == "BertProcessing":
        return [processor["cls"][0]], [processor["sep"][0]]
    before: list[str] = []
    after: list[str] = []
    side = before
    for item in processor.get("single") or ():
        if "Sequence" in item:
            side = after
        else:
            side.append(item["SpecialToken"]["id"])
    return before, after


def _begins_with_bos(spec: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether the file adds what the classes of Llama and Gemma add: bos before a text, nothing after it."""
    before, after = _around(spec)
    stated = config.get("add_bos_token") in (None, True) and not config.get("add_eos_token")
    return stated and len(before) == 1 and not after
