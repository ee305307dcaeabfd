import json
import xml.etree.ElementTree as ElementTree

import pytest

NAMES = ["zip-tie", "cw2v", "mean", "univariate"]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["tied", "untied"])
def compared(request, vocabx, tiny_model, small_tokenizer, chinese_file, tmp_path):
    out = tmp_path / "compared"
    base = tiny_model(tied=request.param, rows=600, tokenizer=small_tokenizer)
    ran = vocabx(
        *("compare", "--base", base, "--lang", "zh-Hant", "--corpus", chinese_file),
        *("--init", ",".join(NAMES), "--dictionary", "none"),
        *("--source-vectors", vectors(tmp_path, "the of and")),
        *("--target-vectors", vectors(tmp_path, "神 說 天地")),
        *("--new-tokens", 300, "--heldout-bytes", 3000, "--train-tokens", 2500, "--out", out),
    )
    assert ran.code == 0, ran.err
    return ran, json.loads((out / "compare.json").read_text()), out


def vectors(directory, words):
    path = directory / f"{len(words)}.vec"
    rows = [f"{word} 0.{number} 0.2 -0.{number}" for number, word in enumerate(words.split(), 1)]
    path.write_text("\n".join([f"{len(rows)} 3", *rows]) + "\n")
    return path


def test_every_initializer_is_measured_on_the_same_tokens_and_text(compared):
    ran, table, out = compared
    assert [row["initializer"] for row in table["rows"]] == NAMES
    assert table["new_tokens"] == 300
    for row in table["rows"]:
        assert row["mixed"] + row["copied"] + row["drawn"] == 300
        assert row["seconds"] > 0
        assert row["peak_bytes"] is None or row["peak_bytes"] > 50e6
        assert 0 < row["start"]["target"] < 20
        assert row["curve"][0] == {"tokens": 0, "target": pytest.approx(row["curve"][0]["target"])}
        assert [point["tokens"] for point in row["curve"]] == [0, 625, 1250, 1875, 2500]
        assert (row["hull_bound"] is None) == (row["initializer"] == "univariate")
        # Even a random model predicts the rest of a text better after training on some of it.
        assert row["trained"]["target"] < row["start"]["target"]
    picture = ElementTree.parse(out / "compare.svg").getroot()
    assert picture.tag.endswith("svg")
    for name in NAMES:
        assert f"│ {name}" in ran.out
    assert f"choose     {table['choice']}: " in ran.out
    # The recommended one is the best of those that do not harm the base's language.
    least = min(row["trained"]["base_language"] for row in table["rows"])
    harmless = [row for row in table["rows"] if row["trained"]["base_language"] <= least + 0.01]
    best = min(harmless, key=lambda row: row["trained"]["target"])
    assert table["choice"] == best["initializer"]


def test_without_evaluation_only_the_table_of_embeddings_is_printed(
    vocabx, tiny_model, chinese_file, tmp_path
):
    out = tmp_path / "rows"
    arguments = ["--lang", "zh-Hant", "--corpus", chinese_file, "--new-tokens", 200, "--init", "zip-tie,mean"]
    ran = vocabx("compare", "--base", tiny_model(), *arguments, "--no-evaluate", "--json", "--out", out)
    assert ran.code == 0, ran.err
    table = json.loads(ran.out)
    assert [row["start"] for row in table["rows"]] == [None, None]
    assert table["choice"] == ""
    assert sorted(path.name for path in out.iterdir()) == ["compare.json"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--init", "zip-tie,wechsl"], "Did you mean wechsel?"),
        (["--init", "mean", "--rank", 7], "--rank is not used by mean"),
        (["--init", "mean", "--dictionary", "cedict"], "--dictionary is not used by mean"),
        (["--init", "wechsel", "--neighbours", 0], "--neighbours is 0: pass a whole number of at least 1"),
        (["--init", "wechsel", "--temperature", -1], "--temperature is -1"),
        (["--init", "wechsel", "--fallback", "zip"], "--fallback is 'zip': pass draw or pieces"),
        (["--init", "wechsel", "--source-vectors", "none.vec"], "--source-vectors none.vec is not a file"),
        (["--init", "cw2v", "--epochs", 0], "--epochs is 0: pass a whole number of at least 1"),
        (["--init", "mean", "--no-evaluate", "--train-tokens", 100], "--train-tokens needs the model"),
        (["--init", ","], "--init names no initializer"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    vocabx, tiny_model, chinese_file, tmp_path, arguments, says
):
    out = tmp_path / "out"
    given = ["--base", tiny_model(), "--lang", "zh-Hant", "--corpus", chinese_file, "--new-tokens", 100]
    ran = vocabx("compare", *given, *arguments, "--out", out)
    assert ran.code == 2, ran
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert not out.exists()
