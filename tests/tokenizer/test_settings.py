"""The settings beside a tokenizer: known fields have their type, and others are kept."""

import json

import pytest

from vocabx.errors import TokenizerError
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.settings import read_settings

CONFIG, SPECIAL, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        (CONFIG, {"pad_token": 5}, "pad_token"),
        (CONFIG, {"pad_token": float("nan")}, "pad_token"),
        (CONFIG, {"eos_token": ["</s>"]}, "eos_token"),
        (CONFIG, {"\ud800": 1}, "half of a surrogate pair"),
        (SPECIAL, {"\ud800": 1}, "half of a surrogate pair"),
        (CONFIG, {"eos_token": {"content": None}}, "eos_token.content"),
        (CONFIG, {"eos_token": {"content": "a", "lstrip": "no"}}, "eos_token.lstrip"),
        (CONFIG, {"tokenizer_class": ["LlamaTokenizer"]}, "tokenizer_class"),
        (CONFIG, {"model_max_length": "long"}, "model_max_length"),
        (CONFIG, {"model_max_length": 10**400}, "model_max_length"),
        (CONFIG, {"additional_special_tokens": [None]}, "additional_special_tokens"),
        (CONFIG, {"additional_special_tokens": 5}, "additional_special_tokens"),
        (CONFIG, {"added_tokens_decoder": {"first": {"content": "a"}}}, "added_tokens_decoder"),
        (CONFIG, {"added_tokens_decoder": {"1": "a"}}, "added_tokens_decoder"),
        (CONFIG, {"added_tokens_decoder": []}, "added_tokens_decoder"),
        (CONFIG, {"chat_template": 5}, "chat_template"),
        (CONFIG, {"model_input_names": "input_ids"}, "model_input_names"),
        (SPECIAL, {"unk_token": False}, "unk_token"),
        (ADDED, {"<a>": "5"}, ""),
        (ADDED, {"<a>": -1}, ""),
        (ADDED, {"<a>": 10**12}, ""),
    ],
)
def test_a_setting_of_another_type_is_one_sentence_that_names_it(
    tmp_path, small_tokenizer, name, content, place
):
    (tmp_path / "tokenizer.json").write_bytes((small_tokenizer / "tokenizer.json").read_bytes())
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match=f"{name} is damaged") as refused:
        read_tokenizer(tmp_path)
    assert place in str(refused.value)
    assert len(str(refused.value)) <= 300 and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        {"pad_token": None, "eos_token": {"__type": "AddedToken", "content": "</s>", "lstrip": False}},
        # What transformers writes for a model without a limit.
        {"model_max_length": int(1e30), "tokenizer_class": "LlamaTokenizer"},
        {"model_max_length": 512, "unheard": [{"of": 5}], "auto_map": {"AutoTokenizer": ["a.B", None]}},
        {"additional_special_tokens": ["<a>", {"content": "<b>"}], "extra_special_tokens": {}},
        {"extra_special_tokens": {"image_token": "<image>"}, "model_input_names": ["input_ids"]},
        {"added_tokens_decoder": {"0": {"content": "<s>", "special": True, "single_word": False}}},
        {"chat_template": [{"name": "default", "template": "{{ messages }}"}], "add_prefix_space": None},
    ],
)
def test_what_transformers_writes_is_read_as_it_stands(tmp_path, content):
    (tmp_path / CONFIG).write_text(json.dumps(content))
    assert read_settings(tmp_path / CONFIG) == content


def test_more_sentinels_than_any_model_has_are_refused(tmp_path):
    from vocabx.tokenizer.slow_files import with_sentinels

    spec = {"model": {"vocab": [["a", 0.0]]}, "added_tokens": []}
    assert len(with_sentinels(spec, {"extra_ids": 3})["added_tokens"]) == 3
    for count in (10**9, -1, "3", None, 2.0, True):
        with pytest.raises(TokenizerError, match="extra_ids"):
            with_sentinels(spec, {"extra_ids": count})
