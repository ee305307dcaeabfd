"""Real files: Mistral's .model, and tokenizer.json of Llama 2, Gemma, T5 and GPT-2."""

import copy
import json

import pytest
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from vocabx.errors import TokenizerError
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import (
    LAST,
    Family,
    Kind,
    is_unused,
    model_of,
    parse_model,
    piece_scores,
    read_model,
    unused_piece,
    with_pieces,
)


@pytest.fixture(scope="module")
def texts(verses, english) -> list[str]:
    runs = [before + " " * n + "b" for n in range(1, 60) for before in ("", "a")]
    return [*verses, *english[:3000], *runs, *adversarial_strings(2000, 5)]


@pytest.fixture(scope="module")
def mistral(mistral_model):
    return read_model(mistral_model)


@pytest.fixture(scope="module")
def mistral_spec(mistral):
    return spec_of(mistral, True, False)


@pytest.fixture(scope="module")
def llama2(llama2_json):
    return json.loads(llama2_json.read_text("utf-8"))


@pytest.fixture(scope="module")
def gemma(gemma_json):
    return json.loads(gemma_json.read_text("utf-8"))


@pytest.fixture(scope="module")
def t5(t5_json):
    return json.loads(t5_json.read_text("utf-8"))


def oracle(model) -> SentencePieceProcessor:
    return SentencePieceProcessor(model_proto=model.SerializeToString())


def differing(spec, model, texts):
    """(text, tokenizer.json's ids, the .model's ids) of the texts where the two differ."""
    literals = [token["content"] for token in spec["added_tokens"] if token["special"]]
    plain = [text for text in texts if not any(literal in text for literal in literals)]
    ours = Tokenizer.from_str(json.dumps(spec)).encode_batch(plain, add_special_tokens=False)
    both = zip(plain, (encoding.ids for encoding in ours), oracle(model).encode(plain), strict=True)
    return [(text, ids, theirs) for text, ids, theirs in both if ids != theirs]


def written(tmp_path, data: bytes):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(data)
    return path


def small_bpe(pieces=("▁", "a", "b", "ab", "▁ab"), merges=(("a", "b"), ("▁", "ab")), **model):
    """A tokenizer.json with <unk> at 0 and `pieces` after it."""
    unknown = {"id": 0, "content": "<unk>", "special": True, "normalized": False}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
    return {
        "added_tokens": [unknown | flags],
        "normalizer": {"type": "Prepend", "prepend": "▁"},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": True,
            "vocab": {"<unk>": 0} | {piece: index for index, piece in enumerate(pieces, 1)},
            "merges": [list(pair) for pair in merges],
            **model,
        },
    }


def scores_of(model) -> dict[str, float]:
    return {piece.piece: piece.score for piece in model.pieces}


def kinds_of(model) -> dict[str, int]:
    return {piece.piece: piece.type for piece in model.pieces}


# Reading


def test_a_real_file_is_read_completely(mistral, mistral_model):
    assert len(mistral.pieces) == 32000
    assert mistral.trainer_spec.model_type == Family.BPE
    assert parse_model(mistral_model.read_bytes()) == mistral


def test_a_missing_file_gives_a_one_line_error(tmp_path):
    with pytest.raises(TokenizerError, match=r"none\.model") as error:
        read_model(tmp_path / "none.model")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"\n", b"not a model", b"{}\n", bytes(range(256)), b"\x00" * 50])
def test_a_file_that_is_no_model_gives_a_one_line_error(tmp_path, data):
    with pytest.raises(TokenizerError, match="download the file again") as error:
        read_model(written(tmp_path, data))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, mistral_model, part):
    data = mistral_model.read_bytes()
    with pytest.raises(TokenizerError, match="download the file again"):
        read_model(written(tmp_path, data[: int(part * len(data))]))


@pytest.mark.parametrize("lost", ["trainer_spec", "normalizer_spec", "pieces"])
def test_a_file_truncated_between_its_parts_is_refused(tmp_path, mistral_model, lost):
    model = parse_model(mistral_model.read_bytes())
    model.ClearField(lost)
    with pytest.raises(TokenizerError, match="download the file again"):
        read_model(written(tmp_path, model.SerializeToString()))


