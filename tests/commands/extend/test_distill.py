"""extend --init distill from the command line: what it writes, what it is refused for."""

import json

from safetensors.numpy import load_file

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def test_rows_of_both_matrices_are_learned_and_old_ones_stay(extend, small_model, tmp_path):
    base = small_model(dtype="float32")
    ran = extend(base, "--untie", "--init", "distill", "--distill-tokens", 2000)
    assert ran.code == 0, ran.err
    # What is known before learning, and nothing else.
    assert ran.err.startswith("No tokens bring Chinese (Traditional) text below ")
    assert ran.err.count("\n") == 1
    manifest = json.loads((tmp_path / "out" / "vocabx.json").read_text("utf-8"))
    recorded = manifest["initializer"]
    assert recorded["name"] == "distill"
    assert recorded["parameters"] == {"boost": 2.0, "distill_tokens": 2000, "distill_minutes": None}
    old, new = load_file(base / "model.safetensors")[EMBEDDING], load_file(tmp_path / "out/model.safetensors")
    known = {row.tobytes() for row in old}
    for name in (EMBEDDING, HEAD):
        assert new[name][: len(old)].tobytes() == old.tobytes()
        assert not any(row.tobytes() in known for row in new[name][len(old) : len(old) + 40])


def test_the_same_command_writes_the_same_bytes(extend, small_model, tmp_path):
    options = (small_model(), "--untie", "--init", "distill", "--distill-tokens", 1000)
    for out in ("one", "two"):
        assert extend(*options, out=out).code == 0
    one, two = (tmp_path / name / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_tied_base_is_refused_before_the_work(extend, small_model, tmp_path):
    ran = extend(small_model(), "--init", "distill")
    assert ran.code == 2
    assert "distill makes different rows" in ran.err and "--untie" in ran.err
    assert not list(tmp_path.glob("out*"))


def test_a_limit_of_time_without_distill_is_refused(extend, small_model):
    ran = extend(small_model(), "--distill-minutes", 1)
    assert ran.code == 2 and "--distill-minutes is not used by zip-tie" in ran.err


def test_transfer_refuses_it(vocabx, small_model, short_smollm2, tmp_path):
    base = small_model()
    ran = vocabx(
        "transfer", "--base", base, "--tokenizer", base, "--lang", "zh-Hant", "--init", "distill",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert ran.code == 2 and "which transfer replaces" in ran.err
