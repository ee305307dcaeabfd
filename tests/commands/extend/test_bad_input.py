import json
import os
import resource
import shutil
import subprocess
import sys

import pytest

from vocabx.checkpoint import staging

CHINESE = "這是一段測試用的文字，重複的詞語很重要。\n"


@pytest.fixture
def refused(vocabx, tmp_path):
    """Run `extend` and check that it is refused like any bad input: exit code 2, one line, no files."""

    def run(*arguments, out=None, **replaced):
        target = out or tmp_path / "out" / "deep"
        before = sorted(tmp_path.rglob("*"))
        result = vocabx("extend", *arguments, "--out", target, **replaced)
        assert result.code == 2, result
        assert result.out == ""
        assert result.err.startswith("error: ")
        assert result.err.count("\n") == 1, result.err
        assert sorted(tmp_path.rglob("*")) == before, "files were left behind"
        return result.err

    return run


def corpus(path, content, encoding="utf-8"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.txt", "", "is empty"),
        ("blank.txt", " \n\n \n", "holds no text"),
        ("binary.txt", bytes(range(256)) * 20, "is binary"),
        ("big5.txt", CHINESE.encode("big5"), "is not UTF-8"),
        ("english.txt", "only English here\n" * 50, "no letter of Han or Bopomofo script"),
        ("tiny.txt", "文", "too few"),
        ("data.csv", "a,b\n", "has no column 'text' (it has: a, b): pass --text-field"),
        ("data.docx", "a", "cannot read"),
        ("bad.jsonl", "{not json}\n", "line 1 is not JSON"),
        ("field.jsonl", json.dumps({"body": CHINESE}) + "\n", "pass --text-field"),
        ("bad.parquet", b"PAR1 no parquet", "not a parquet file"),
        ("bad.txt.gz", b"\x1f\x8b no gzip", "damaged"),
    ],
)
def test_unusable_text(refused, tiny_model, tmp_path, name, content, says):
    base = tiny_model()
    assert says in refused("--base", base, "--lang", "zh-Hant", "--corpus", corpus(tmp_path / name, content))


def test_missing_text(refused, tiny_model, tmp_path):
    assert "no such text" in refused(
        "--base", tiny_model(), "--lang", "zh-Hant", "--corpus", tmp_path / "nowhere*.txt"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--lang", "zh-Hnat"), "Did you mean zh-Hant?"),
        (("--lang", "chinese"), "Did you mean zh?"),
        (("--lang", "zh-Hant", "--base", "smolm2"), "Did you mean smollm2?"),
        (("--lang", "zh-Hant", "--init", "ziptie"), "Did you mean zip-tie?"),
        (("--lang", "zh-Hant", "--new-tokens", "0"), "--new-tokens is 0"),
        (("--lang", "zh-Hant", "--new-tokens", "-5"), "--new-tokens is -5"),
        (("--lang", "zh-Hant", "--pad-to-multiple-of", "0"), "--pad-to-multiple-of is 0"),
        (("--lang", "zh-Hant", "--learn-bytes", "1"), "--learn-bytes is 1"),
        (("--lang", "zh-Hant", "--seed", "-1"), "--seed is -1"),
        (("--lang", "zh-Hant", "--opencc", "s2x"), "unknown OpenCC configuration"),
        (("--lang", "sw",), "pass --corpus"),
        (("--lang", "zh", "--opencc", "s2t"), "of --corpus, which is missing"),
        (("--lang", "zh-Hant", "--base", "gpt2"), "pass --base with a directory"),
        (("--lang", "zh-Hant", "--base", "owner/model"), "pass --base with a directory"),
        (("--lang", "zh-Hant", "--new-tokens", "many"), "--new-tokens"),
        (("--lang", "zh-Hant", "--no-such-option"), "--no-such-option"),
        ((), "--lang"),
        (("--lang", "th"), "the hub cannot be reached; pass --corpus"),
    ],
)  # fmt: skip
def test_an_unusable_option(refused, monkeypatch, chinese_file, options, says):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    needs_text = options[:2] == ("--lang", "zh-Hant")
    text = ("--corpus", chinese_file) if needs_text else ()
    assert says in refused(*options, *text)


def test_more_tokens_than_the_text_supports(refused, tiny_model, chinese_file):
    error = refused(
        "--base", tiny_model(), "--lang", "zh-Hant", "--corpus", chinese_file, "--new-tokens", 90_000,
        "--strict",
    )  # fmt: skip
    assert "supports only" in error and "not 90000" in error


@pytest.mark.parametrize("kind", ["full directory", "file"])
def test_an_output_that_exists(refused, tiny_model, chinese_file, tmp_path, kind):
    out = tmp_path / "taken"
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine").write_text("mine")
    error = refused("--base", tiny_model(), "--lang", "zh-Hant", "--corpus", chinese_file, out=out)
    assert "choose another --out" in error


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda d: (d / "tokenizer.json").unlink(), "it has neither tokenizer.json nor"),
        (lambda d: (d / "config.json").unlink(), "has no config.json"),
        (lambda d: (d / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "cannot be read as a tokenizer"),
        (lambda d: (d / "config.json").write_text("{"), "is not JSON"),
        (lambda d: os.truncate(d / "model.safetensors", 5000), "truncated"),
    ],
)
def test_a_damaged_base(refused, tiny_model, chinese_file, break_it, says):
    base = tiny_model()
    break_it(base)
    assert says in refused("--base", base, "--lang", "zh-Hant", "--corpus", chinese_file)


def test_an_embedding_matrix_smaller_than_its_vocabulary(refused, tiny_model, chinese_file):
    error = refused("--base", tiny_model(rows=3_000), "--lang", "zh-Hant", "--corpus", chinese_file)
    assert "3000 rows and the tokenizer has 4096 tokens" in error


def test_a_disk_that_is_too_small_is_refused_before_the_work(refused, monkeypatch, tiny_model, chinese_file):
    usage = shutil.disk_usage("/")._replace(free=10_000_000)
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda path: usage)
    error = refused("--base", tiny_model(), "--lang", "zh-Hant", "--corpus", chinese_file)
    assert "0.01 GB free" in error


def test_a_disk_that_fills_up_while_writing(tiny_model, chinese_file, tmp_path):
    base, out = tiny_model(rows=49152), tmp_path / "runs" / "out"
    command = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6));" \
        "from vocabx.cli import main; main()"  # fmt: skip
    assert (base / "model.safetensors").stat().st_size > 10**6
    run = subprocess.run(
        [sys.executable, "-c", command, "extend", "--base", base, "--lang", "zh-Hant", "--corpus",
         chinese_file, "--out", out, "--new-tokens", "50", "--heldout-bytes", "3000", "--learn-bytes",
         "100000", "--adversarial", "100"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 2, run.stderr
    assert "no files were left behind" in run.stderr.splitlines()[-1]
    assert not out.parent.exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
