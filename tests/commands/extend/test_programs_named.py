"""What other programs will read otherwise is said before anything is learned."""

import json
import shutil

import pytest

WIDE = f"他說\u3000我來了。{'天地玄黃宇宙洪荒' * 20}\n"


PROGRAMS = (
    "onnxruntime-extensions will", "onnxruntime-extensions and", "tokie will", "iree-tokenizer will",
    "iree-tokenizer may", "CTranslate2 will",
)  # fmt: skip


@pytest.mark.parametrize(
    ("fixture", "kind", "named"),
    [
        ("llama2_json", "llama", {"onnxruntime-extensions will", "iree-tokenizer will"}),
        (
            "llama2_old_json",
            "llama",
            {"onnxruntime-extensions will", "iree-tokenizer will", "CTranslate2 will"},
        ),
        ("llama3_json", "llama", {"tokie will", "iree-tokenizer may"}),
        ("gemma_json", "gemma2", {"onnxruntime-extensions and", "iree-tokenizer will"}),
        ("mistral_model", "mistral", {"iree-tokenizer will"}),
        ("gpt2_json", "gpt2", set()),
    ],
)
def test_a_program_that_will_read_the_result_otherwise_is_named_beforehand(
    request, vocabx, tmp_path, fixture, kind, named
):
    file = request.getfixturevalue(fixture)
    base, text = tmp_path / "base", tmp_path / "text.txt"
    base.mkdir()
    shutil.copyfile(file, base / ("tokenizer.json" if file.suffix == ".json" else "tokenizer.model"))
    (base / "config.json").write_text(json.dumps({"model_type": kind, "vocab_size": 200_000}))
    text.write_text(WIDE * 50, encoding="utf-8")
    ran = vocabx(
        "extend", "--base", base, "--lang", "zh-Hant", "--corpus", text, "--tokenizer-only", "--dry-run"
    )
    assert ran.code == 0, ran.err
    said = " ".join(ran.err.split())
    assert {program for program in PROGRAMS if program in said} == named, said
    assert ("--runtimes all" in said) == bool(named)
