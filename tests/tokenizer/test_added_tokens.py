"""Added tokens stay what they are: wherever the files name them, and whatever text they hold."""

import shutil

import pytest
from small_tokenizers import byte_level, read_json, sentencepiece_model, wordpiece, write_json
from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import Kind, parse_model
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

CYRILLIC = Alphabet(("Cyrillic",))
RUSSIAN = [
    "Старый привратник приветствовал прибывших при свете лампы.",
    "Прохожие кланялись привратнику.",
] * 8
WORDS = ["привратник", "лампы", "при"]
TEXTS = ["the <|im_start|>text<|im_end|>", "<|im_end|><|im_start|>", *RUSSIAN[:2], "a plain line of text"]


@pytest.fixture(scope="module")
def families(tmp_path_factory, english):
    """A directory of each family, as transformers saves it."""
    root, lines = tmp_path_factory.mktemp("families"), english[:600]
    byte_level(root / "byte-level", lines)
    wordpiece(root / "wordpiece", lines)
    for kind in ("bpe", "unigram"):
        directory = root / f"{kind}-model"
        sentencepiece_model(directory / MODEL_NAME, lines, kind, byte_fallback=kind == "bpe")
        tokenizer = read_tokenizer(directory)
        (root / kind).mkdir()
        write_tokenizer(tokenizer, directory, root / kind)
        (root / kind / MODEL_NAME).unlink()
    # As T5's and XLM-R's class have it: the pre-tokenizer marks the beginning of words, not the normalizer.
    spec = read_json(root / "unigram" / "tokenizer.json")
    spec["normalizer"]["normalizers"] = spec["normalizer"]["normalizers"][:-2]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    spec |= {"pre_tokenizer": metaspace, "decoder": metaspace}
    write_json(root / "unigram" / "tokenizer.json", spec)
    return root


def extended(directory, target, gap=0):
    """The base, its extension for Russian, and the directory of that."""
    base = read_tokenizer(directory)
    made = extend_tokenizer(base, RUSSIAN, CYRILLIC, TokenRequest(None), base.size + gap, Quiet()).tokenizer
    target.mkdir()
    write_tokenizer(made, directory, target)
    return base, made, target


def failed(base, made, directories, english):
    claims = verify(base, made, CYRILLIC, Texts(RUSSIAN, english[:200], adversarial=150), directories).claims
    return [claim for claim in claims if claim.required and claim.failed]