def test_a_file_that_sentencepiece_refuses_is_refused(tmp_path, mistral_model):
    model = parse_model(mistral_model.read_bytes())
    model.pieces[500].piece = model.pieces[501].piece
    with pytest.raises(TokenizerError, match="damaged") as error:
        read_model(written(tmp_path, model.SerializeToString()))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [3, 4])
def test_word_and_character_models_are_refused(tmp_path, mistral_model, kind):
    model = parse_model(mistral_model.read_bytes())
    model.trainer_spec.model_type = kind
    with pytest.raises(TokenizerError, match="BPE or Unigram"):
        read_model(written(tmp_path, model.SerializeToString()))


def test_scores_are_those_of_pieces_that_occur_in_text(mistral):
    scores = piece_scores(mistral)
    assert len(scores) == 32000 - 256 - 3
    assert scores["▁t"] == -2
    assert scores["▁"] == scores["▁▁"] == LAST
    assert "<s>" not in scores
    assert "<0x0A>" not in scores


# Building from a real tokenizer.json


def test_mistral_scores_rank_as_in_its_own_file(mistral, mistral_spec):
    made = model_of(mistral_spec)
    assert kinds_of(made) == kinds_of(mistral)
    for index, (ours, theirs) in enumerate(zip(made.pieces, mistral.pieces, strict=True)):
        assert ours.piece == theirs.piece, index
        assert (ours.score == LAST) == (theirs.score == LAST), ours.piece
    ours, theirs = (piece_scores(model) for model in (made, mistral))
    assert sorted(ours, key=lambda piece: -ours[piece]) == sorted(theirs, key=lambda piece: -theirs[piece])


def test_mistral_settings_are_those_of_its_own_file(mistral, mistral_spec):
    made = model_of(mistral_spec)
    for name in ("name", "add_dummy_prefix", "remove_extra_whitespaces", "escape_whitespaces"):
        assert getattr(made.normalizer_spec, name) == getattr(mistral.normalizer_spec, name)
    for name in ("model_type", "vocab_size", "byte_fallback", "unk_surface"):
        assert getattr(made.trainer_spec, name) == getattr(mistral.trainer_spec, name)
    for role in ("unk", "bos", "eos", "pad"):
        for name in (f"{role}_id", f"{role}_piece"):
            assert getattr(made.trainer_spec, name) == getattr(mistral.trainer_spec, name), name


def test_the_built_model_of_llama_2_tokenizes_like_its_tokenizer_json(llama2, texts):
    made = model_of(llama2)
    assert differing(llama2, made, texts) == []
    assert scores_of(made)["▁"] == scores_of(made)["▁▁▁"] == LAST
    assert scores_of(made)["▁t"] == -1
    assert (made.trainer_spec.bos_id, made.trainer_spec.eos_id, made.trainer_spec.unk_id) == (1, 2, 0)
    assert made.normalizer_spec.add_dummy_prefix
    assert not made.normalizer_spec.remove_extra_whitespaces


def test_the_built_model_of_gemma_tokenizes_like_its_tokenizer_json(gemma, texts):
    made = model_of(gemma)
    # Gemma's runs of spaces are added tokens that only literal ▁ match.
    assert differing(gemma, made, [text for text in texts if "▁" not in text]) == []
    kinds = kinds_of(made)
    assert kinds["<bos>"] == kinds["<pad>"] == Kind.CONTROL
    assert kinds["▁▁"] == kinds["<table>"] == Kind.USER_DEFINED
    assert made.trainer_spec.byte_fallback
    assert (made.trainer_spec.bos_id, made.trainer_spec.eos_id, made.trainer_spec.pad_id) == (2, 1, 0)
    assert not made.normalizer_spec.add_dummy_prefix


def test_the_tab_of_gemma_becomes_its_byte_piece(gemma):
    assert gemma["model"]["vocab"]["\t"] == 226
    assert "<0x09>" not in gemma["model"]["vocab"]
    made = model_of(gemma)
    assert made.pieces[226].piece == "<0x09>"
    assert made.pieces[226].type == Kind.BYTE


