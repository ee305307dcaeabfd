"""vocabx export --tiktoken, from the command line to tiktoken."""

import base64
import json

import pytest
import tiktoken

from vocabx.tokenizer.read_tokenizer import read_tokenizer


def loaded(ranks, settings) -> tiktoken.Encoding:
    """The encoding of two files, as the command says to load it."""
    lines = map(str.split, ranks.read_text().splitlines())
    found = {base64.b64decode(token): int(rank) for token, rank in lines}
    return tiktoken.Encoding(**json.loads(settings.read_text("utf-8")), mergeable_ranks=found)


def test_an_exported_extension_is_read_by_tiktoken(vocabx, small_extended, verses, english, tmp_path):
    out = tmp_path / "made" / "demo.tiktoken"
    run = vocabx("export", small_extended(), "--tiktoken", out, "--json")
    assert run.code == 0, run.err
    said = json.loads(run.out)
    assert said["path"] == str(out) and said["settings"] == str(out.with_suffix(".json"))
    assert said["strings"] > 2000
    encoding, tokenizer = loaded(out, out.with_suffix(".json")), read_tokenizer(small_extended())
    assert encoding.name == "demo"
    texts = [*verses[:200], *english[:200]]
    assert [encoding.encode(text) for text in texts] == [list(ids) for ids in tokenizer.encode(texts)]
    assert sorted(path.name for path in out.parent.iterdir()) == ["demo.json", "demo.tiktoken"]


def test_bytes_that_the_tokenizer_drops_get_ids_behind_the_rows(vocabx, tiny_model, tmp_path):
    out = tmp_path / "demo.tiktoken"
    run = vocabx("export", tiny_model(), "--tiktoken", out)
    assert run.code == 0, run.err
    assert "ids from 4,096 on" in run.err
    assert "tiktoken.Encoding(" in run.out
    assert max(loaded(out, out.with_suffix(".json"))._mergeable_ranks.values()) >= 4096


def refused(run) -> str:
    assert run.code == 2 and run.out == ""
    assert run.err.startswith("error: ") and run.err.count("\n") == 1, run.err
    assert len(run.err) <= 310
    return run.err


def test_bad_input_is_refused_in_one_line_and_leaves_no_files(vocabx, tiny_model, mistral_model, tmp_path):
    directory, out = tiny_model(), tmp_path / "out" / "demo.tiktoken"
    assert "pass one of --gguf" in refused(vocabx("export", directory))
    assert "pass one of --gguf" in refused(vocabx("export", directory, "--tiktoken", out, "--gguf", "a.gguf"))
    assert "--dtype f16 does not go with --tiktoken" in refused(
        vocabx("export", directory, "--tiktoken", out, "--dtype", "f16")
    )
    assert "--pre goes with --gguf" in refused(
        vocabx("export", directory, "--tiktoken", out, "--pre", "gpt-2")
    )
    assert "does not end in .tiktoken" in refused(
        vocabx("export", directory, "--tiktoken", tmp_path / "demo.txt")
    )
    assert "SentencePiece BPE" in refused(vocabx("export", mistral_model, "--tiktoken", out))
    assert not out.parent.exists()


@pytest.mark.parametrize("suffix", [".tiktoken", ".json"])
def test_an_existing_file_is_not_overwritten(vocabx, tiny_model, tmp_path, suffix):
    taken = tmp_path / f"demo{suffix}"
    taken.write_text("mine")
    said = refused(vocabx("export", tiny_model(), "--tiktoken", tmp_path / "demo.tiktoken"))
    assert f"{taken} exists: choose another --tiktoken" in said
    assert taken.read_text() == "mine"


def test_what_tiktoken_encodes_otherwise_is_not_written(vocabx, tiny_model, tmp_path, monkeypatch):
    real = tiktoken.Encoding.encode
    monkeypatch.setattr(tiktoken.Encoding, "encode", lambda self, text, **rest: real(self, text, **rest)[:3])
    out = tmp_path / "out" / "demo.tiktoken"
    run = vocabx("export", tiny_model(), "--tiktoken", out)
    assert run.code == 2
    assert "otherwise than the tokenizer, so no file was written" in run.err
    assert not out.parent.exists()
