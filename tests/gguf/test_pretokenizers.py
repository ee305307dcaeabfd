"""Names of pre-tokenizers: found in real files, and meaning in llama.cpp what they mean here."""

import copy
import json
import unicodedata
from pathlib import Path

import pytest
from llama_cpp import ask

from vocabx.errors import TokenizerError
from vocabx.gguf.export_gguf import export_gguf
from vocabx.gguf.pretokenizers import known, name_of, pattern_of
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

FILES = {
    "gpt2_json": "gpt-2",
    "llama3_json": "llama-bpe",
    "cl100k_json": "smaug-bpe",
    "qwen_json": "qwen2",
    "o200k_json": "gpt-4o",
}
# llama.cpp writes their classes of letters in another way, which differs for marks and outside ASCII.
NEARLY = {"tekken", "gpt-4o"}


@pytest.mark.parametrize("file", FILES)
def test_the_pre_tokenizers_of_real_files_are_told(file, request):
    assert name_of(read_tokenizer(request.getfixturevalue(file)).spec) == FILES[file]


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
def test_what_llama_cpp_does_not_do_has_no_name(base, change):
    with pytest.raises(TokenizerError, match="--pre NAME"):
        name_of({**base.spec, **change})


def test_a_word_that_is_taken_whole_makes_another_name_of_the_same_pattern(llama3_json):
    spec = read_tokenizer(llama3_json).spec
    assert name_of(spec) == "llama-bpe"
    assert name_of({**spec, "model": {**spec["model"], "ignore_merges": False}}) == "smaug-bpe"


def with_cuts(tokenizer: ByteLevelTokenizer, name: str) -> ByteLevelTokenizer:
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
def test_llama_cpp_cuts_by_each_name_as_the_tokenizer_does(
    name, extension, random_model, verses, english, tmp_path
):
    tokenizer = with_cuts(extension.tokenizer, name)
    file = tmp_path / "cuts" / "tokenizer.json"
    file.parent.mkdir()
    file.write_text(json.dumps(tokenizer.spec), encoding="utf-8")
    exported = export_gguf(random_model("llama", file, num_hidden_layers=1), tmp_path / "model.gguf")
    assert exported.pretokenizer == name
    code = Path(__file__).read_text(encoding="utf-8").split("\n\n")
    texts = [*verses[:400], *english[:200], *code, "１２３ 12345 3.14", "HTTPServer iPhone's ÄÖÜ 'LL"]
    if name not in NEARLY:
        texts += adversarial_strings(600, long=False)
    cut = dict(zip(texts, ask(exported.path, texts)["ids"], strict=True))
    assert cut == dict(zip(texts, tokenizer.encode(texts), strict=True))


def test_llama_cpp_cuts_qwen_as_the_tokenizer_does_where_text_is_composed(
    qwen_json, random_model, verses, tmp_path
):
    tokenizer = read_tokenizer(qwen_json)
    exported = export_gguf(random_model("qwen2", qwen_json), tmp_path / "model.gguf")
    drawn = [*verses[:200], *adversarial_strings(600, long=False)]
    # "</s>" is an ordinary token of Qwen's, and the end of a text to llama.cpp, whatever the file says.
    texts = [unicodedata.normalize("NFC", text) for text in drawn if "</s>" not in text]
    cut = dict(zip(texts, ask(exported.path, texts)["ids"], strict=True))
    assert cut == dict(zip(texts, tokenizer.encode(texts), strict=True))
    # And only there: llama.cpp does not compose.
    known = ["e\u0301", "</s>"]
    assert all(
        one != other
        for one, other in zip(ask(exported.path, known)["ids"], tokenizer.encode(known), strict=True)
    )
