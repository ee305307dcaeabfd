import json
import random
import re

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from vocabx.tokenizer.read_tokenizer import read_tokenizer

FEW = ("--heldout-bytes", 3000, "--learn-bytes", 150_000, "--adversarial", 300)
SMALL = ("--lang", "zh-Hant", "--heldout-bytes", 6000, "--learn-bytes", 150_000, "--adversarial", 300)


def tensors_of(directory):
    return {
        name: t for path in sorted(directory.glob("*.safetensors")) for name, t in load_file(path).items()
    }


@pytest.mark.parametrize(
    "shape",
    [
        {"tied": False, "dtype": "float16", "shard": "2MB"},
        pytest.param({"tied": True}, marks=pytest.mark.slow),
    ],
)
def test_an_extension_loads_in_transformers_and_keeps_everything_old(
    vocabx, tiny_model, chinese_file, tmp_path, shape
):
    source, out = tiny_model(**shape), tmp_path / "out"
    run = vocabx(
        "extend", "--base", source, "--corpus", chinese_file, "--out", out, *SMALL, "--new-tokens", 500
    )
    assert run.code == 0, run.err
    # What is known before learning, and nothing else.
    assert run.err.startswith("No tokens bring Chinese (Traditional) text below ")
    assert run.err.count("\n") == 1
    titles = [line.partition("  ")[2] for line in run.progress]
    assert titles[:2] == ["Checking the base's embeddings", "Reading text"]
    assert {"Learning tokens", "Verifying", "Writing the checkpoint"} <= {*titles}
    assert "bits per byte" in run.out and "holds" in run.out and str(out / "report.html") in run.out
    before, after = tensors_of(source), tensors_of(out)
    assert before.keys() == after.keys()
    rows = 4096 + 512  # 500 new tokens, padded to a multiple of 64.
    for name, tensor in before.items():
        table = name in ("model.embed_tokens.weight", "lm_head.weight")
        assert after[name].shape[0] == (rows if table else tensor.shape[0])
        assert after[name].dtype == tensor.dtype
        assert torch.equal(after[name][: len(tensor)], tensor)
    model = AutoModelForCausalLM.from_pretrained(out)
    assert model.config.vocab_size == rows
    assert model.config.tie_word_embeddings == shape["tied"]
    same = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert same == shape["tied"]
    assert model.generation_config.suppress_tokens == list(range(rows - 12, rows))


def test_transformers_reads_the_tokenizer_that_was_verified(
    vocabx, tiny_model, chinese_file, tmp_path, verses, english, smollm2
):
    base, out = tiny_model(rows=49152, tokenizer=smollm2), tmp_path / "out"
    options = (*SMALL, "--new-tokens", 500, "--no-evaluate")
    assert vocabx("extend", "--base", base, "--corpus", chinese_file, "--out", out, *options).code == 0
    before, after = AutoTokenizer.from_pretrained(smollm2), AutoTokenizer.from_pretrained(out)
    ours = read_tokenizer(out)
    texts = [
        *verses[:200],
        *english[:300],
        "2010年  3 月",
        "<|im_start|>user\n你好<|im_end|>",
        "👩‍👩‍👧",
        "\t x\n\n",
    ]
    for text in texts:
        assert after(text, add_special_tokens=False).input_ids == ours.encode([text])[0]
        assert after.decode(after(text).input_ids) == text
    for text in english[:300]:
        assert after(text).input_ids == before(text).input_ids
    chat = [{"role": "user", "content": "Hello"}]
    assert after.apply_chat_template(chat) == before.apply_chat_template(chat)
    for name in ("bos_token", "eos_token", "pad_token", "unk_token", "all_special_ids", "padding_side"):
        assert getattr(after, name) == getattr(before, name)


def test_padding_rows_of_the_base_stay_and_new_tokens_follow_them(vocabx, tiny_model, chinese_file, tmp_path):
    source, out = tiny_model(rows=4224), tmp_path / "out"
    options = (*SMALL, "--new-tokens", 100, "--no-evaluate", "--pad-to-multiple-of", 1)
    assert vocabx("extend", "--base", source, "--corpus", chinese_file, "--out", out, *options).code == 0
    before, after = (tensors_of(d)["model.embed_tokens.weight"] for d in (source, out))
    assert torch.equal(after[:4224], before)
    assert len(after) == 4324
    ids = {i for row in read_tokenizer(out).encode(["起初　神創造天地。" * 3]) for i in row}
    assert not any(4096 <= i < 4224 for i in ids)
    manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
    assert manifest["base"]["tokens"] == 4096
    assert manifest["base"]["rows"] == 4224
    assert manifest["ranges"] == [{"first_id": 4224, "count": 100, "source": "learned"}]


