"""Names of pre-tokenizers: detected in real files, and with the same meaning in llama.cpp."""

import copy
import json
import unicodedata
from pathlib import Path

import pytest
from llama_cpp import ask
from real_tokenizers import read_once

from vocabx.errors import TokenizerError
from vocabx.gguf.export_gguf import export_gguf
from vocabx.gguf.pretokenizers import known, name_of, pattern_of
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer

FILES = {
    "gpt2_json": "gpt-2",
    "llama3_json": "llama-bpe",
    "cl100k_json": "smaug-bpe",
    "qwen_json": "qwen2",
    "o200k_json": "gpt-4o",
}
# llama.cpp's letter classes for these differ for marks and outside ASCII.
NEARLY = {"tekken", "gpt-4o"}


@pytest.mark.parametrize("file", FILES)
def test_the_pre_tokenizers_of_real_files_are_detected(file, request):
    assert name_of(read_once(request.getfixturevalue(file)).spec) == FILES[file]


def test_the_pre_tokenizer_of_an_extension_is_that_of_its_base(extension):
    assert name_of(extension.base.spec) == name_of(extension.tokenizer.spec) == "smollm"


def test_a_widened_pre_tokenizer_has_no_name_and_the_error_says_what_to_do(base, chinese):
    with pytest.raises(TokenizerError, match="--pre NAME"):
        name_of(base.adapted(chinese).spec)


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": {"type": "Lowercase"}},
        {"pre_tokenizer": None},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}]}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": []}},
    ],
)
def test_unsupported_pre_tokenizers_have_no_name(base, change):
    with pytest.raises(TokenizerError, match="--pre NAME"):
        name_of({**base.spec, **change})


def test_ignore_merges_gives_the_same_pattern_another_name(llama3_json):
    spec = read_once(llama3_json).spec
    assert name_of(spec) == "llama-bpe"
    assert name_of({**spec, "model": {**spec["model"], "ignore_merges": False}}) == "smaug-bpe"


def with_pre_tokenizer(tokenizer: ByteLevelTokenizer, name: str) -> ByteLevelTokenizer:
    """The tokenizer with the pre-tokenizer that a name stands for."""
    spec = copy.copy(tokenizer.spec)
    parts = [
        {"type": "Digits", "individual_digits": True}
        if step == "digits"
        else {
            "type": "Split",
            "pattern": {"Regex": pattern_of(step)},
            "behavior": "Isolated",
            "invert": False,
        }
        for step in known()[name].steps
    ]
    alphabet = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [*parts, alphabet]}
    spec["model"] = {**spec["model"], "ignore_merges": known()[name].whole_words}
    return ByteLevelTokenizer(spec)


@pytest.mark.parametrize("name", known())
def test_llama_cpp_tokenizes_with_each_name_like_the_tokenizer(
    name, extension, random_model, verses, english, tmp_path
):
    tokenizer = with_pre_tokenizer(extension.tokenizer, name)
    file = tmp_path / "split" / "tokenizer.json"
    file.parent.mkdir()
    file.write_text(json.dumps(tokenizer.spec), encoding="utf-8")
    exported = export_gguf(random_model("llama", file, num_hidden_layers=1), tmp_path / "model.gguf")
    assert exported.pretokenizer == name
    code = Path(__file__).read_text(encoding="utf-8").split("\n\n")
    texts = [*verses[:400], *english[:200], *code, "１２３ 12345 3.14", "HTTPServer iPhone's ÄÖÜ 'LL"]
    if name not in NEARLY:
        texts += adversarial_strings(600, long=False)
    encoded = dict(zip(texts, ask(exported.path, texts)["ids"], strict=True))
    assert encoded == dict(zip(texts, tokenizer.encode(texts), strict=True))


def test_llama_cpp_tokenizes_composed_text_like_qwen(qwen_json, random_model, verses, tmp_path):
    tokenizer = read_once(qwen_json)
    exported = export_gguf(random_model("qwen2", qwen_json), tmp_path / "model.gguf")
    drawn = [*verses[:200], *adversarial_strings(600, long=False)]
    # "</s>" is an ordinary token of Qwen, but an end-of-text token for llama.cpp, whatever the file says.
    texts = [unicodedata.normalize("NFC", text) for text in drawn if "</s>" not in text]
    encoded = dict(zip(texts, ask(exported.path, texts)["ids"], strict=True))
    assert encoded == dict(zip(texts, tokenizer.encode(texts), strict=True))
    # Only composed text: llama.cpp does not compose characters.
    known = ["e\u0301", "</s>"]
    assert all(
        one != other
        for one, other in zip(ask(exported.path, known)["ids"], tokenizer.encode(known), strict=True)
    )
