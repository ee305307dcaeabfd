import json
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec

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
        *("--new-tokens", 300, "--heldout-bytes", 7000, "--probe-steps", 3, "--out", out),
    )
    assert ran.code == 0, ran.err
    return ran, json.loads((out / "compare.json").read_text()), out


def vectors(directory, words):
    path = directory / f"{len(words)}.vec"
    rows = [f"{word} 0.{number} 0.2 -0.{number}" for number, word in enumerate(words.split(), 1)]
    path.write_text("\n".join([f"{len(rows)} 3", *rows]) + "\n")
    return path


def test_every_initializer_is_measured_on_the_same_tokens_and_text(compared, request):
    ran, table, out = compared
    assert [row["initializer"] for row in table["rows"]] == NAMES
    assert table["new_tokens"] == 300
    for row in table["rows"]:
        assert row["mixed"] + row["copied"] + row["drawn"] == 300
        assert row["seconds"] > 0
        assert row["peak_bytes"] is None or row["peak_bytes"] > 50e6
        assert 0 < row["start"]["target"] < 20
        assert (row["hull_bound"] is None) == (row["initializer"] == "univariate")
        # Even a random model predicts the rest of a text better after training on some of it.
        assert row["probed"]["bits"]["target"] < row["start"]["target"]
        assert len(row["probed"]["passages"]) == len(table["passage_bytes"]) > 1
    assert table["base_probed"]["bits"]["target"] < table["base_bits"]["target"]
    picture = ElementTree.parse(out / "compare.svg").getroot()
    assert picture.tag.endswith("svg")
    page = (out / "compare.html").read_text("utf-8")
    assert all(f">{name}" in page for name in NAMES)
    for name in NAMES:
        assert f"│ {name}" in ran.out
    assert f"choose     {table['choice']}: " in ran.out
    assert "│ base left alone" in ran.out
    tied = "tied" in request.node.callspec.id and "untied" not in request.node.callspec.id
    for shown in (table["untried"], ran.out, page):
        assert "distill was not compared" in shown
        assert ("with --untie" in shown) is tied
    # The recommended one is the best, after the probe, of those that do not harm the base's language.
    # mean makes all embeddings equal, and is never recommended.
    told_apart = [row for row in table["rows"] if row["initializer"] != "mean"]
    after = {row["initializer"]: row["probed"]["bits"] for row in told_apart}
    least = min(bits["base_language"] for bits in after.values())
    harmless = {name: bits for name, bits in after.items() if bits["base_language"] <= least + 0.01}
    best = min(harmless, key=lambda name: harmless[name]["target"])
    assert table["choice"] == best
    of_base = table["leads"][-1]
    assert of_base["over"] == "base left alone"
    ahead = table["base_probed"]["bits"]["target"] - after[best]["target"]
    assert of_base["bits"] == pytest.approx(ahead)
    assert of_base["interval"][0] <= ahead <= of_base["interval"][1]
    place = "ahead of" if ahead >= 0 else "behind"
    share = abs(ahead) / table["base_probed"]["bits"]["target"]
    assert f"{share:.1%}".replace("%", " %") + f" {place} the base left alone" in ran.out


@pytest.fixture
def compare_two(vocabx, small_model, chinese_file, tmp_path):
    """A function that compares two initializers on a small model."""

    def run(*arguments, init="zip-tie,mean", corpus=chinese_file):
        out = tmp_path / init
        return vocabx(
            *("compare", "--base", small_model(), "--lang", "zh-Hant", "--corpus", corpus, "--init", init),
            *("--new-tokens", 20, "--heldout-bytes", 1000, "--learn-bytes", 20_000, "--out", out),
            *arguments,
        )

    return run


def test_no_initializer_changes_the_figures_of_another(compare_two):
    probe = ["--probe-steps", 2, "--probe-seeds", 2, "--json"]
    tables = [json.loads(compare_two(*probe, init=init).out) for init in ("zip-tie,mean", "mean,zip-tie")]
    measured = [
        {row["initializer"]: (row["start"], row["probed"]) for row in table["rows"]} for table in tables
    ]
    assert measured[0] == measured[1]
    assert tables[0]["base_probed"] == tables[1]["base_probed"]
    for probed in (tables[0]["base_probed"], *(row["probed"] for row in tables[0]["rows"])):
        first, second = (bits["target"] for bits in probed["seeds"])
        assert first != second
        assert probed["bits"]["target"] == pytest.approx((first + second) / 2)
    assert "the mean of 2 seeds" in tables[0]["why"]


def test_scores_before_training_recommend_nothing(compare_two):
    ran = compare_two("--probe-steps", 0, "--json")
    table = json.loads(ran.out)
    assert table["choice"] == ""
    assert "no recommendation can be made from scores before training" in table["why"]
    assert table["base_probed"] is None
    assert all(row["start"] and row["probed"] is None for row in table["rows"])


def test_without_peft_the_probe_is_left_out_with_the_line_that_installs_it(compare_two, monkeypatch):
    monkeypatch.setattr(
        "vocabx._util.extras.installed", lambda package: package != "peft" and bool(find_spec(package))
    )
    ran = compare_two()
    assert ran.code == 0, ran.err
    assert "Without peft, this leaves out the training" in ran.err
    assert "choose     no recommendation can be made" in ran.out
    asked = compare_two("--probe-steps", 2, init="mean,zip-tie")
    assert asked.code == 2
    assert "this needs the package peft" in asked.err


def test_a_text_too_short_for_one_step_is_told_in_one_line(compare_two, verses, tmp_path):
    short = tmp_path / "short.txt"
    short.write_text("\n\n".join(verses[:8]), "utf-8")
    ran = compare_two("--new-tokens", 5, corpus=short)
    assert ran.code == 2, ran.out
    assert "too short for one step of the probe" in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "zip-tie,mean").exists()


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
        (["--init", "mean", "--no-evaluate", "--probe-steps", 5], "--probe-steps needs the model"),
        (["--init", "mean", "--probe-steps", 0, "--probe-seeds", 2], "--probe-seeds repeats the probe"),
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
