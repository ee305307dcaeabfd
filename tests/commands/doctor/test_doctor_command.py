import io
import json

import pytest
import sentencepiece

from vocabx.tokenizer.sentencepiece_model import Kind, parse_model


@pytest.fixture
def broken(tiny_model, mistral_model, verses):
    """A small model whose tokenizer.model was extended by the common recipe: new pieces of score 0."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(verses), model_writer=written, vocab_size=3000, model_type="bpe",
        character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    proto = parse_model(mistral_model.read_bytes())
    known = {piece.piece for piece in proto.pieces}
    for piece in parse_model(written.getvalue()).pieces:
        if piece.piece not in known:
            proto.pieces.add(piece=piece.piece, score=0, type=Kind.NORMAL)
    path = tiny_model(rows=len(proto.pieces))
    (path / "tokenizer.json").unlink()
    (path / "tokenizer.model").write_bytes(proto.SerializeToString())
    return path


@pytest.fixture
def refused(vocabx):
    def run(*arguments):
        result = vocabx("doctor", *arguments)
        assert (result.code, result.out) == (2, ""), result
        assert result.err.startswith("error: ")
        assert result.err.count("\n") == 1, result.err
        return result.err

    return run


def test_faults_of_a_broken_checkpoint_are_reported_with_remedies(vocabx, broken):
    result = vocabx("doctor", broken)
    assert result.code == 1
    assert "scores" in result.out
    assert "inferred" in result.out
    assert "pass --out" in result.out


def test_what_was_repaired_is_said_and_what_is_left_examined_again(vocabx, tiny_model, smollm2, tmp_path):
    path, out = tiny_model(rows=49152, tokenizer=smollm2), tmp_path / "repaired"
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"vocab_size": 7}))
    result = vocabx("doctor", path, "--out", out, "--base", "smollm2")
    assert result.code == 0, result
    assert f"{out}: repaired vocab-size" in result.out
    assert "Nothing is wrong." in result.out
    assert json.loads((out / "config.json").read_text())["vocab_size"] == 49_152


def test_json_is_one_object_with_what_was_repaired_and_what_is_left(
    vocabx, broken, tmp_path, mistral_model, edit_rows
):
    edit_rows(broken)
    result = vocabx("doctor", broken, "--json", "--out", tmp_path / "repaired", "--base", mistral_model)
    assert result.code == 1
    assert result.out.count("\n") == 1
    found = json.loads(result.out)
    assert not found["sound"]
    assert {"scores", "not-finite"} <= {finding["name"] for finding in found["findings"]}
    assert found["repaired"] == ["scores"]
    assert [finding["name"] for finding in found["left"] if finding["severity"] != "note"] == ["not-finite"]
    assert found["new"]["count"] > 1000


@pytest.fixture
def edit_rows():
    """A function that sets the last row of a small model's embedding matrix to infinity."""
    from safetensors.torch import load_file, save_file

    def edit(path):
        tensors = load_file(path / "model.safetensors")
        tensors["model.embed_tokens.weight"][-1] = float("inf")
        save_file(tensors, path / "model.safetensors", {"format": "pt"})

    return edit


def test_a_sound_checkpoint_exits_with_0_and_is_not_copied(vocabx, smollm2, tmp_path):
    result = vocabx("doctor", smollm2, "--base", "smollm2", "--out", tmp_path / "repaired")
    assert result.code == 0
    assert "was not written" in result.out
    assert not (tmp_path / "repaired").exists()


def test_bad_input_is_one_line(refused, tmp_path, smollm2, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    assert "is not a directory" in refused(tmp_path / "nowhere")
    assert "nothing to examine" in refused(taken)
    assert "Did you mean smollm2?" in refused(smollm2, "--base", "smolm2")
    assert "choose another --out" in refused(smollm2, "--out", taken)
    assert "choose another --out" in refused(smollm2, "--out", smollm2 / "repaired")
    assert "no tokenizer" in refused(smollm2, "--base", taken)
