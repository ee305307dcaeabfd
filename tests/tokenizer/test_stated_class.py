"""The class that a written directory names, with which transformers 4 and 5 read the file as it is."""

import json
import shutil

import pytest
from real_tokenizers import read_once

from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.stated_class import PLAIN, REPLACED
from vocabx.tokenizer.write import write_tokenizer

# A base's file, its settings, its model type, and the class that is named.
CASES = {
    "t5": ("t5_json", {"tokenizer_class": "T5Tokenizer"}, "t5", "T5Tokenizer"),
    "gemma": ("gemma_json", {"tokenizer_class": "GemmaTokenizer"}, "gemma", "GemmaTokenizer"),
    "mistral": ("mistral3_json", {"tokenizer_class": "LlamaTokenizer"}, "mistral", "LlamaTokenizer"),
    # With nothing but a .model beside the weights.
    "mistral v1": ("mistral_model", {}, "mistral", "LlamaTokenizer"),
    "bert": ("bert_json", {"model_max_length": 512}, "bert", "BertTokenizer"),
    "gpt2": ("gpt2_json", {"model_max_length": 1024}, "gpt2", "GPT2Tokenizer"),
    # Where the class would build something else than the file states.
    "llama2": ("llama2_json", {"tokenizer_class": "LlamaTokenizer"}, "llama", PLAIN),
    "llama3": ("llama3_json", {"tokenizer_class": "GPT2Tokenizer"}, "gpt2", PLAIN),
    "none": ("gpt2_json", {}, "", PLAIN),
}


@pytest.fixture(scope="module", params=CASES)
def written(request, tmp_path_factory):
    """A base and the directory that is written of it, with the class that it should name."""
    fixture, settings, kind, name = CASES[request.param]
    base, out = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("out")
    file = request.getfixturevalue(fixture)
    shutil.copyfile(file, base / ("tokenizer.json" if file.suffix == ".json" else "tokenizer.model"))
    if settings:
        (base / "tokenizer_config.json").write_text(json.dumps(settings))
    for directory in (base, out) if kind else ():
        (directory / "config.json").write_text(json.dumps({"model_type": kind}))
    tokenizer = read_tokenizer(base)
    write_tokenizer(tokenizer, base, out, beside=kind)
    return base, out, tokenizer, name


def test_the_base_s_own_class_is_named_where_it_builds_what_the_file_states(written):
    _, out, _, name = written
    assert json.loads((out / "tokenizer_config.json").read_text())["tokenizer_class"] == name


def test_both_versions_of_transformers_read_the_file_as_it_is(written, transformers4):
    from transformers import AutoTokenizer

    _, out, tokenizer, _ = written
    texts = [text for text in adversarial_strings(300, 5, long=False) if len(text) < 500]
    theirs = AutoTokenizer.from_pretrained(out)(texts, add_special_tokens=False)["input_ids"]
    older = transformers4(out, texts)["ids"]
    for text, new, old, ids in zip(texts, theirs, older, tokenizer.encode(texts), strict=True):
        assert new == ids or tokenizer.tied(new, ids), text
        assert old == ids or tokenizer.tied(old, ids), text


def test_no_inputs_are_returned_that_generate_refuses(written, transformers4):
    _, out, tokenizer, _ = written
    names = json.loads((out / "tokenizer_config.json").read_text())["model_input_names"]
    assert ("token_type_ids" in names) == (tokenizer.family == "WordPiece")


def test_a_widened_pre_tokenizer_drops_the_class(gpt2_json, tmp_path):
    base, out = tmp_path / "base", tmp_path / "out"
    base.mkdir()
    out.mkdir()
    shutil.copyfile(gpt2_json, base / "tokenizer.json")
    (base / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    adapted = read_once(gpt2_json).adapted(Alphabet(("Devanagari",)))
    write_tokenizer(adapted, base, out, beside="gpt2")
    settings = json.loads((out / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == PLAIN and settings["eos_token"] == "<|endoftext|>"


def test_the_model_types_whose_pre_tokenizer_is_replaced_are_those_of_transformers():
    from transformers.models.auto import tokenization_auto as auto

    listed = {
        kind
        for kind in auto.MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS
        if auto.TOKENIZER_MAPPING_NAMES.get(kind) not in (None, "TokenizersBackend")
    }
    assert listed == REPLACED
