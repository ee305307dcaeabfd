"""The page of a study of mixtures, and its sentences."""

import pytest
from msgspec.structs import replace

from vocabx.report.mixture_page import render_mixture
from vocabx.report.mixture_words import answer_sentence, answer_sentences, doubts
from vocabx.training.metrics import Measured
from vocabx.training.mixture_law import MixtureLaw
from vocabx.training.mixture_study import MixtureStudy, Prediction, ShareAnswer, ShortRun

LAW = MixtureLaw(0.9, 0.35, 0.12, 0.6, 0.35, 0.08, 0.7, 1e6)
ANSWER = ShareAnswer(0.62, 0.55, 0.66, 1_000_000, 1.4, 0.95, 2.0)


@pytest.fixture
def study():
    runs = tuple(
        ShortRun(
            share,
            "runs/<x>",
            tuple(
                Measured(step=step, tokens=100 * step, target_bits=2.0, base_bits=1.0, seconds=1.0)
                for step in (0, 5, 10)
            ),
            0,
        )
        for share in (0.1, 0.25, 0.5, 0.75)
    )
    return MixtureStudy(
        version="1", command="vocabx mixture <demo>", checkpoint="demo", language="zh-Hant",
        base_language="en", tolerance=5.0, base_before=0.9, target_tokens=2_000_000, runs=runs, points=8,
        dropped=4, target_law=LAW, base_law=LAW, base_laws={"amounts of both texts": 0.004, "D-CPT": 0.066},
        left_out=(Prediction(0.25, 0.011, -0.004),),
        checked=(Prediction(0.4, 0.001, 0.002),), kept_in_runs=ANSWER, critical=ANSWER, kept=ANSWER,
        best=ANSWER,
    )  # fmt: skip


def test_the_page_answers_first_and_shows_how_far_to_trust_it(study):
    page = render_mixture(study)
    assert page.index("62 % Chinese") < page.index("<svg")
    assert "+1.10 %" in page and "never fitted" in page
    assert "vocabx mixture &lt;demo&gt;" in page and "<demo>" not in page


def test_the_answer_says_what_it_keeps_and_its_interval(study):
    said = answer_sentence(study, "Chinese", "English")
    assert said == (
        "62 % Chinese and 38 % replay is the most that keeps English within 5 % of what it was "
        "(90 % interval: 55 to 66 % Chinese)."
    )
    none = replace(study, kept=replace(ANSWER, share=None, low=None, high=None))
    assert "No share that was tried keeps English within 5 %" in answer_sentence(none, "Chinese", "English")
    largest = replace(study, kept=replace(ANSWER, share=0.9))
    assert answer_sentence(largest, "Chinese", "English").startswith("Even 90 % Chinese and 10 % replay")
    assert all(said.endswith(".") for said in answer_sentences(study, "Chinese", "English"))


def test_poor_predictions_and_far_extrapolations_are_said(study):
    assert "within 1.1 %" in doubts(study)[0]
    assert not any("more than 2 %" in said for said in doubts(study))
    poor = replace(study, checked=(Prediction(0.4, 0.05, 0.0),), kept=replace(ANSWER, times=40.0))
    assert any("more than 2 %" in said for said in doubts(poor))
    assert any("40 times as long" in said for said in doubts(poor))


def test_equal_studies_give_equal_pages(study):
    assert render_mixture(study) == render_mixture(study)