def test_two_runs_write_the_same_bytes(vocabx, small_model, chinese_file, english_file, tmp_path):
    source = small_model(tied=False)
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        options = (*SMALL, "--new-tokens", 300, "--no-evaluate", "--init", "multivariate", "--seed", 5)
        texts = ("--corpus", chinese_file, "--base-text", english_file)
        assert vocabx("extend", "--base", source, *texts, "--out", out, *options).code == 0
    for name in ("tokenizer.json", "model.safetensors", "config.json", "tokenizer_config.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name
    manifests = [json.loads((out / "vocabx.json").read_text("utf-8")) for out in outs]
    for manifest in manifests:
        del manifest["run"]
    assert manifests[0] == manifests[1]


def test_json_is_one_object_on_stdout(vocabx, tiny_model, chinese_file, tmp_path):
    out = tmp_path / "out"
    options = (*SMALL, "--new-tokens", 200, "--no-evaluate", "--json")
    run = vocabx("extend", "--base", tiny_model(), "--corpus", chinese_file, "--out", out, *options)
    result = json.loads(run.out)
    assert result["out"] == str(out)
    assert result["passed"] is True
    assert result["new_tokens"] == 200
    assert 0 < result["target"]["tokens_share"] < 0.8
    assert result["base_language"]["tokens_share"] == 1.0
    assert json.loads((out / "report.json").read_text("utf-8"))["curve"] == result["curve"]


def test_a_dry_run_prints_the_plan_and_writes_nothing(vocabx, tiny_model, chinese_file, tmp_path):
    out = tmp_path / "deep" / "out"
    arguments = (
        "extend",
        "--base",
        tiny_model(),
        "--corpus",
        chinese_file,
        "--out",
        out,
        *SMALL,
        "--dry-run",
    )
    plan = json.loads(vocabx(*arguments, "--json").out)
    assert (plan["old_rows"], plan["new_tokens"], plan["rows"]) == (4096, 8000, 12096)
    assert plan["disk_bytes"] > 12096 * 16 * 2
    assert plan["estimated_seconds"] > 0
    shown = vocabx(*arguments).out
    assert re.search(r"4,096 \+ 8,000", shown) and re.search(r"time +about", shown)
    assert not out.parent.exists()


def test_a_language_without_a_profile_works_from_its_text(vocabx, tiny_model, smollm2, tmp_path):
    draw = random.Random(0)
    syllables = [
        "λο",
        "γος",
        "κοσ",
        "μος",
        "θα",
        "λασ",
        "σα",
        "ου",
        "ρα",
        "νος",
        "άν",
        "θρω",
        "πος",
        "τη",
        "μέ",
    ]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(200)]
    lines = [" ".join(draw.choices(words, k=12)) for _ in range(900)]
    (tmp_path / "greek.txt").write_text("\n\n".join(lines), "utf-8")
    out = tmp_path / "out"
    options = (*FEW, "--new-tokens", 60, "--no-evaluate", "--json")
    run = vocabx(
        "extend",
        "--base",
        tiny_model(rows=49152, tokenizer=smollm2),
        "--lang",
        "el",
        "--corpus",
        tmp_path / "greek.txt",
        "--out",
        out,
        *options,
    )
    assert run.code == 0, run.err
    result = json.loads(run.out)
    assert result["target"]["tokens_share"] < 0.7
    assert result["base_language"]["tokens_share"] == 1.0


def test_changed_lines_are_reported_for_a_language_of_the_bases_script(vocabx, tiny_model, english, tmp_path):
    (tmp_path / "latin.txt").write_text("\n\n".join(english), "utf-8")
    out = tmp_path / "out"
    options = (*FEW, "--new-tokens", 100, "--no-evaluate", "--json")
    run = vocabx(
        "extend",
        "--base",
        tiny_model(),
        "--lang",
        "de",
        "--corpus",
        tmp_path / "latin.txt",
        "--out",
        out,
        *options,
    )
    claim = next(c for c in json.loads(run.out)["claims"] if c["name"] == "base-text")
    assert claim["failed"] > 0
    assert claim["required"] is False
    assert run.code == 0
    assert "shares its script" in run.err