def test_the_built_model_of_t5_tokenizes_like_its_tokenizer_json_except_for_ties(t5, verses, english):
    made = model_of(t5)
    found = differing(t5, made, [*verses, *english])
    for text, ids, theirs in found:
        one, two = (sum(made.pieces[index].score for index in both) for both in (ids, theirs))
        assert abs(one - two) < 1e-3, text
    assert len(found) < 0.02 * len([*verses, *english])
    assert made.normalizer_spec.name == "nmt_nfkc"
    assert made.normalizer_spec.add_dummy_prefix
    assert made.normalizer_spec.remove_extra_whitespaces
    assert (made.trainer_spec.eos_id, made.trainer_spec.pad_id, made.trainer_spec.unk_id) == (1, 0, 2)
    assert made.trainer_spec.bos_id == -1
    assert oracle(made).encode("ﬁne　１") == oracle(made).encode(" fine 1 ")


def test_a_built_file_can_be_read(tmp_path, t5, llama2):
    for spec in (t5, llama2):
        made = model_of(spec)
        assert read_model(written(tmp_path, made.SerializeToString())) == made


# Building: cases that the files above do not cover


def test_the_scores_of_pieces_fall_in_the_order_of_their_first_merges():
    pieces = ("b", "a", "▁", "ab", "aba", "ba", "▁ab")
    merges = [("b", "a"), ("a", "b"), ("ab", "a"), ("▁", "ab"), ("a", "ba")]
    scores = scores_of(model_of(small_bpe(pieces, merges)))
    expected = ["ba", "ab", "aba", "▁ab", "b", "a", "▁"]
    assert [scores[piece] for piece in expected] == [-1, -2, -3, -4, -5, -6, -7]


def test_runs_of_spaces_rank_last_only_if_their_merges_do():
    pieces, spaces = ("▁", "a", "▁▁", "▁a"), ("▁", "▁")
    after = scores_of(model_of(small_bpe(pieces, [("▁", "a"), spaces])))
    assert (after["▁a"], after["a"], after["▁▁"], after["▁"]) == (-1, -2, LAST, LAST)
    before = scores_of(model_of(small_bpe(pieces, [spaces, ("▁", "a")])))
    assert (before["▁▁"], before["▁a"], before["▁"], before["a"]) == (-1, -2, -3, -4)


def test_given_scores_are_kept_and_all_others_are_lower():
    scores = scores_of(model_of(small_bpe(), {"a": -7.5, "ab": -3.0, "▁": LAST}))
    assert (scores["ab"], scores["a"], scores["▁"], scores["▁ab"], scores["b"]) == (
        -3,
        -7.5,
        LAST,
        -8.5,
        -9.5,
    )


def test_merges_as_strings_and_as_pairs_give_the_same_model():
    spec = small_bpe()
    as_text = copy.deepcopy(spec)
    as_text["model"]["merges"] = [" ".join(pair) for pair in spec["model"]["merges"]]
    assert model_of(as_text) == model_of(spec)


def test_pieces_keep_their_ids_across_gaps():
    spec = small_bpe()
    spec["model"]["vocab"]["▁ab"] = 9
    spec["added_tokens"].append(spec["added_tokens"][0] | {"id": 11, "content": "<tool>", "special": False})
    model = model_of(spec)
    assert [p.piece for p in model.pieces[4:]] == [
        "ab", *map(unused_piece, range(5, 9)), "▁ab", unused_piece(10), "<tool>"
    ]  # fmt: skip
    assert {p.type for p in model.pieces if is_unused(p.piece)} == {Kind.UNUSED}
    assert model.pieces[11].type == Kind.USER_DEFINED
    assert model.trainer_spec.vocab_size == 12
    assert oracle(model).encode("ab<tool>") == [9, 11]


def test_a_piece_that_no_merge_builds_occurs_in_no_text():
    spec = small_bpe(("▁", "a", "b", "ab", "aba"), [("a", "b")])
    texts = ["ab", "aba", "abab", "ababa"]
    assert differing(spec, model_of(spec), texts) == []


