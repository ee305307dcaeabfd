import re
from dataclasses import replace

import pytest

from vocabx.report.initializer_page import render_comparison
from vocabx.report.initializer_table import Bits, InitializerTable, Probed, Row, averaged

SIZES = (3000, 2000, 1000)


def probed(passages, base_language=1.0) -> Probed:
    target = sum(bits * size for bits, size in zip(passages, SIZES, strict=True)) / sum(SIZES)
    return averaged([(Bits(target, base_language), passages)])


def row(name, start, after) -> Row:
    return Row(name, "", 0.1, None, 10, 0, 0, None, 0, Bits(start, 1.0), after)


def table(rows, base_probed=None) -> InitializerTable:
    return InitializerTable(
        version="", command="", base="base", base_origin="", language="zh-Hant", base_language="en",
        corpus="", new_tokens=10, old_tokens=100, heldout_bytes=(6000, 6000), seed=0, passage_bytes=SIZES,
        probe_steps=50, probe_seeds=1, base_bits=Bits(2.0, 1.0), base_probed=base_probed, rows=tuple(rows),
        seconds={},
    )  # fmt: skip


def test_the_best_after_the_probe_is_recommended_whatever_it_was_before():
    rows = [row("early", 2.0, probed((1.9, 1.9, 1.9))), row("late", 3.0, probed((1.8, 1.8, 1.8)))]
    assert table(rows).choice()[0] == "late"
    assert table(rows[::-1]).choice()[0] == "late"
    harmful = replace(rows[1], probed=probed((1.8, 1.8, 1.8), base_language=1.1))
    name, why = table([rows[0], harmful]).choice()
    assert name == "early"
    assert "late would cost more of en than 0.01" in why
    untrained = [replace(one, probed=None) for one in rows]
    assert table(untrained).choice()[0] == ""
    assert "scores before training" in table(untrained).choice()[1]


def test_the_sentence_says_how_far_behind_or_ahead_of_the_base_the_best_is():
    rows = [row("one", 2.0, probed((1.8, 1.8, 1.8)))]
    assert "10.0 % ahead of the base left alone" in table(rows, probed((2.0, 2.0, 2.0))).choice()[1]
    behind = table(rows, probed((1.5, 1.5, 1.5))).choice()[1]
    assert "20.0 % behind the base left alone" in behind
    assert "95 % interval 0.300 to 0.300 bits per byte" in behind


def test_the_interval_is_of_the_difference_on_the_same_passages():
    # Passages differ much, and the difference of the two hardly does: unpaired, it would be lost in them.
    best, other = probed((1.0, 3.0, 5.0)), probed((1.1, 3.1, 5.2))
    lead = table([row("best", 2.0, best), row("other", 2.0, other)]).leads()[0]
    assert lead.over == "other"
    assert lead.bits == pytest.approx((0.1 * 3000 + 0.1 * 2000 + 0.2 * 1000) / 6000)
    low, high = lead.interval
    # Draws of one passage three times are the extremes.
    assert low == pytest.approx(0.1)
    assert lead.bits < high <= 0.2 + 1e-9
    assert table([row("best", 2.0, best), row("other", 2.0, other)]).leads()[0].interval == (low, high)


def test_an_initializer_that_makes_all_embeddings_equal_is_never_recommended():
    alike = replace(row("mean", 2.0, probed((1.0, 1.0, 1.0))), collisions=10)
    other = row("other", 2.0, probed((1.5, 1.5, 1.5)))
    name, why = table([alike, other]).choice()
    assert name == "other" and "mean cannot be recommended" in why
    assert table([alike]).choice()[0] == "" and "same embedding" in table([alike]).choice()[1]


def test_the_page_shows_the_distance_to_the_best_with_its_interval():
    rows = [row("<best>", 2.0, probed((1.0, 3.0, 5.0))), row("other", 2.0, probed((1.1, 3.1, 5.2)))]
    page = render_comparison(table(rows, probed((1.2, 3.2, 5.2))))
    assert page.count("<svg") == 1 and "&lt;best&gt;" in page and "<best>" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "+0.117 (+0.100 to +0.200)" in page
    assert page.index("base left alone</th>") < page.index("&lt;best&gt;</th>") < page.index("other</th>")


def test_one_passage_gives_no_interval():
    def only(bits) -> Probed:
        return averaged([(Bits(bits, 1.0), (bits,))])

    made = replace(table([row("best", 2.0, only(1.0)), row("other", 2.0, only(1.5))]), passage_bytes=(3000,))
    assert made.leads()[0].interval is None
    assert "interval" not in made.choice()[1]
