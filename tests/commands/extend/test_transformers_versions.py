"""The directories we write give the same ids in transformers 5 and 4.57 as in the tokenizers library."""

import pytest
from real_tokenizers import read_once
from transformers import AutoTokenizer

from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.write import write_tokenizer

BASES = ("mistral_model", "gpt2_json", "t5_json", "bert_json")
AROUND = ("bos_token_id", "eos_token_id", "unk_token_id", "pad_token_id")


@pytest.fixture(scope="module", params=BASES)
def written(request, verses, chinese, tmp_path_factory):
    """An extension of each base by 500 tokens, and its directory."""
    path = request.getfixturevalue(request.param)
    base = read_once(path)
    extension = extend_tokenizer(base, verses[:800], chinese, TokenRequest(500), base.size + 7, Quiet())
    directory = tmp_path_factory.mktemp(request.param)
    write_tokenizer(extension.tokenizer, path, directory)
    return extension.tokenizer, directory


def texts(verses, english):
    return [*verses[:300], *english[:300], *adversarial_strings(300, 3, long=False)]


def test_both_versions_tokenize_as_we_do(written, verses, english, transformers4):
    ours, directory = written
    sample = texts(verses, english)
    expected = ours.encode(sample)
    five = AutoTokenizer.from_pretrained(directory)
    assert five(sample, add_special_tokens=False)["input_ids"] == expected
    assert transformers4(directory, sample)["ids"] == expected


def test_both_versions_add_the_same_special_tokens(written, verses, transformers4):
    _, directory = written
    five = AutoTokenizer.from_pretrained(directory)
    sample = ["", "a", verses[0], "two  spaces "]
    four = transformers4(directory, sample, special=True)
    assert five(sample)["input_ids"] == four["ids"]
    assert [getattr(five, name) for name in AROUND] == [four[name.split("_")[0]] for name in AROUND]
    assert five.padding_side == four["padding_side"]
    assert five.truncation_side == four["truncation_side"]


def test_both_versions_decode_to_the_same_text(written, verses, english, transformers4):
    ours, directory = written
    sample = [*verses[:100], *english[:100]]
    assert transformers4(directory, sample)["decoded"] == [ours.decode(ids) for ids in ours.encode(sample)]


def test_the_base_with_its_original_class_gives_the_same_ids(smollm2, base, english, transformers4):
    assert transformers4(smollm2, english[:200])["ids"] == base.encode(english[:200])