def test_two_tokens_with_one_id_shift_no_other_id():
    spec = small_bpe()
    spec["added_tokens"].append(spec["added_tokens"][0] | {"id": 3, "content": "<new>"})
    assert [p.piece for p in model_of(spec).pieces] == ["<unk>", "▁", "a", "<new>", "ab", "▁ab"]


@pytest.mark.parametrize(
    ("pre_tokenizer", "prefix"),
    [
        ({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}, True),
        ({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": False}, True),
        ({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": False}, False),
        ({"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}, True),
        ({"type": "Metaspace", "replacement": "▁", "add_prefix_space": False}, False),
    ],
)
def test_every_way_to_state_the_space_prefix_is_understood(pre_tokenizer, prefix):
    spec = small_bpe() | {"normalizer": None, "pre_tokenizer": pre_tokenizer}
    assert model_of(spec).normalizer_spec.add_dummy_prefix == prefix


def test_the_layout_of_xlm_r_keeps_ids_and_special_tokens(t5, english):
    """fairseq's special tokens first and the mask token last, as converted by transformers."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocab = [[text, 0.0] for text in special] + t5["model"]["vocab"][3:32000] + [["<mask>", 0.0]]
    ids = {text: index for index, (text, _) in enumerate(vocab)}
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    spec = t5 | {
        "added_tokens": [{"id": ids[text], "content": text, **flags} for text in [*special, "<mask>"]],
        "normalizer": {"type": "Sequence", "normalizers": [t5["normalizer"], spaces]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab},
    }
    spec["post_processor"] |= {"trim_offsets": True, "add_prefix_space": True}
    made = model_of(spec)
    assert [p.piece for p in made.pieces] == [text for text, _ in vocab]
    trainer = made.trainer_spec
    assert (trainer.bos_id, trainer.pad_id, trainer.eos_id, trainer.unk_id) == (0, 1, 2, 3)
    assert kinds_of(made)["<mask>"] == Kind.CONTROL
    assert made.normalizer_spec.remove_extra_whitespaces
    assert len(differing(spec, made, english[:1000])) < 20  # Ties.


def test_a_tokenizer_that_no_model_can_express_is_refused(gpt2_json, bert_json):
    for file in (gpt2_json, bert_json):
        with pytest.raises(TokenizerError):
            model_of(json.loads(file.read_text("utf-8")))
    with pytest.raises(TokenizerError, match="Lowercase"):
        model_of(small_bpe() | {"normalizer": {"type": "Lowercase"}})
    with pytest.raises(TokenizerError, match="Digits"):
        model_of(small_bpe() | {"pre_tokenizer": {"type": "Digits", "individual_digits": True}})
    with pytest.raises(TokenizerError, match="unknown token"):
        model_of(small_bpe(unk_token=None))


# Adding pieces


def test_new_pieces_have_their_ids_and_occur_in_text(mistral):
    before = mistral.SerializeToString()
    longer = with_pieces(mistral, [("中文", 32064, -40000.0), ("天地", 32002, -39999.0)])
    assert longer.pieces[32064].piece == "中文"
    assert longer.pieces[32002].piece == "天地"
    assert all(is_unused(longer.pieces[n].piece) for n in range(32000, 32064) if n != 32002)
    assert longer.trainer_spec.vocab_size == len(longer.pieces) == 32065
    assert oracle(longer).encode("中文天地")[-2:] == [32064, 32002]
    assert oracle(longer).encode("hello") == oracle(mistral).encode("hello")
    assert mistral.SerializeToString() == before


def test_only_our_own_placeholders_count_as_placeholders():
    assert is_unused(unused_piece(0))
    assert is_unused(unused_piece(123456))
    assert is_unused(unused_piece(7, "ÿ"))
    assert not is_unused("<vocabx unusedÿ7>")
    assert not any(map(is_unused, ("<unused5>", "<vocabx-unused->", "a<vocabx-unused-1>", "")))
