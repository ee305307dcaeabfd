"""A base whose tokenizer has more ids than its matrix has rows: CodeLlama, Gemma 3 with its image token."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file
from small_tokenizers import byte_level, read_json, write_json

from vocabx import CompareOptions, ExtendOptions, TransferOptions, compare, extend, transfer
from vocabx.errors import BaseModelError
from vocabx.tokenizer.read_tokenizer import read_tokenizer

NAME = "model.embed_tokens.weight"
COUNT, NEW = 2, 20


@pytest.fixture
def base(small_model):
    """A small model of 600 rows with two added tokens after the last of them."""
    directory = small_model(dtype="float32")
    path = directory / "tokenizer.json"
    spec = json.loads(path.read_text("utf-8"))
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    for n in range(COUNT):
        spec["added_tokens"].append({"id": 600 + n, "content": f"<image_{n}>", "special": True, **flags})
    path.write_text(json.dumps(spec), "utf-8")
    return directory


def options(base, small_extended, **further):
    texts = small_extended.texts
    return dict(
        base=str(base), lang="zh-Hant", corpus=(str(texts / "zh.jsonl"),), heldout_bytes=2000,
        base_text=(str(texts / "en.txt"),), new_tokens=NEW, **further,
    )  # fmt: skip


@pytest.mark.parametrize("init", ["zip-tie", "multivariate", "first-piece"])
def test_new_ids_begin_behind_both(base, small_extended, small_tokenizer, tmp_path, init):
    given = options(
        base,
        small_extended,
        out=tmp_path / "out",
        evaluate=False,
        adversarial=50,
        init=init,
        pad_to_multiple_of=8,
    )
    assert extend(ExtendOptions(**given)).certificate.passed
    old, new = (
        load_file(base / "model.safetensors")[NAME],
        load_file(tmp_path / "out/model.safetensors")[NAME],
    )
    manifest = json.loads((tmp_path / "out" / "vocabx.json").read_text("utf-8"))
    assert [part["first_id"] for part in manifest["ranges"]] == [600 + COUNT, 600 + COUNT + NEW]
    assert len(new) == 624 == manifest["sizes"]["rows"]
    assert np.array_equal(new[:600], old)
    assert np.allclose(new[600 : 600 + COUNT], old.mean(axis=0), atol=1e-6)
    tokenizer = read_tokenizer(tmp_path / "out")
    assert [tokenizer.vocabulary[f"<image_{n}>"] for n in range(COUNT)] == [600, 601]
    rows = new[600 + COUNT : 600 + COUNT + NEW]
    assert not np.isclose(rows, old.mean(axis=0), atol=1e-6).all(axis=1).any()
    if init != "multivariate":  # It draws row by row from one stream.
        (base / "tokenizer.json").write_text((small_tokenizer / "tokenizer.json").read_text("utf-8"), "utf-8")
        extend(ExtendOptions(**{**given, "out": tmp_path / "plain"}))
        plain = load_file(tmp_path / "plain" / "model.safetensors")[NAME]
        assert np.array_equal(rows, plain[600 : 600 + NEW])


def test_initializers_are_compared_on_such_a_base(base, small_extended, tmp_path):
    given = options(base, small_extended, out=tmp_path / "out", init="mean,zip-tie", probe_steps=0)
    found = compare(CompareOptions(**given))
    assert len(found.table.rows) == 2


def test_their_tokenizer_is_replaced_without_the_tokens_that_have_no_row(
    base, small_extended, verses, tmp_path
):
    new = byte_level(tmp_path / "new", verses[:200])
    spec = read_json(new / "tokenizer.json")
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    spec["added_tokens"].append({"id": 400, "content": "<image_1>", "special": True, **flags})
    write_json(new / "tokenizer.json", spec)
    given = options(base, small_extended, out=tmp_path / "out", tokenizer=str(new), evaluate=False)
    del given["new_tokens"]
    result = transfer(TransferOptions(**{**given, "init": "zip-tie", "learn_bytes": 20_000}))
    assert result.passed and result.report.old_tokens == 600
    old, rows = (load_file(path / "model.safetensors")[NAME] for path in (base, tmp_path / "out"))
    ids = read_tokenizer(tmp_path / "out").vocabulary
    assert np.array_equal(rows[ids["e"]], old[read_tokenizer(base).vocabulary["e"]])
    assert ids["<image_1>"] == 400 and len(rows) == 448


def test_pieces_of_the_model_without_a_row_are_refused(small_model, small_extended, tmp_path):
    directory = small_model(dtype="float32")
    path = directory / "tokenizer.json"
    spec = json.loads(path.read_text("utf-8"))
    spec["model"]["vocab"]["zzz"] = 600
    path.write_text(json.dumps(spec), "utf-8")
    given = options(directory, small_extended, out=tmp_path / "out", evaluate=False)
    with pytest.raises(BaseModelError, match="do not belong together"):
        extend(ExtendOptions(**given))
