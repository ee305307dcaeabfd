"""Vocabulary maps between real tokenizers of every family, and from each to itself."""

import json
import random

import pytest
from real_tokenizers import read_once
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from vocabx.errors import TokenizerError
from vocabx.initializers.inputs import InitializerInputs
from vocabx.initializers.registry import find_initializer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.renumber import swap_ids
from vocabx.tokenizer.roles import roles_of
from vocabx.tokenizer.vocabulary_map import map_vocabulary

FILES = ("gpt2_json", "roberta_json", "llama2_json", "t5_json", "bert_json")
TEXTS = [
    "Hello world, 2010 men's",
    " two  spaces\n",
    "起初神創造天地",
    "e\u0301 Ünïcödé",
    "<s>a</s><pad>",
    "",
]


@pytest.fixture(params=FILES)
def file(request):
    return request.getfixturevalue(request.param)


def sides(one, other):
    old, new = read_once(one), read_once(other)
    old_roles, roles = roles_of(old, one), roles_of(new, other)
    return old, new, map_vocabulary(old, new, old_roles, roles)


def saved(tmp_path, tokenizer, name="tokenizer.json"):
    path = tmp_path / name
    tokenizer.save(str(path)) if isinstance(tokenizer, Tokenizer) else path.write_text(json.dumps(tokenizer))
    return path


def german(special=("<unk>", "<s>", "</s>", "<pad>")):
    lines = [
        "der Hund und die Katze",
        "das Haus und der Garten",
        "und der Hund",
        "the house and the garden",
    ] * 9
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def test_each_token_of_a_tokenizer_is_its_own_counterpart(file):
    old, _, found = sides(file, file)
    same = {index: (index,) for index in old.id_to_piece}
    got = {i: pieces for i, pieces in enumerate(found.pieces) if i not in found.unmatched}
    assert got == {index: same[index] for index in got}
    # Unmatched are only ids without a token, and placeholders.
    assert all(
        index not in old.id_to_piece or old.token_bytes.get(index) is None for index in found.unmatched
    )


@pytest.mark.parametrize("name", ["zip-tie", "zip-tie-ordered"])
def test_initializers_from_pieces_copy_every_row_for_the_same_tokenizer(file, name):
    old, _, found = sides(file, file)
    inputs = InitializerInputs(found.texts, found.pieces, old.size, 0, found.old_texts, copies=found.special)
    new, source = find_initializer(name)(inputs).averaging(found.unmatched).copied("input")
    assert new.tolist() == source.tolist()
    assert len(new) == old.size - len(found.unmatched)


def test_the_same_word_is_found_in_every_family(gpt2_json, llama2_json, bert_json, t5_json):
    files = (gpt2_json, llama2_json, bert_json, t5_json)
    names = (" the", "the"), ("Ġthe", "the"), ("▁the", "the"), ("the", "##the"), ("▁the", None)
    for one, old_names in zip(files, names[1:], strict=True):
        for other, new_names in zip(files, names[1:], strict=True):
            old, new, found = sides(one, other)
            for old_name, new_name in zip(old_names, new_names, strict=True):
                if old_name in old.vocabulary and new_name in new.vocabulary:
                    assert found.pieces[new.vocabulary[new_name]] == (old.vocabulary[old_name],)


def test_a_letter_is_not_matched_to_its_byte_piece(llama2_json, gpt2_json):
    old, new, found = sides(llama2_json, gpt2_json)
    assert found.pieces[new.vocabulary["A"]] == (old.vocabulary["A"],)
    assert found.old_texts[old.vocabulary["<0x41>"]] is None
    # Bytes of an incomplete character are matched to byte pieces.
    part = new.vocabulary["ä½"]
    assert found.pieces[part] == (old.vocabulary["<0xE4>"], old.vocabulary["<0xBD>"])
    old, new, found = sides(gpt2_json, llama2_json)
    assert found.pieces[new.vocabulary["<0x41>"]] == (old.vocabulary["A"],)


def test_text_that_is_no_old_token_is_tokenized_as_running_text(gpt2_json, bert_json, t5_json):
    old, new, found = sides(gpt2_json, t5_json)
    name = "▁Gesundheit"
    assert found.pieces[new.vocabulary[name]] == tuple(old.encode([" Gesundheit"])[0])
    old, new, found = sides(bert_json, gpt2_json)
    # Uncased BERT has the word in lower case.
    assert found.pieces[new.vocabulary["ĠWashington"]] == tuple(old.encode(["washington"])[0])
    assert found.pieces[new.vocabulary["ä½"]] == (old.vocabulary["[UNK]"],)
    assert all(found.pieces)


