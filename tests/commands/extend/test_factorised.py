import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vocabx.evaluation.load_model import load_factorised

SMALL = ("--lang", "zh-Hant", "--heldout-bytes", 3000, "--learn-bytes", 200_000, "--adversarial", 200)
ASKED = ("--new-tokens", 200, "--init", "ofa", "--rank", 8)


@pytest.fixture
def shared_vectors(tmp_path, english, verses):
    """Random vectors of English words and Chinese characters in one space; their values do not matter."""
    words = sorted({word for line in english[:50] for word in line.split()} | set("".join(verses[:300])))
    random = np.random.default_rng(0)
    lines = (
        f"{word} {' '.join(f'{x:.4f}' for x in random.normal(size=8))}" for word in words if word.strip()
    )
    path = tmp_path / "shared.vec"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("tied", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_factorised_form_has_fewer_parameters_than_the_dense_one(
    vocabx, tiny_model, chinese_file, shared_vectors, tmp_path, tied
):
    base = tiny_model(tied=tied, dtype="float32")
    runs = {}
    for name, more in (("dense", ("--no-evaluate",)), ("out", ("--factorised", "--factor-balance", 0.5))):
        out = tmp_path / name
        runs[name] = vocabx(
            "extend",
            "--base",
            base,
            "--corpus",
            chinese_file,
            "--out",
            out,
            *SMALL,
            *ASKED,
            *more,
            "--shared-vectors",
            shared_vectors,
        )
        assert runs[name].code == 0, runs[name].err
    assert "Old embeddings are approximated at rank 8: off by" in runs["out"].err
    dense, made = (load_file(tmp_path / name / "model.safetensors") for name in ("dense", "out"))
    rows = 4096 + 256
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    manifest = json.loads((tmp_path / "out" / "vocabx.json").read_text("utf-8"))
    tables = ["model.embed_tokens", *(() if tied else ("lm_head",))]
    assert report["factorised"]["parameters"] == len(tables) * 8 * (rows + 16)
    assert report["target"]["extended"]["bits_per_byte"] > 0
    old = load_file(base / "model.safetensors")
    for name in tables:
        coordinates, primitives = made[f"{name}.weight"], made[f"{name}.primitives"]
        assert (coordinates.shape, primitives.shape) == ((rows, 8), (8, 16))
        # New rows have the rank in both forms, old rows only in the factorized one.
        torch.testing.assert_close(
            coordinates[4096:4296] @ primitives, dense[f"{name}.weight"][4096:4296], atol=1e-5, rtol=1e-4
        )
        whole = old[f"{name}.weight"]
        missed = (whole - coordinates[:4096] @ primitives).norm() / whole.norm()
        assert manifest["initializer"]["errors"][f"{name}.weight"] == pytest.approx(missed.item(), rel=1e-3)
        for part in ("weight", "primitives"):
            stored = made[f"{name}.{part}"].numpy().tobytes()
            assert manifest["tables"][f"{name}.{part}"] == hashlib.sha256(stored).hexdigest()
    initializer = manifest["initializer"]
    assert (initializer["form"], initializer["rank"], initializer["balance"]) == ("factorised", 8, 0.5)
    assert "modeling_factorised.py" in manifest["files"]
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "**Old embeddings are approximated**" in card and "bit for bit" not in card
    assert "off by" in (tmp_path / "out" / "report.html").read_text("utf-8")
    model = load_factorised(tmp_path / "out")
    assert model(torch.tensor([[1, 4096, 5]])).logits.shape == (1, 3, rows)
    dense_manifest = json.loads((tmp_path / "dense" / "vocabx.json").read_text("utf-8"))
    assert dense_manifest["initializer"]["form"] == "dense"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ("--factorised", "--init", "ofa"),
            "--factorised needs a rank: pass --rank, such as 100, 200 or 400",
        ),
        (("--factorised", "--rank", 8), "--init is zip-tie: pass --init ofa with a --rank"),
        (("--factorised", "--init", "ofa", "--rank", 17), "so pass 1 to 16"),
        (
            ("--factorised", "--init", "ofa", "--rank", 8, "--factor-balance", 2),
            "--factor-balance",
        ),
        (("--factor-balance", 0.5), "--factor-balance has no effect without --factorised"),
        (("--factorised", "--init", "ofa", "--rank", 8, "--tokenizer-only"), "pass one of them"),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_one_line(
    vocabx, tiny_model, chinese_file, tmp_path, asked, said
):
    out = tmp_path / "out"
    run = vocabx("extend", "--base", tiny_model(), "--corpus", chinese_file, "--out", out, *SMALL, *asked)
    assert (run.code, run.out) == (2, "")
    assert said in run.err and run.err.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--init", "ofa", "--rank", 8, "--factorised"), "is factorized already: omit --factorised"),
        (("--untie",), "--untie needs whole embeddings: multiply them out with `vocabx export"),
        (("--init", "distill"), "computes with whole embeddings, and"),
    ],
)
def test_a_factorised_base_is_refused_where_whole_embeddings_are_needed(
    vocabx, tiny_model, chinese_file, tmp_path, more, says
):
    base = tiny_model()
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "factorised": {"rank": 8, "balance": 0.0}}))
    run = vocabx("extend", "--base", base, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL, *more)
    assert run.code == 2
    assert says in run.err
