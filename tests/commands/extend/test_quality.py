"""`vocabx extend --quality` from the command line: what is said, reported and written."""

import json

import pytest

FAST = ("--tokenizer-only", "--learn-bytes", 150_000, "--heldout-bytes", 6000, "--adversarial", 50)
RUSSIAN = (
    "Вчера вечером мы долго говорили о погоде и о том, почему дороги зимой бывают такими скользкими. " * 3
)


@pytest.fixture
def extended(vocabx, mistral_model, tmp_path):
    def run(texts, *options, lang="zh-Hant", code=0):
        path = tmp_path / "corpus.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        out = tmp_path / "out"
        arguments = ("--base", mistral_model, "--lang", lang, "--corpus", path, "--out", out)
        ran = vocabx("extend", *arguments, *FAST, "--new-tokens", 200, *options)
        assert ran.code == code, ran.err
        return out, ran.err

    return run


@pytest.fixture
def chapters(verses):
    """A hundred documents of some hundred characters."""
    return ["\n".join(verses[start : start + 15]) for start in range(0, 1500, 15)]


def test_what_quality_drops_is_said_counted_and_shown(extended, chapters):
    out, err = extended([*chapters, "太短", RUSSIAN, chapters[3] + "阿們。"], "--quality")
    counted = json.loads((out / "report.json").read_text())["quality"]
    assert counted["documents"] == 103
    assert {rule: found["documents"] for rule, found in counted["dropped"].items()} == {
        "near-duplicate": 1, "other script": 1, "short": 1,
    }  # fmt: skip
    said = "--quality leaves out 3 of 103 documents"
    assert said in " ".join(err.split())
    assert said in (out / "report.html").read_text()
    shown = [json.loads(line) for line in (out / "dropped.jsonl").read_text().splitlines()]
    assert [(one["rule"], one["text"][:2]) for one in shown] == [
        ("near-duplicate", chapters[3][:2]), ("other script", "Вч"), ("short", "太短"),
    ]  # fmt: skip


def test_nothing_is_judged_without_quality(extended, chapters):
    out, _ = extended([*chapters, "太短"])
    assert json.loads((out / "report.json").read_text())["quality"] == {}
    assert not (out / "dropped.jsonl").exists()


def test_a_text_in_another_script_is_told_what_it_is(extended):
    _, err = extended([f"{RUSSIAN} {number}" for number in range(30)], code=2)
    assert "; the text is Russian (Cyrillic script)" in " ".join(err.split())


def test_a_text_of_which_nothing_is_left_is_refused_by_its_rule(extended, tmp_path):
    _, err = extended(["太短"] * 5, "--quality", code=2)
    assert "drops 5 as short" in " ".join(err.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--quality",), "--quality applies to the text of --corpus"),
        (("--perplexity-model", "m.arpa"), "--perplexity-model ranks what --quality keeps"),
        (("--strict",), "--strict applies to --new-tokens or --corpus"),
        (("--corpus", "x.txt", "--no-quality", "--perplexity-model", "m.arpa"), "--perplexity-model ranks"),
    ],
)
def test_options_without_what_they_apply_to_are_refused(vocabx, options, says):
    ran = vocabx("extend", "--lang", "zh-Hant", *options)
    assert ran.code == 2 and says in " ".join(ran.err.split())