def test_special_tokens_are_matched_by_name_and_then_by_role(tmp_path, roberta_json, bert_json, gpt2_json):
    old, new, found = sides(roberta_json, bert_json)
    named = {new.id_to_piece[i]: old.id_to_piece[j] for i, j in found.special.items()}
    assert named == {
        "[CLS]": "<s>", "[SEP]": "</s>", "[UNK]": "<unk>", "[PAD]": "<pad>", "[MASK]": "<mask>",
    }  # fmt: skip
    old, new, found = sides(gpt2_json, roberta_json)
    assert {new.id_to_piece[i]: old.id_to_piece[j] for i, j in found.special.items()} == {
        "</s>": "<|endoftext|>"
    }
    assert {new.id_to_piece[i] for i in found.unmatched} == {"<s>", "<pad>", "<unk>", "<mask>"}


def test_roles_are_read_from_the_configuration_before_names_are_guessed(tmp_path, gpt2_json):
    (tmp_path / "tokenizer.json").write_bytes(saved(tmp_path, german()).read_bytes())
    assert roles_of(*[read_tokenizer(tmp_path), tmp_path]) == {"unk": 0, "bos": 1, "eos": 2, "pad": 3}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"eos_token": {"content": "<pad>"}}))
    assert roles_of(read_tokenizer(tmp_path), tmp_path)["eos"] == 3
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<s>"}))
    assert roles_of(read_tokenizer(tmp_path), tmp_path)["eos"] == 1


def test_holes_in_the_ids_have_no_counterpart(tmp_path, gpt2_json):
    spec = json.loads(german().to_str())
    vocabulary = spec["model"]["vocab"]
    highest = max(vocabulary, key=vocabulary.__getitem__)
    vocabulary[highest] += 7
    _, new, found = sides(gpt2_json, saved(tmp_path, spec))
    holes = tuple(range(new.size - 8, new.size - 1))
    assert found.holes == holes and set(holes) <= set(found.unmatched)
    assert len(found.pieces) == new.size and found.pieces[new.size - 1] != (0,)


def test_the_order_of_the_vocabulary_does_not_matter(tmp_path, gpt2_json):
    spec = json.loads(german().to_str())
    items = list(spec["model"]["vocab"].items())
    random.Random(0).shuffle(items)
    shuffled = {**spec, "model": {**spec["model"], "vocab": dict(items)}}
    one, other = saved(tmp_path, spec, "one.json"), saved(tmp_path, shuffled, "other.json")
    assert sides(gpt2_json, one)[2] == sides(gpt2_json, other)[2]
    assert sides(one, gpt2_json)[2] == sides(other, gpt2_json)[2]


@pytest.mark.parametrize("place", [1, 5000])
def test_swapping_two_ids_changes_no_tokenization(file, place):
    tokenizer = read_once(file)
    roles = roles_of(tokenizer, file)
    one = roles.get("pad", roles.get("eos"))
    other = place if place != one else 2
    moved = swap_ids(tokenizer, one, other)
    assert (
        moved.id_to_piece[other] == tokenizer.id_to_piece[one]
        and moved.id_to_piece[one] == tokenizer.id_to_piece[other]
    )
    places = {one: other, other: one}
    for text in TEXTS:
        for special in (True, False):
            before = tokenizer.rust.encode(text, add_special_tokens=special)
            after = moved.rust.encode(text, add_special_tokens=special)
            assert after.tokens == before.tokens
            assert after.ids == [places.get(index, index) for index in before.ids]


def test_a_token_can_swap_ids_with_a_hole(tmp_path):
    tokenizer = read_tokenizer(saved(tmp_path, german()))
    moved = swap_ids(tokenizer, 3, 900)
    assert moved.rust.encode("<pad>").ids == [900] and moved.size == 901
    assert moved.encode(["der Hund"]) == tokenizer.encode(["der Hund"])


def test_an_id_outside_the_list_of_pieces_cannot_be_swapped(tmp_path):
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁a", -1.0)], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<pad>"])
    with pytest.raises(TokenizerError, match="cannot be swapped"):
        swap_ids(read_tokenizer(saved(tmp_path, tokenizer)), 2, 1)


def test_ids_inside_a_template_are_swapped(tmp_path):
    tokenizer = german()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    moved = swap_ids(read_tokenizer(saved(tmp_path, tokenizer)), 3, 1)
    ids = moved.rust.encode("der").ids
    assert (ids[0], ids[-1]) == (3, 2) and moved.id_to_piece[1] == "<pad>"