PLACES = {
    "added_tokens_decoder": ("tokenizer_config.json", {"added_tokens_decoder": {
        "400": {"content": "<|im_start|>", "special": True, "normalized": False},
        "401": {"content": "<|im_end|>", "special": True, "normalized": False, "lstrip": True},
    }}),
    "added_tokens.json": ("added_tokens.json", {"<|im_start|>": 400, "<|im_end|>": 401}),
    "additional_special_tokens": (
        "tokenizer_config.json", {"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]},
    ),
    "extra_special_tokens": (
        "tokenizer_config.json", {"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]},
    ),
    "special_tokens_map.json": (
        "special_tokens_map.json", {"pad_token": "<|im_start|>", "additional_special_tokens": ["<|im_end|>"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("family", ["byte-level", "wordpiece", "bpe", "unigram"])
def test_an_added_token_is_read_wherever_it_is_stated(
    families, tmp_path, transformers4, english, family, place
):
    directory = shutil.copytree(families / family, tmp_path / "base")
    name, content = PLACES[place]
    old = read_json(directory / name) if (directory / name).is_file() else {}
    write_json(directory / name, {**old, **content})
    before = AutoTokenizer.from_pretrained(directory)
    base, made, out = extended(directory, tmp_path / "out", gap=3)
    stated = {token["content"]: token["id"] for token in base.spec["added_tokens"]}
    assert stated == {t.content: index for index, t in before.added_tokens_decoder.items()}
    assert failed(base, made, (directory, out), english) == []
    after = AutoTokenizer.from_pretrained(out)
    assert after.added_tokens_decoder == before.added_tokens_decoder
    marked = [text for text in TEXTS if not CYRILLIC.touches(text)]
    ids = before(marked, add_special_tokens=False)["input_ids"]
    assert after(marked, add_special_tokens=False)["input_ids"] == ids
    assert set(stated.values()) & set(ids[0]), "the text holds no added token"
    assert transformers4(out, marked)["ids"] == ids


@pytest.mark.parametrize("family", ["byte-level", "wordpiece", "bpe", "unigram"])
def test_words_that_were_added_to_a_base_stay_added_tokens(
    families, tmp_path, transformers4, english, family
):
    before = PreTrainedTokenizerFast.from_pretrained(families / family)
    before.add_tokens(WORDS)
    before.add_special_tokens({"additional_special_tokens": ["[EVENT]"]})
    before.add_tokens([AddedToken("\n", normalized=False)])
    before.save_pretrained(tmp_path / "base")
    base, made, out = extended(tmp_path / "base", tmp_path / "out")
    assert failed(base, made, (tmp_path / "base", out), english) == []
    ids = before.get_added_vocab()
    assert {word: made.vocabulary[word] for word in WORDS} == {word: ids[word] for word in WORDS}
    assert not set(WORDS) & {made.id_to_piece[index] for index in made.token_bytes}
    lines = [*RUSSIAN[:2], "a [EVENT] b"]
    for line, ids in zip(lines, made.encode(lines), strict=True):
        assert set(base.encode([line])[0]) & (base.added_ids - {base.unknown_id}) <= set(ids)
    assert transformers4(out, lines)["ids"] == made.encode(lines)
    assert read_tokenizer(out).vocabulary == made.vocabulary


def test_a_sentencepiece_model_names_the_added_tokens_that_it_lacked(families, tmp_path):
    directory = shutil.copytree(families / "unigram-model", tmp_path / "base")
    write_json(directory / "added_tokens.json", {"[EVENT]": 400, "лампы": 401})
    base, made, _ = extended(directory, tmp_path / "out", gap=2)
    pieces = parse_model(made.companions()[MODEL_NAME]).pieces
    for content, kind in (("[EVENT]", Kind.USER_DEFINED), ("лампы", Kind.USER_DEFINED)):
        assert (pieces[base.vocabulary[content]].piece, pieces[base.vocabulary[content]].type) == (
            content,
            kind,
        )
    assert {piece.type for piece in pieces[base.size : base.size + 2]} == {Kind.UNUSED}


@pytest.mark.parametrize("family", ["byte-level", "wordpiece", "bpe", "unigram"])
def test_a_token_added_to_the_result_takes_no_id_of_another(families, tmp_path, family):
    base, made, out = extended(families / family, tmp_path / "out", gap=40)
    loaded = AutoTokenizer.from_pretrained(out)
    assert len(loaded) == made.size > base.size + 40
    loaded.add_special_tokens({"additional_special_tokens": ["<|mine|>"]})
    assert loaded.convert_tokens_to_ids("<|mine|>") == made.size
    lines = ["<vocabx unused 401>", "<vocabxÿunusedÿ401>", *RUSSIAN]
    assert not {i for row in made.encode(lines) for i in row} & set(range(base.size, base.size + 40))


def test_an_added_token_that_the_model_also_finds_fails_the_certificate(families, tmp_path, english):
    """It is matched in small letters only, and the model sees no others."""
    directory = shutil.copytree(families / "wordpiece", tmp_path / "base")
    token = {"content": "covid", "special": False, "normalized": False}
    write_json(directory / "tokenizer_config.json", {"added_tokens_decoder": {"400": token}})
    base, made, _ = extended(directory, tmp_path / "out")
    assert [claim.name for claim in failed(base, made, None, english)] == ["base-added-tokens"]


@pytest.mark.parametrize("family", ["byte-level", "wordpiece", "bpe", "unigram"])
def test_truncation_padding_and_dropout_in_the_file_change_no_measurement(
    families, tmp_path, english, family
):
    directory = shutil.copytree(families / family, tmp_path / "base")
    plain = read_tokenizer(directory)
    spec = read_json(directory / "tokenizer.json")
    pad = spec["added_tokens"][0]
    spec["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    spec["padding"] = {
        "strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": pad["id"],
        "pad_type_id": 0, "pad_token": pad["content"],
    }  # fmt: skip
    if spec["model"]["type"] == "BPE":
        spec["model"]["dropout"] = 0.5
    write_json(directory / "tokenizer.json", spec)
    base, made, out = extended(directory, tmp_path / "out")
    texts = [*english[:50], *RUSSIAN, "", "a"]
    assert base.encode(texts) == plain.encode(texts)
    assert made.encode(texts) == extended(families / family, tmp_path / "plain")[1].encode(texts)
    assert failed(base, made, (directory, out), english) == []
    written = read_json(out / "tokenizer.json")
    for key in ("truncation", "padding"):
        assert written[key] == spec[key]
    assert written["model"].get("dropout") == spec["model"].get("dropout")
