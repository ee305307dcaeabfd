"""`vocabx extend --lang hi,ta`: one extension for several languages, and what other commands make of it."""

import json
import random
import shutil

import pytest

from vocabx.checkpoint.manifest import read_manifest

HINDI = "सुबह हम बगीचे में चाय पीते हैं और शहर के बारे में एक पुरानी किताब पढ़ते हैं".split()
TAMIL = "காலையில் நாங்கள் தோட்டத்தில் தேநீர் குடித்து நகரத்தைப் பற்றிய பழைய புத்தகம் படிக்கிறோம்".split()
FEW = ("--new-tokens", 40, "--heldout-bytes", 2000, "--adversarial", 30, "--no-evaluate")


@pytest.fixture
def texts(tmp_path):
    """The options that give a file of each language; four times as much Hindi."""
    draw = random.Random(0)
    for name, words, count in (("hi", HINDI, 200), ("ta", TAMIL, 50)):
        documents = [" ".join(draw.choices(words, k=9)) for _ in range(count)]
        (tmp_path / f"{name}.txt").write_text("\n\n".join(documents), "utf-8")
    return ("--corpus", f"hi={tmp_path / 'hi.txt'}", "--corpus", f"ta={tmp_path / 'ta.txt'}")


def test_one_extension_serves_several_languages_and_every_command_knows_them(
    vocabx, small_model, texts, english_file, tmp_path
):
    out = tmp_path / "out"
    english = ("--base-text", english_file)
    ran = vocabx(
        "extend", "--base", small_model(), "--lang", "hi,ta", *texts, *english, *FEW, "--out", out, "--json"
    )
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["passed"]
    assert (report["language"], report["language_name"]) == ("hi,ta", "Hindi and Tamil")
    assert report["balance"] == "parity"
    assert [one["language"] for one in report["languages"]] == ["hi", "ta"]
    assert sum(one["new_tokens"] for one in report["languages"]) == report["new_tokens"] == 40
    for one in report["languages"]:
        assert one["tokens"] < one["base_tokens"]
        assert one["floor"] <= one["tokens_share"] == one["tokens"] / one["base_tokens"]
    manifest = read_manifest(out)
    assert manifest.language == "hi,ta"
    assert manifest.languages == {one["language"]: one["new_tokens"] for one in report["languages"]}
    card = (out / "README.md").read_text("utf-8")
    assert "- hi\n- ta\n" in card
    assert "new tokens for Hindi and Tamil" in card
    page = (out / "report.html").read_text("utf-8")
    assert 'id="languages"' in page
    assert 'lang="hi,ta"' not in page

    verified = vocabx("verify", out, *texts, *english, "--adversarial", 30, "--json")
    assert verified.code == 0, verified.err
    claims = {claim["name"]: claim for claim in json.loads(verified.out)["claims"]}
    # Of both languages, or Tamil's tokens would not occur.
    assert claims["used"]["failed"] < 5

    planned = vocabx("train", out, *texts, "--replay", english_file, "--dry-run", "--json", "--max-steps", 2)
    assert planned.code == 0, planned.err
    plan = json.loads(planned.out)
    assert plan["language"] == "hi,ta"
    assert "hi.txt" in plan["corpus"]
    assert "ta.txt" in plan["corpus"]


def test_shares_divide_the_tokens_and_the_plan_says_so(
    vocabx, small_tokenizer, texts, english_file, tmp_path
):
    arguments = (
        "extend", "--base", small_tokenizer, "--lang", "hi,ta", *texts, "--base-text", english_file,
        *FEW[:-1], "--tokenizer-only", "--share", "hi=0.25,ta=0.75", "--out", tmp_path / "out",
    )  # fmt: skip
    planned = json.loads(vocabx(*arguments, "--dry-run", "--json").out)
    assert [(one["language"], one["share"]) for one in planned["languages"]] == [("hi", 0.25), ("ta", 0.75)]
    ran = vocabx(*arguments, "--json")
    assert ran.code == 0, ran.err
    counts = {one["language"]: one["new_tokens"] for one in json.loads(ran.out)["languages"]}
    assert counts["hi"] == pytest.approx(10, abs=1)
    assert "Hindi" in vocabx(*arguments[:-2], "--out", tmp_path / "other").out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--lang", "hi", "--share", "hi=1"), "--lang names one: pass tags such as --lang hi,ta,bn"),
        (("--lang", "hi", "--balance", "parity"), "--lang names one"),
        (("--lang", "hi,ta", "--balance", "fair"), "pass none or parity"),
        (("--lang", "hi,ta", "--balance", 0.5), "pass none or parity"),
        (("--lang", "hi,ta", "--share", "hi=1,ta=0"), "--share cannot read 'hi=1'"),
        (("--lang", "hi,ta", "--share", "hi=0.5,ta=0.5", "--balance", "none"), "pass one of them"),
        (("--lang", "hi,ta,hi"), "names Hindi twice"),
        (("--lang", "hi,ta", "--corpus", "some.txt"), "write --corpus hi=some.txt"),
        (("--lang", "hi,ta", "--init", "wechsel"), "wechsel aligns the word vectors of two languages"),
    ],
)
def test_what_cannot_be_is_one_sentence(vocabx, small_tokenizer, tmp_path, options, says):
    ran = vocabx("extend", "--base", small_tokenizer, *options, "--out", tmp_path / "out")
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert says in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["inspect", "transfer"])
def test_commands_for_one_language_refuse_several(vocabx, small_tokenizer, tmp_path, command):
    more = ("--tokenizer", small_tokenizer, "--out", tmp_path / "out") if command == "transfer" else ()
    base = ("--base", small_tokenizer) if command == "transfer" else (small_tokenizer,)
    ran = vocabx(command, *base, "--lang", "hi,ta", *more)
    assert ran.code == 2
    assert "several languages, and this takes one" in ran.err
    assert ran.err.count("\n") == 1


def test_a_corpus_that_the_result_would_overwrite_is_refused(vocabx, small_tokenizer, texts, tmp_path):
    shutil.copytree(small_tokenizer, tmp_path / "base")
    arguments = ("--base", tmp_path / "base", "--lang", "hi,ta", *texts, "--force", "--out", tmp_path)
    ran = vocabx("extend", *arguments, *FEW)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
