"""Every id up to the last row has a name that no text gives, so that tokens added later come behind."""

import json

import pytest
from real_tokenizers import read_once
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.write import write_tokenizer

BASES = ("gpt2_json", "t5_json", "bert_json", "mistral_model", "llama2_json")


def one_more(base, first_id):
    """The base with 龘, or the bytes that build it, as a new token at `first_id`."""
    token = "龘".encode()
    if base.family != "byte-level BPE":
        return base.extended([Merge(b"", token, 100)], first_id)
    left, *others = (base.token_bytes[index] for index in base.tokenize(token))
    merges = []
    for part in others:
        merges.append(Merge(left, part, 100))
        left += part
    return base.extended(merges, first_id)


@pytest.fixture(scope="module", params=BASES)
def padded(request, tmp_path_factory):
    """A base, its extension behind padding rows and with more of them after it, and its directory."""
    base = read_once(request.getfixturevalue(request.param))
    first = base.size + 7
    longer = one_more(base, first)
    rows = longer.size + 5
    directory = tmp_path_factory.mktemp(request.param)
    tokenizer = longer.padded(rows)
    write_tokenizer(tokenizer, directory / "none", directory)
    return base, longer, tokenizer, rows, directory


def test_all_ids_have_names_and_only_tokens_have_text(padded):
    base, longer, tokenizer, rows, _ = padded
    assert sorted(tokenizer.id_to_piece) == list(range(rows))
    assert tokenizer.size == rows and tokenizer.tokens_end == longer.size
    assert {*range(base.size, base.size + 7), *range(longer.size, rows)} <= set(tokenizer.unused_ids)
    assert tokenizer.token_bytes == longer.token_bytes


def test_the_names_are_in_no_text_whatever_it_says(padded):
    _, longer, tokenizer, _, _ = padded
    names = [tokenizer.id_to_piece[index] for index in tokenizer.unused_ids]
    texts = [text for name in names for text in (name, f" {name}", f"龘{name}龘", name.replace(" ", "▁"))]
    unused = set(tokenizer.unused_ids)
    for ids, before in zip(tokenizer.encode(texts), longer.encode(texts), strict=True):
        assert unused.isdisjoint(ids) and ids == before


def test_a_token_that_is_added_later_comes_behind_the_last_row(padded):
    _, _, _, rows, directory = padded
    rust = Tokenizer.from_file(str(directory / "tokenizer.json"))
    assert rust.get_vocab_size(with_added_tokens=True) == rows
    rust.add_tokens(["<|im_end|>"])
    assert rust.token_to_id("<|im_end|>") == rows


def test_sentencepiece_names_the_same_ids_and_never_gives_them(padded):
    _, _, tokenizer, rows, directory = padded
    if not (directory / MODEL_NAME).is_file():
        assert tokenizer.family in ("byte-level BPE", "WordPiece")
        return
    processor = SentencePieceProcessor(model_file=str(directory / MODEL_NAME))
    assert processor.vocab_size() == rows
    for index in tokenizer.unused_ids:
        assert processor.is_unused(index)
        assert index not in processor.encode(processor.id_to_piece(index))


def test_reading_the_files_again_gives_the_same_names(padded):
    _, _, tokenizer, rows, directory = padded
    again = read_tokenizer(directory)
    assert again.unused_ids == tokenizer.unused_ids and again.size == rows


def test_transformers_counts_as_many_tokens_as_there_are_rows(padded, transformers4):
    from transformers import AutoTokenizer

    _base, _, tokenizer, rows, directory = padded
    loaded = AutoTokenizer.from_pretrained(directory)
    assert len(loaded) == rows
    texts = ["The 3 cats sat.", "龘 and more", tokenizer.id_to_piece[rows - 1]]
    ids = loaded(texts, add_special_tokens=False)["input_ids"]
    assert ids == transformers4(directory, texts)["ids"] == tokenizer.encode(texts)
    loaded.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    assert loaded.convert_tokens_to_ids("<|im_end|>") == rows


def test_a_second_extension_begins_behind_the_names(padded):
    _, _, _, rows, directory = padded
    read = read_tokenizer(directory)
    base = dict(read.vocabulary)
    token = "靐".encode()
    merges = [Merge(b"", token, 5)]
    if read.family == "byte-level BPE":
        first, *others = (read.token_bytes[index] for index in read.tokenize(token))
        merges = []
        for part in others:
            merges.append(Merge(first, part, 5))
            first += part
    second = read.extended(merges, rows)
    assert all(second.vocabulary[piece] == index for piece, index in base.items())
    assert min(set(second.vocabulary.values()) - set(base.values())) == rows


def test_settings_are_those_of_the_file(padded):
    _, _, tokenizer, _, directory = padded
    assert json.loads((directory / "tokenizer.json").read_text("utf-8"))["model"] == tokenizer.spec["model"]
