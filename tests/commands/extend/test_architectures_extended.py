"""Every supported architecture, extended by the whole pipeline."""

import hashlib
import json
import shutil

import pytest
from tiny_models import tiny_model

from vocabx import ExtendOptions, extend
from vocabx.checkpoint.configuration import stated_rows
from vocabx.checkpoint.read_checkpoint import read_checkpoint

# One of each naming scheme, and one whose class replaces the pre-tokenizer; `make test-slow` has the others.
_OFTEN = ("llama", "gemma3", "phi", "gpt_neox", "bert", "t5", "qwen2")
_KINDS = (
    *_OFTEN, "mistral", "qwen3", "gemma", "gemma2", "gemma3_text", "gpt2", "opt", "bloom", "falcon",
    "roberta", "xlm-roberta", "mt5", "llava", "qwen2_5_vl",
)  # fmt: skip


def hashes(checkpoint) -> dict[str, str]:
    """The sha256 of every tensor; of embedding matrices, only the first rows, as many as the base has."""
    found = {}
    tables = {table.name for table in checkpoint.tables}
    for file in checkpoint.files:
        with file.path.open("rb") as stream:
            for name, entry in file.tensors.items():
                stream.seek(file.data_start + entry.begin)
                content = stream.read(entry.end - entry.begin)
                old = len(content) * 600 // entry.shape[0] if name in tables else len(content)
                found[name] = hashlib.sha256(content[:old]).hexdigest()
    return found


@pytest.mark.parametrize(
    "kind", [k if k in _OFTEN else pytest.param(k, marks=pytest.mark.slow) for k in _KINDS]
)
def test_sizes_agree_everywhere_and_nothing_else_changes(
    kind, small_tokenizer, chinese_file, english_file, tmp_path
):
    base, out = tmp_path / "base", tmp_path / "out"
    tiny_model(kind, rows=600).save_pretrained(base)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(small_tokenizer / name, base / name)
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", corpus=(str(chinese_file),),
        base_text=(str(english_file),), out=out, new_tokens=40,
        heldout_bytes=3000, adversarial=20, evaluate=False, link=True,
    )  # fmt: skip
    assert extend(options).certificate.passed
    before, after = read_checkpoint(base), read_checkpoint(out)
    manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
    rows = {table.rows for table in after.tables}
    assert rows == {stated_rows(after.config)} == {manifest["sizes"]["rows"]} == {640}
    assert after.tied == before.tied == manifest["tied"]
    assert set(manifest["tables"]) == {table.name for table in after.tables}
    assert hashes(after) == hashes(before)
