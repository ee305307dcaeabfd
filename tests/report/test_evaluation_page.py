import dataclasses
import re
from html import unescape

import pytest

from vocabx.evaluation.side_by_side import (
    Alignment,
    Boundaries,
    FromBase,
    Generated,
    MeasuredPairs,
    MeasuredText,
    ModelNumbers,
    Prompt,
    SideBySide,
    TaskNumber,
    TextNumbers,
)
from vocabx.report.alignment_plot import alignment_plot
from vocabx.report.evaluation_page import render_evaluation, verdict
from vocabx.report.evaluation_plot import bits_plot

ADVERSARIAL = "<script>alert(1)</script>&\"'"


def model(name, bits, english, from_base=None, is_base=False):
    return ModelNumbers(
        name=name,
        is_base=is_base,
        parameters=134_515_008,
        dtype="bfloat16",
        target=TextNumbers(bits, bits + 0.3, 4000, 1.75),
        base_language=TextNumbers(english, english + 0.2, 1000, 4.125),
        from_base=from_base,
        generated=Generated((f"{name} writes\non",), 40, 4.0),
    )


@pytest.fixture
def table():
    text = MeasuredText("zh-Hant", "Chinese (Traditional)", "a corpus", 21, 20_011, 60_013, True)
    return SideBySide(
        version="9.8.7",
        command="vocabx evaluate runs/demo",
        base="smollm2",
        base_origin="a package",
        target=text,
        base_language=dataclasses.replace(text, language="en", name="English", source="a manual"),
        seed=17,
        device="cpu, 2 threads",
        generate_tokens=48,
        prompts=(Prompt("起初神", "創造天地"),),
        models=(
            model("smollm2", 2.3456, 0.9111, is_base=True),
            model("runs/demo", 2.6789, 0.9112, FromBase(0.0123456, 18, 2, 0.3471)),
            model("runs/final", 1.7777, 0.9512, FromBase(None, 0, 20, None)),
        ),
        seconds={"Reading text": 3.2},
    )


def words(html):
    body = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(body).split())


def test_the_page_is_self_contained(table):
    html = render_evaluation(table)
    assert not re.search(r"<(script|link|img|iframe|object)|\bsrc=|@import|xlink:href", html)
    assert html == render_evaluation(dataclasses.replace(table))
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert "--accent:" in html
    assert 'role="img"' in html and "runs/final 1.78 and 0.95" in html


def test_each_number_is_on_the_page(table):
    shown = words(render_evaluation(table))
    for number in (
        "2.346", "2.679", "1.778", "2.646", "0.911", "0.951", "1.75", "4.12", "0.0123", "(0.35)", "10.0",
        "134.5 M", "60,013 bytes", "20,011 characters in 21 passages of a manual", "seed 17", "9.8.7",
        "not measured", "runs/demo tokenizes 2 of 20 differently", "cpu, 2 threads", "創造天地",
        "runs/demo writes↵on", "vocabx evaluate runs/demo",
    ):  # fmt: skip
        assert number in shown, number


def test_the_best_of_a_column_is_marked_unless_all_look_equal(table):
    html = render_evaluation(table)
    marked = re.findall(r'<td class="best">([^<]*)<', html)
    assert sorted(marked) == ["0.911", "0.911", "1.778", "2.078"]


def test_texts_are_never_markup(table):
    adversarial = dataclasses.replace(
        table,
        command=ADVERSARIAL,
        base_origin=ADVERSARIAL,
        prompts=(Prompt(ADVERSARIAL, ADVERSARIAL),),
        models=tuple(dataclasses.replace(one, name=ADVERSARIAL) for one in table.models),
    )
    assert "<script" not in render_evaluation(adversarial)


def test_the_verdict_says_what_the_best_costs(table):
    base, demo, final = table.models
    assert verdict(table) == (
        "runs/final predicts Chinese (Traditional) best: 1.78 bits per byte, and the base 2.35; English goes "
        "from 0.91 to 0.95, which is worse."
    )
    two = dataclasses.replace(table, models=(base, demo))
    assert verdict(two) == (
        "smollm2, the base, predicts Chinese (Traditional) best: 2.35 bits per byte, and runs/demo 2.68."
    )
    alone = dataclasses.replace(table, models=(final,))
    assert verdict(alone) == "runs/final scores 1.78 bits per byte on Chinese (Traditional)."
    assert "KL" not in words(render_evaluation(dataclasses.replace(alone, prompts=(), base="")))


def test_a_text_given_by_the_user_has_no_language_name(table):
    text = dataclasses.replace(table.base_language, language="und", drawn=False)
    shown = words(render_evaluation(dataclasses.replace(table, base_language=text)))
    assert "the base's language goes from 0.91 to 0.95" in shown


def test_a_plot_without_models_is_refused(table):
    with pytest.raises(ValueError, match="at least one model"):
        bits_plot((), "Thai", "English")
    with pytest.raises(ValueError, match="at least one model"):
        alignment_plot(table.models)


@pytest.fixture
def measured(table):
    """With what is inside the models, and tasks."""
    inside = [
        Alignment(
            (0.1, 0.2 + n, 0.4 + n), (0.1, 0.15, 0.35), (0.0, 0.25 + n, 0.5 + n), (0.0, 0.01, 0.02), (1, 2)
        )
        for n in (0, 0.1, 0.2)
    ]
    tasks = [
        (
            TaskNumber("belebele", "acc", 0.25 + n / 100, 0.0123, True),
            TaskNumber("lambada", "ppl", 7.5, None, False),
        )
        for n in range(3)
    ]
    models = [
        dataclasses.replace(one, alignment=inside[n], tasks=tasks[n], boundaries=Boundaries(800, 168 * n))
        for n, one in enumerate(table.models)
    ]
    return dataclasses.replace(
        table, models=tuple(models), pairs=MeasuredPairs("a Bible: 100 of 900 pairs", 100)
    )


def test_what_is_inside_the_models_is_on_the_page_beside_shuffled_pairs(measured, table):
    html = render_evaluation(measured)
    shown = words(html)
    for text in (
        "How alike 100 sentences and their translations are", "a Bible: 100 of 900 pairs", "0.300 (0.250)",
        "0.250 (0.010)", "0.500 (0.020)", "0.500 (0.250)", "0.383 (0.010)", "0.700 (0.020)",
    ):  # fmt: skip
        assert text in shown, text
    assert (
        "runs/final: Language Ranker 0.50, of shuffled pairs 0.25; MEXA 0.38, of shuffled pairs 0.01." in html
    )
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert "Inside the models" not in render_evaluation(table)


def test_tasks_are_on_the_page_side_by_side(measured, table):
    shown = words(render_evaluation(measured))
    assert "belebele acc ↑ 0.2500 (0.0123) 0.2600 (0.0123) 0.2700 (0.0123)" in shown
    assert "lambada ppl ↓ 7.5000 7.5000 7.5000" in shown
    assert (
        "runs/demo tokenizes 168 of 800 contexts and continuations (21.0%) with a token that straddles the "
        "two; they are scored by their text." in shown
    )
    assert (
        "smollm2 tokenizes" not in shown
        and "as lm-eval computes" not in words(render_evaluation(table)).lower()
    )
