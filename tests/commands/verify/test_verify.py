"""`vocabx verify` on good, faulty and tampered extensions."""

import json
import shutil
from pathlib import Path

import pytest
import sentencepiece

from vocabx import ExtendOptions, extend
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import Kind, read_model

QUICK = ("--adversarial", 300, "--sample-bytes", 100_000)


@pytest.fixture(scope="module")
def pieces(verses, tmp_path_factory):
    """The pieces of a small SentencePiece model of the verses."""
    prefix = tmp_path_factory.mktemp("donor") / "donor"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(verses), model_prefix=str(prefix), vocab_size=4000, model_type="bpe",
        character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    model = read_model(prefix.with_suffix(".model"))
    return [piece.piece for piece in model.pieces if piece.type == Kind.NORMAL]


@pytest.fixture(scope="module")
def made(mistral_model, verses, tmp_path_factory):
    directory = tmp_path_factory.mktemp("made")
    (directory / "verses.txt").write_text("\n".join(verses), "utf-8")
    options = ExtendOptions(
        base=str(mistral_model), lang="zh-Hant", corpus=(str(directory / "verses.txt"),),
        out=directory / "good", new_tokens=300, tokenizer_only=True, adversarial=300, learn_bytes=300_000,
        heldout_bytes=6000,
    )  # fmt: skip
    assert extend(options).certificate.passed
    return directory / "good"


@pytest.fixture
def good(made, tmp_path):
    """A copy of the extension, for tests that change it."""
    return Path(shutil.copytree(made, tmp_path / "good"))


def test_a_good_extension_passes_with_the_base_from_its_manifest(vocabx, good, chinese_file):
    run = vocabx("verify", good, "--corpus", chinese_file, *QUICK, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found["passed"]
    assert (found["language"], found["new_tokens"]) == ("zh-Hant", 300)
    claims = {claim["name"]: claim for claim in found["claims"]}
    assert claims["files"]["checked"] == 3
    assert claims["sentencepiece"]["checked"] > 500


def test_a_file_that_was_changed_after_writing_fails(vocabx, good, chinese_file):
    path = good / "tokenizer_config.json"
    path.write_text(path.read_text().replace("<s>", "<t>"))
    run = vocabx("verify", good, "--corpus", chinese_file, *QUICK)
    assert run.code == 1
    assert "files, first counterexamples" in run.out
    assert "tokenizer_config.json" in run.out


def test_new_pieces_with_score_0_fail_with_counterexamples(
    vocabx, mistral_model, pieces, chinese_file, tmp_path
):
    proto = read_model(mistral_model)
    known = {piece.piece for piece in proto.pieces}
    for piece in pieces:
        if piece not in known:
            proto.pieces.add(piece=piece, score=0.0, type=Kind.NORMAL)
    made = tmp_path / "tokenizer.model"
    made.write_bytes(proto.SerializeToString())
    run = vocabx("verify", made, "--against", mistral_model, "--corpus", chinese_file, *QUICK, "--json")
    assert run.code == 1, run.err
    claims = {claim["name"]: claim for claim in json.loads(run.out)["claims"]}
    assert not claims["base-reachable"]["holds"] or not claims["reachable"]["holds"]
    assert not claims["sentencepiece"]["holds"]
    assert claims["sentencepiece"]["examples"]
    assert claims["base-ids"]["holds"]


def test_a_vocabulary_of_added_tokens_fails(vocabx, mistral_model, english, chinese_file, tmp_path):
    from transformers import PreTrainedTokenizerFast

    base = read_tokenizer(mistral_model)
    loaded = PreTrainedTokenizerFast(tokenizer_object=base.rust)
    words = {word for line in english[:300] for word in line.split() if word.isalpha()}
    loaded.add_tokens(sorted(words)[:200])
    loaded.save_pretrained(tmp_path / "added")
    options = ("--against", mistral_model, "--corpus", chinese_file, "--lang", "zh-Hant")
    run = vocabx("verify", tmp_path / "added", *options, *QUICK, "--json")
    assert run.code == 1, run.err
    claims = {claim["name"]: claim for claim in json.loads(run.out)["claims"]}
    assert claims["added-tokens"]["failed"] == 200
    assert claims["base-text"]["failed"] > 0


def test_without_a_language_the_script_comes_from_the_new_tokens(vocabx, good, mistral_model):
    (good / "vocabx.json").unlink()
    run = vocabx("verify", good, "--against", mistral_model, *QUICK, "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["language"] == "und"
    assert "verified only on the new tokens" in run.err


def test_bad_input_is_one_line(vocabx, good, mistral_model, gpt2_json, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments, says in (
        ((tmp_path / "nowhere",), "does not exist"),
        ((tmp_path / "empty",), "holds no tokenizer"),
        ((mistral_model,), "pass --against"),
        ((good, "--against", gpt2_json), "neither can be an extension"),
        ((good, "--against", "no-such-base"), "no base model"),
        ((good, "--lang", "xx-Nope"), "unknown language tag"),
    ):
        run = vocabx("verify", *arguments, *QUICK)
        assert (run.code, run.out, run.err.count("\n")) == (2, "", 1), (arguments, run)
        assert says in run.err
    (good / "vocabx.json").write_text("{")
    run = vocabx("verify", good, *QUICK)
    assert (run.code, run.err.count("\n")) == (2, 1)
    assert "vocabx.json is not JSON" in run.err
