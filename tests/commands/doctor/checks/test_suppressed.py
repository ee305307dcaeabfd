"""Tokens that landed on padding rows are released, and unnamed rows get names."""

import json
import shutil

import pytest

from vocabx import ExtendOptions, extend
from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.tokenizer.read_tokenizer import read_tokenizer

NEW = 20


@pytest.fixture(scope="module")
def with_padding(small_extended, tmp_path_factory):
    """A checkpoint of 20 new tokens, after which 20 rows pad the matrix."""
    made, texts = small_extended(), small_extended.texts
    out = tmp_path_factory.mktemp("padding") / "out"
    options = ExtendOptions(
        base=str(made.with_name(made.name.removesuffix("-extended"))), lang="zh-Hant", out=out,
        corpus=(str(texts / "zh.jsonl"),), base_text=(str(texts / "en.txt"),), new_tokens=NEW,
        adversarial=20, heldout_bytes=1000, evaluate=False,
    )  # fmt: skip
    extend(options)
    return out


@pytest.fixture
def extended(with_padding, tmp_path):
    """The same, to be damaged."""
    return shutil.copytree(with_padding, tmp_path / "extended")


def findings(directory, base=None):
    return {finding.name: finding for finding in examine(directory, base).findings}


def settings(directory):
    return json.loads((directory / "generation_config.json").read_text())


def rows_of(directory):
    return json.loads((directory / "config.json").read_text())["vocab_size"]


def rename(directory, change):
    """Change the vocabulary of tokenizer.json in place."""
    path = directory / "tokenizer.json"
    spec = json.loads(path.read_text("utf-8"))
    spec["model"]["vocab"] = change(spec["model"]["vocab"], spec)
    path.write_text(json.dumps(spec, ensure_ascii=False), "utf-8")


def test_what_extend_writes_has_names_for_all_rows_and_suppresses_only_those(extended):
    tokenizer = read_tokenizer(extended)
    suppressed = settings(extended)["suppress_tokens"]
    assert suppressed and tokenizer.size == rows_of(extended)
    assert set(suppressed) <= set(tokenizer.unused_ids)
    assert not findings(extended).keys() & {"suppressed", "suppressed-range", "unnamed"}


def test_a_token_on_a_padding_row_is_released(extended, tmp_path):
    """As an older vocabx and clone_chat_template leave it: the first unnamed row belongs to the end token."""
    first = min(settings(extended)["suppress_tokens"])

    def end_token(vocab, spec):
        token = {"id": first, "content": "<|im_end|>", "special": True, "single_word": False}
        spec["added_tokens"].append({**token, "lstrip": False, "rstrip": False, "normalized": False})
        return {**{piece: n for piece, n in vocab.items() if n < first}, "<|im_end|>": first}

    rename(extended, end_token)
    found = findings(extended)["suppressed"]
    assert found.count == 1 and "<|im_end|>" in found.examples[0] and found.severity == "wrong"
    out = tmp_path / "repaired"
    repair(examine(extended), out)
    assert first not in settings(out)["suppress_tokens"]
    assert settings(out)["suppress_tokens"] == settings(extended)["suppress_tokens"][1:]
    assert "suppressed" not in findings(out)
    assert read_tokenizer(out).vocabulary["<|im_end|>"] == first


def test_rows_without_names_get_them(extended, tmp_path):
    first = min(settings(extended)["suppress_tokens"])
    rename(extended, lambda vocab, spec: {piece: n for piece, n in vocab.items() if n < first})
    assert findings(extended)["unnamed"].count == rows_of(extended) - first
    out = tmp_path / "repaired"
    repair(examine(extended), out)
    assert read_tokenizer(out).size == rows_of(out)
    assert "unnamed" not in findings(out)


def test_suppressed_ids_without_a_row_are_removed(extended, tmp_path):
    path = extended / "generation_config.json"
    path.write_text(json.dumps({"suppress_tokens": [*settings(extended)["suppress_tokens"], 10_000]}))
    assert findings(extended)["suppressed-range"].severity == "fatal"
    out = tmp_path / "repaired"
    repair(examine(extended), out)
    assert max(settings(out)["suppress_tokens"]) < rows_of(out)


def test_tokens_that_a_base_suppresses_on_purpose_are_left_alone(extended, small_tokenizer, tmp_path):
    (extended / "vocabx.json").unlink()
    base = shutil.copytree(small_tokenizer, tmp_path / "base")
    for directory in (base, extended):
        (directory / "generation_config.json").write_text(json.dumps({"suppress_tokens": [0, 7]}))
    assert "suppressed" not in findings(extended, base)
    (base / "generation_config.json").unlink()
    assert findings(extended, base)["suppressed"].count == 2


def test_pieces_that_lost_their_merges_are_found_without_a_base(extended, tmp_path):
    """As after a union with the base: new tokens are in the vocabulary, and no merge makes them."""
    first = min(settings(extended)["suppress_tokens"])
    before = read_tokenizer(extended)

    def without_merges(vocab, spec):
        merges = spec["model"]["merges"]
        joined = ["".join(pair) if isinstance(pair, list) else pair.replace(" ", "") for pair in merges]
        old = [pair for pair, piece in zip(merges, joined, strict=True) if vocab[piece] < first - NEW]
        spec["model"]["merges"] = old
        return vocab

    rename(extended, without_merges)
    assert findings(extended)["dead-merges"].count > NEW / 2
    out = tmp_path / "repaired"
    repair(examine(extended), out)
    text = ["起初神創造天地"]
    assert read_tokenizer(out).encode(text) == before.encode(text)
