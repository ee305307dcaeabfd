import re

import numpy as np
import pytest
from msgspec.structs import replace

from vocabx.report.training_page import render_training_page
from vocabx.report.training_plot import smoothed
from vocabx.report.training_verdict import learned_sentence, training_verdict
from vocabx.training.by_occurrence import OccurrenceGroup
from vocabx.training.methods import Method
from vocabx.training.metrics import Measured
from vocabx.training.record import (
    TrainedBase,
    TrainedRun,
    TrainedSchedule,
    TrainedSteps,
    TrainedText,
    TrainingRecord,
)


@pytest.fixture
def metrics():
    lines = [{"step": 0, "tokens": 0, "target_bits": 2.5, "base_bits": 0.9}]
    for step in range(1, 41):
        rates = {"rows": 2e-3, "others": 1e-3}
        lines.append(
            {"step": step, "tokens": 500 * step, "bits_per_byte": 2.5 - step / 50, "loss": 7.0,
             "rates": rates, "seconds": 1.5, "tokens_per_second": 333.0}
        )  # fmt: skip
    return [*lines, {"step": 40, "tokens": 20_000, "target_bits": 1.7, "base_bits": 0.895}]


@pytest.fixture
def record(metrics):
    return TrainingRecord(
        version="1",
        method=Method("lora", "bfloat16", rank=16, alpha=32.0),
        base=TrainedBase("/models/<demo>", {}),
        language="zh-Hant",
        first_id=49152,
        rows=55168,
        tied=True,
        targets=("a", "b"),
        text=TrainedText("zh.jsonl", "en.txt", 0.25, 256, 900, 100, 20_000),
        steps=TrainedSteps(40, 2, 20_000),
        schedule=TrainedSchedule(40, 2, 1, 4, learning_rate=1e-4, rows_learning_rate=1e-3, weight_decay=0.0),
        measured=tuple(Measured(**entry, seconds=1.0) for entry in metrics if "target_bits" in entry),
        seed=0,
        files={},
        run=TrainedRun("vocabx train demo", 600.0, 1, 2, 1, {"device": "cpu"}, ""),
    )


def test_the_verdict_says_what_was_learned_and_what_was_kept(record):
    found = learned_sentence(record, "Chinese", "English")
    assert found == (
        "Bits per byte after 20,000 tokens: Chinese 2.500 → 1.700 (−32.0\u00a0%), "
        "English 0.900 → 0.895 (−0.6\u00a0%)."
    )
    assert "was not measured" in learned_sentence(replace(record, measured=()), "Chinese", "English")


def test_a_run_without_a_contest_says_what_is_not_known_and_how_to_know_it(record):
    run = replace(record.run, command="vocabx train demo --quiet --max-steps 40 --out runs/t")
    found = training_verdict(replace(record, run=run), "Chinese", "English")
    assert "is not known" in found.costs[0]
    assert [step.command for step in found.steps] == [
        "vocabx train demo --max-steps 40 --out runs/t --resume --contest",
        "vocabx merge runs/t --out runs/t-merged",
    ]
    rows = training_verdict(replace(record, method=Method("rows", "bfloat16")), "Chinese", "English")
    assert [step.command for step in rows.steps] == [
        "vocabx merge '/models/<demo>-trained' --out '/models/<demo>-trained-merged'"
    ]
    called = training_verdict(replace(record, run=replace(run, command="")), "Chinese", "English")
    assert len(called.steps) == 1
    alone = training_verdict(replace(record, first_id=55168), "Chinese", "English")
    assert alone.costs == ()


def test_occurrences_are_a_table_with_ranges_in_words(record, metrics):
    groups = tuple(
        OccurrenceGroup(least, 10 * least + 1, least, bits)
        for least, bits in ((0, None), (1, 3.5), (4, 2.25), (16, 2.0), (64, 1.5))
    )
    page = render_training_page(replace(record, occurrences=groups), metrics, "en")
    for words in (
        ">0</th>",
        ">1 to 3</th>",
        ">4 to 15</th>",
        ">16 to 63</th>",
        ">64 or more</th>",
        ">2.250<",
    ):
        assert words in page
    assert "by how often" not in render_training_page(record, metrics, "en")


def test_the_page_is_self_contained_and_escapes_its_values(record, metrics):
    page = render_training_page(record, metrics, "en")
    assert "/models/&lt;demo&gt;" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert page.count("<svg") == 2
    assert "the first 49,152 rows are unchanged, bit for bit" in page


def test_a_run_without_measurements_has_a_page_too(record, metrics):
    steps = [entry for entry in metrics if "loss" in entry]
    page = render_training_page(replace(record, measured=()), steps, "en")
    assert "was not measured during training" in page


def test_the_page_says_if_the_method_changes_old_embeddings(record, metrics):
    full = replace(record, method=Method("full", "bfloat16"))
    assert "this method trains them too" in render_training_page(full, metrics, "en")


def test_smoothing_keeps_a_straight_line():
    line = np.arange(300.0)
    assert np.allclose(smoothed(line)[10:-10], line[10:-10])
    assert len(smoothed([1.0])) == 1


def test_a_stability_gap_is_drawn_and_said(record, metrics):
    scores = [(0, 0.9), (1, 0.95), (3, 1.0), (10, 0.92), (20, 0.9), (40, 0.88)]
    measured = tuple(
        Measured(step=step, tokens=500 * step, target_bits=2.5 - step / 50, base_bits=bits, seconds=1.0)
        for step, bits in scores
    )
    lines = [*(one.plain() for one in measured), *(line for line in metrics if "loss" in line)]
    page = render_training_page(replace(record, measured=measured), lines, "en")
    assert "English shows a stability gap: worst after step 3, by 0.100 bits per byte, and as good" in page
    assert "from step 20 on" in page and page.count("stability gap") == 2
    assert "Change of held-out Chinese" in page


def test_a_run_of_two_scores_shows_no_change_over_steps(record, metrics):
    assert "Change of held-out" not in render_training_page(record, metrics, "en")
