"""tokenizer.model and tokenizer.json in one directory."""

import json

from real_tokenizers import read_once
from transformers import LlamaTokenizer

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import model_of, parse_model


def lowered(append, small_file, pieces):
    """An extended model without any fault."""
    return append(small_file.read_bytes(), pieces, lambda place: -40_000.0 - place)


def test_a_tokenizer_json_that_lacks_the_new_pieces_is_regenerated(
    directory, tmp_path, append, small, small_file, chinese_pieces, verses, english, names, disagreements
):
    model = lowered(append, small_file, chinese_pieces)
    files = directory(tokenizer__model=model, tokenizer__json=small.spec)
    found = examine(files)
    assert names(found)["files-pieces"].count == len(parse_model(model).pieces) - small.size
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert (tmp_path / "out" / "tokenizer.model").read_bytes() == model
    assert disagreements(tmp_path / "out", [*verses, *english]) == []


def test_a_model_that_lacks_the_new_pieces_is_regenerated(
    directory, tmp_path, append, small_file, chinese_pieces, verses, english, names, disagreements
):
    spec = spec_of(parse_model(lowered(append, small_file, chinese_pieces)), add_bos=True, add_eos=False)
    files = directory(tokenizer__model=small_file.read_bytes(), tokenizer__json=spec)
    found = examine(files)
    assert list(names(found)) == ["files-pieces"]
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert json.loads((tmp_path / "out" / "tokenizer.json").read_text("utf-8"))["model"] == spec["model"]
    assert disagreements(tmp_path / "out", [*verses, *english]) == []


def test_a_piece_at_another_id_is_found(directory, small, small_file, names):
    vocabulary = dict(small.spec["model"]["vocab"])
    vocabulary["▁the"], vocabulary["▁of"] = vocabulary["▁of"], vocabulary["▁the"]
    spec = {**small.spec, "model": {**small.spec["model"], "vocab": vocabulary}}
    found = examine(directory(tokenizer__model=small_file.read_bytes(), tokenizer__json=spec))
    assert names(found)["files-pieces"].count == 2


def test_another_tokenization_with_the_same_pieces_is_found_and_repaired(
    directory, tmp_path, mistral_model, verses, english, names, disagreements
):
    """transformers 5 writes the merges of white space first, but SentencePiece applies them last."""
    source = directory(tokenizer__model=mistral_model.read_bytes())
    LlamaTokenizer.from_pretrained(source).save_pretrained(tmp_path / "converted")
    files = tmp_path / "converted"
    (files / "tokenizer.model").write_bytes(mistral_model.read_bytes())
    assert len(disagreements(files, english)) > 1000
    found = examine(files)
    assert list(names(found)) == ["files-tokenization"]
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert disagreements(tmp_path / "out", [*verses, *english]) == []


def test_disagreement_on_adversarial_strings_is_only_noted(directory, t5_json, names):
    """The two libraries treat different characters as spaces in every copy of T5."""
    model = model_of(read_once(t5_json).spec).SerializeToString()
    found = examine(directory(spiece__model=model, tokenizer__json=t5_json.read_text("utf-8")))
    assert names(found) == {}


def test_a_tiktoken_file_next_to_a_tokenizer_json_is_ignored(directory, llama3_tiktoken, gpt2_json, names):
    files = directory(
        tokenizer__model=llama3_tiktoken.read_bytes(), tokenizer__json=gpt2_json.read_text("utf-8")
    )
    assert names(examine(files)) == {}
