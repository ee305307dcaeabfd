"""Whether transformers' classes for translation build what a tokenizer.json states: NLLB, mBART, mBART-50.

These classes put the code of a language around a text and let users switch it, which the generic class
cannot. Version 5 takes the vocabulary from the file and makes everything else anew, and the codes of mBART
come from a list of its own. Measured with transformers 4.57.6 and 5.23; the certificate reads each result
again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vocabx.tokenizer.class_templates import source_code
from vocabx.tokenizer.sentencepiece_model import SPACE

_MBART = (
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM "
    "ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN"
).split()
_MBART_50 = (
    "af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE "
    "sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI"
).split()
_SPACES = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}
_ONE_SPACE = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
_UNKNOWN = 3


def nllb(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings that NllbTokenizer needs beside its name; None if it builds another tokenizer."""
    model = spec["model"]
    others = ("byte_fallback", "ignore_merges", "continuing_subword_prefix", "end_of_word_suffix", "dropout")
    same = (
        model.get("type") == "BPE"
        and bool(model.get("fuse_unk"))
        and not any(model.get(key) for key in others)
        and _normalizes(spec) in ([], ["Precompiled", "spaces"])
        and spec.get("pre_tokenizer") == _SPACES
        and spec.get("decoder") == _SPACES
    )
    return _settings(spec, source_code("nllb", config), config, ()) if same else None


def mbart(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same of MBartTokenizer."""
    split = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, _SPACES]}
    same = _is_unigram(spec) and spec.get("normalizer") is None and spec.get("pre_tokenizer") == split
    return _settings(spec, source_code("mbart", config), config, _MBART) if same else None


def mbart50(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same of MBart50Tokenizer."""
    same = (
        _is_unigram(spec)
        and _normalizes(spec) in (["spaces"], ["Precompiled", "spaces"])
        and spec.get("pre_tokenizer") == _SPACES
    )
    codes = [*_MBART, *_MBART_50]
    return _settings(spec, source_code("mbart50", config), config, codes) if same else None


def _is_unigram(spec: Mapping[str, Any]) -> bool:
    model = spec["model"]
    return (
        model.get("type") == "Unigram"
        and model.get("unk_id") == _UNKNOWN
        and not model.get("byte_fallback")
        and spec.get("decoder") == _SPACES
    )


def _normalizes(spec: Mapping[str, Any]) -> list[str]:
    """The steps of the normalizer, with "spaces" for the one that leaves one of several spaces."""
    normalizer = spec.get("normalizer")
    parts = [normalizer] if normalizer and normalizer["type"] != "Sequence" else []
    parts = (normalizer or {}).get("normalizers", parts)
    return ["spaces" if part == _ONE_SPACE else str(part["type"]) for part in parts]


def _settings(
    spec: Mapping[str, Any], source: str, config: Mapping[str, Any], needed: Sequence[str]
) -> dict[str, Any] | None:
    """The codes, which are special tokens, and the source language; None if a code has no id."""
    special = [token["content"] for token in spec["added_tokens"] if token["special"]]
    if not {*needed, source} <= {*special}:
        return None
    roles = [value for key, value in config.items() if key.endswith("_token")]
    named = [value.get("content") if isinstance(value, dict) else value for value in roles]
    codes = [content for content in special if content not in named]
    # A list that is not stated is that of the class, which adds what the vocabulary lacks.
    return {"additional_special_tokens": codes, "src_lang": source}
