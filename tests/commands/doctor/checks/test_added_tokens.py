"""Vocabularies extended with add_tokens: words that are matched as whole strings."""

import copy
import json

import pytest
from real_tokenizers import read_once
from transformers import AutoTokenizer

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.tokenizer.read_tokenizer import read_tokenizer


def added_words(path):
    spec = json.loads((path / "tokenizer.json").read_text("utf-8"))
    return {token["content"]: token["id"] for token in spec["added_tokens"] if not token["special"]}


def test_words_on_mistral_become_pieces_with_their_ids_in_both_files(
    with_added, tmp_path, mistral, mistral_model, chinese_words, verses, english, names, disagreements, dead,
    transformers4,
):  # fmt: skip
    files = with_added(mistral.rust.to_str(), chinese_words, mistral_model.read_bytes())
    words = added_words(files)
    assert len(words) == 500
    found = examine(files)
    assert {name: f.count for name, f in names(found).items()} == {"added-tokens": 500}
    assert "a space is lost" in names(found)["added-tokens"].sentence
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out", mistral_model)) == {}
    repaired = read_tokenizer(tmp_path / "out")
    assert added_words(tmp_path / "out") == {}
    assert all(repaired.vocabulary[word] == index for word, index in words.items())
    assert dead(tmp_path / "out", mistral) == set()
    assert disagreements(tmp_path / "out", [*verses, *english]) == []
    assert repaired.encode(english) == mistral.encode(english)
    old, new = read_tokenizer(files).encode(verses), repaired.encode(verses)
    assert sum(map(len, new)) < sum(map(len, old))
    assert [repaired.decode(ids) for ids in new] == verses
    # The configuration must not add them again.
    loaded = AutoTokenizer.from_pretrained(tmp_path / "out")
    texts = [*verses[:200], *english[:200]]
    assert loaded(texts, add_special_tokens=False)["input_ids"] == repaired.encode(texts)
    assert transformers4(tmp_path / "out", texts)["ids"] == repaired.encode(texts)


def test_words_on_gpt2_become_tokens_if_no_intermediate_token_is_missing(
    with_added, tmp_path, gpt2_json, chinese_words, verses, english, names
):
    files = with_added(gpt2_json.read_text("utf-8"), chinese_words)
    words = added_words(files)
    found = examine(files)
    counts = {name: finding.count for name, finding in names(found).items()}
    assert counts.keys() == {"added-tokens", "added-tokens-left"}
    assert sum(counts.values()) == 500
    repair(found, tmp_path / "out")
    left = names(examine(tmp_path / "out", None, found.files.new))
    assert {name: f.count for name, f in left.items()} == {"added-tokens-left": counts["added-tokens-left"]}
    base, repaired = read_once(gpt2_json), read_tokenizer(tmp_path / "out")
    kept = added_words(tmp_path / "out")
    assert len(kept) == counts["added-tokens-left"]
    assert kept.items() <= words.items()
    ordinary = [word for word in words if word not in kept]
    assert [repaired.encode([word])[0] for word in ordinary] == [[words[word]] for word in ordinary]
    assert repaired.encode(english) == base.encode(english)
    assert [repaired.decode(ids) for ids in repaired.encode(verses)] == verses
    ids = AutoTokenizer.from_pretrained(tmp_path / "out")(verses[:200])["input_ids"]
    assert ids == repaired.encode(verses[:200])


@pytest.mark.parametrize("file", ["gpt2_json", "bert_json"])
def test_words_that_the_base_already_has_are_only_removed_from_the_list(
    request, with_added, tmp_path, english, file, names
):
    path = request.getfixturevalue(file)
    found = examine(with_added(path.read_text("utf-8"), ["and", "the", "able"]))
    assert names(found)["added-tokens"].count == 3
    assert "tokens of the base, such as" in names(found)["added-tokens"].sentence
    repair(found, tmp_path / "out")
    assert added_words(tmp_path / "out") == {}
    repaired = read_tokenizer(tmp_path / "out")
    assert repaired.pieces() == read_once(path).pieces()
    assert repaired.encode(english) == read_once(path).encode(english)


def test_words_on_a_unigram_base_become_pieces(with_added, tmp_path, t5_json, chinese_words, english, names):
    found = examine(with_added(t5_json.read_text("utf-8"), chinese_words[:50]), t5_json)
    assert {name: f.count for name, f in names(found).items()} == {"added-tokens": 50}
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out", t5_json)) == {}
    assert read_tokenizer(tmp_path / "out").encode(english) == read_once(t5_json).encode(english)


def test_user_defined_words_of_a_model_are_found(
    directory, tmp_path, append, small_file, chinese_words, names, disagreements, verses
):
    from vocabx.tokenizer.sentencepiece_model import Kind

    model = append(small_file.read_bytes(), chinese_words, kind=Kind.USER_DEFINED)
    found = examine(directory(tokenizer__model=model))
    assert list(names(found)) == ["added-tokens"]
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert disagreements(tmp_path / "out", verses) == []


def test_markup_such_as_tool_call_is_not_reported(directory, gpt2_json, names):
    spec = json.loads(gpt2_json.read_text("utf-8"))
    blank = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    for place, mark in enumerate(["<tool_call>", "[INST]", "|||IP_ADDRESS|||", "    ", "\n\n"]):
        spec["added_tokens"].append({"id": 50257 + place, "content": mark, **blank})
    assert names(examine(directory(tokenizer__json=spec))) == {}


def test_added_tokens_of_a_bare_model_come_from_its_configuration(
    directory, tmp_path, small, small_file, chinese_words, names
):
    words = [word for word in chinese_words if word not in small.vocabulary][:4]
    listed = {word: small.size + place for place, word in enumerate(words)}
    files = directory(tokenizer__model=small_file.read_bytes(), added_tokens__json=listed)
    found = examine(files, small_file)
    assert sum(finding.count for finding in names(found).values()) == 4
    repair(found, tmp_path / "out")
    assert not (tmp_path / "out" / "added_tokens.json").exists()


def test_an_added_token_that_would_be_read_with_another_id_keeps_the_stated_one(
    directory, tmp_path, gpt2_json, names
):
    spec = copy.deepcopy(json.loads(gpt2_json.read_text("utf-8")))
    token = {"id": 50300, "content": "<new>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}  # fmt: skip
    spec["added_tokens"].append(token)
    found = examine(directory(tokenizer__json=spec))
    assert names(found)["added-ids"].severity == "fatal"
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert read_tokenizer(tmp_path / "out").encode(["<new>"]) == [[50300]]
