import dataclasses
import re
from html.parser import HTMLParser

import pytest

from vocabx.evaluation.comparison import Comparison, Measure
from vocabx.report.extension_page import render_page
from vocabx.report.extension_plots import norms_histogram, tokens_curve
from vocabx.report.extension_report import (
    CurvePoint,
    FrequentToken,
    Norms,
    Origin,
    Piece,
    Report,
    TokenizedParagraph,
    Weight,
)
from vocabx.report.extension_verdict import extension_verdict
from vocabx.report.recommended import recommended_tokens
from vocabx.tokenizer.certificate import Claim
from vocabx.tokenizer.pretokenized import Boundaries

ADVERSARIAL = "<script>alert(1)</script>&\"'"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#34;&#39;"
EMPTY_ELEMENTS = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """A parsed page: its elements, its visible words, and whether its tags match."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.elements if t == tag and all(a.get(k) == v for k, v in wanted.items())]

    def classes(self) -> list[set[str]]:
        return [set((attributes.get("class") or "").split()) for _, attributes in self.elements]


def old(text, whole=True):
    return Piece(text, False, whole)


@pytest.fixture
def report() -> Report:
    return Report(
        version="9.8.7",
        command="vocabx extend --base smollm2 --lang zh-Hant",
        base="smollm2",
        base_origin="a package",
        language="zh-Hant",
        language_name="Traditional Chinese",
        corpus="a corpus of 32 MB",
        family="byte-level BPE",
        origin=Origin("", 0, 0, 0, 0, False, "", None),
        initializer="zip_tie",
        seed=17,
        old_tokens=49152,
        new_tokens=8000,
        pad_rows=32,
        rows=57184,
        tied=True,
        target=Comparison(
            "zh-Hant", "held-out wiki", 412311, 1189442, 60001,
            Measure(742118, 0.556, 2.5041, 2.6172, 1823400.0),
            Measure(230057, 1.792, 2.2077, 2.3034, 2012345.0),
        ),
        base_language=Comparison(
            "en", "held-out books", 623113, 625002, 60002,
            Measure(141207, 4.413, 1.0312, 1.1213, 2512346.0),
            Measure(141207, 4.413, 1.0322, 1.1214, 2498345.0),
        ),
        claims=(
            Claim("base-text", "English is tokenized as before.", 5321, 0, True, ()),
            Claim("used", "Every new token is used.", 8001, 14, False, ("詞 is unused",)),
        ),
        hull_bound=0.3471,
        collisions=3,
        unused=12,
        dropped=431,
        curve=tuple(CurvePoint(n, s) for n, s in ((0, 1.0), (4000, 0.42), (8000, 0.31), (16000, 0.27))),
        paragraphs=(
            TokenizedParagraph(
                (Piece("E8 87", False, False), Piece("BA", False, False), Piece("\n", False, True)),
                (Piece("臺灣", True, True), Piece(ADVERSARIAL, False, True)),
            ),
        ),
        frequent=(
            FrequentToken(49153, Piece("臺", True, True), 3211, (old("E8 87", False), old("BA", False))),
            FrequentToken(49154, Piece("BE", True, True), 77, (old("B"), old("E"))),
            FrequentToken(49155, Piece(ADVERSARIAL, True, True), 5, (old(ADVERSARIAL),)),
        ),
        norms=(Norms("input", (0.0, 1.0, 2.0), (10, 40), (6, 2)),),
        seconds={"learn": 33.1, "write": 3.4},
    )  # fmt: skip


def changed(report: Report, **fields: object) -> Report:
    return dataclasses.replace(report, **fields)


def unmeasured(text: Comparison) -> Comparison:
    return dataclasses.replace(
        text,
        scored_bytes=0,
        base=dataclasses.replace(text.base, bits_per_byte=None, bits_per_byte_start=None),
        extended=dataclasses.replace(text.extended, bits_per_byte=None, bits_per_byte_start=None),
    )


def of_length(text: Comparison, tokens: int) -> Comparison:
    return dataclasses.replace(text, extended=dataclasses.replace(text.extended, tokens=tokens))


def test_the_page_is_self_contained(report):
    html = render_page(report)
    page = Page(html)
    assert page.open == []
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object"}
    for _, attributes in page.elements:
        assert not attributes.keys() & {"src", "srcset", "data", "action"}
        assert (attributes.get("href") or "#").startswith("#")
        assert "xlink:href" not in attributes
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))


def test_equal_reports_give_equal_bytes(report):
    assert render_page(report) == render_page(changed(report))


def test_ids_are_unique_and_references_have_a_target(report):
    html = render_page(changed(report, norms=report.norms * 2))
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    references = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)|labelledby="([^"]*)"', html)
    assert references
    assert {"".join(reference) for reference in references} <= set(ids)


def test_texts_are_never_markup(report):
    claim = Claim("base-text", ADVERSARIAL, 10, 1, True, (ADVERSARIAL,))
    texts = dict.fromkeys(
        ("base_origin", "corpus", "command", "initializer", "language_name", "version"), ADVERSARIAL
    )
    html = render_page(changed(report, claims=(claim,), seconds={ADVERSARIAL: 1.0}, **texts))
    assert "<script" not in html
    assert html.count(ESCAPED) >= 12
    assert Page(html).open == []


def test_each_number_is_on_the_page(report):
    words = Page(render_page(report)).words
    for number in (
        "742,118", "230,057", "512,061 saved (69.0\u00a0%)", "0.56", "1.79", "2.504", "2.208", "1,823,400",
        "2,012,345", "141,207", "4.41", "1.031", "1.032", "2,512,346", "2,498,345", "412,311", "1,189,442",
        "623,113", "625,002", "60,001", "60,002", "49,152", "8,000", "57,184", "0.347\u00a0nats", "5,321",
        "8,001", "3,211", "49153", "33.1", "36.5", "9.8.7",
    ):  # fmt: skip
        # `words` collapses every kind of space.
        assert " ".join(number.split()) in words, number
    facts = (("Padding rows", 32), ("Seed", 17), ("Collisions", 3), ("Unused", 12), ("Dropped", 431))
    for name, value in facts:
        assert f"{name}{value}" in words.replace(f"{name} ", name)


def said(report: Report) -> str:
    """All that the verdict says, with plain spaces."""
    found = extension_verdict(report)
    steps = (part for step in found.steps for part in (step.why, step.command, step.remark))
    parts = (found.answer, *found.better, *found.costs, *found.tokens, *steps)
    return " | ".join(parts).replace("\u00a0", " ")


def test_the_verdict_follows_from_the_numbers(report):
    heavy = changed(
        report, weight=Weight(270_000_000, 280_000_000, 1152, 270_000_000, 1152), trainable=True, out="runs/x"
    )
    words = said(heavy)
    for sentence in (
        "Worth it for speed and context: Traditional Chinese text takes 3.23 times fewer tokens",
        "quality is 11.8 % ahead of the base's",
        "Tokens: 230,057 in place of 742,118 for the same text, 3.23 times fewer",
        "each of which reads 3.4 % more weights: up to 3.12 times as fast",
        "2.21 bits per byte of Traditional Chinese, the base's 2.50: 11.8 % ahead",
        "English: 0 of 5,321 lines are tokenized differently; 1.03 bits per byte, the base's 1.03.",
        "Size: +10.0 MB on disk and in memory, +3.7 % (270.0 → 280.0 MB).",
        "Certificate: holds (1 required claim).",
        "vocabx train runs/x --max-minutes 60 --contest",
    ):
        assert sentence in words, (sentence, words)
    assert "--init distill" not in words, "it begins ahead of the base already"


def test_the_verdict_is_honest_when_the_start_is_behind(report):
    extended = dataclasses.replace(report.target.extended, bits_per_byte=2.9)
    behind = changed(
        report,
        target=dataclasses.replace(report.target, extended=extended),
        trainable=True,
        out="runs/x",
        command="vocabx extend --base smollm2 --lang zh-Hant --init ofa --rank 100 --out runs/x --resume "
        "--seed 5",
    )
    words = said(behind)
    assert "Worth it for speed and context, if you train it" in words
    assert "quality is 15.8 % behind the base's" in words
    assert "Whether training makes up for that, vocabx train --contest measures." in words
    assert (
        "vocabx extend --base smollm2 --lang zh-Hant --seed 5 --init distill --untie --out runs/x-distill"
    ) in words
    assert "level with it after ten minutes of one core, and 7.0 % ahead after half an hour." in words
    weight = Weight(270_000_000, 280_000_000, 1152, 270_000_000, 1152)
    assert "The lm_head of its own takes 66 MB more. On the" in said(changed(behind, weight=weight))


def test_the_verdict_advises_against_what_gains_nothing_or_fails(report):
    longer = changed(report, target=of_length(report.target, 800000))
    assert "Not worth it: Traditional Chinese text takes 1.08 times as many tokens as before" in said(longer)
    claim = Claim("base-text", "English is tokenized as before.", 5321, 31, True, ())
    broken = said(changed(report, claims=(claim,), trainable=True))
    assert "Do not use this result" in broken and "Certificate: 1 of 1 required claims FAIL." in broken
    assert "31 of 5,321 lines are tokenized differently" in broken
    assert "vocabx train" not in broken


def test_a_verdict_without_checked_lines_compares_lengths(report):
    bare = changed(report, claims=())
    assert "English: as many tokens as before;" in said(bare) and "Certificate: not checked." in said(bare)
    longer = changed(bare, base_language=of_length(report.base_language, 141800))
    assert "English: tokens × 1.004, though none should change" in said(longer)


def points(*rows):
    return tuple(CurvePoint(*row) for row in rows)


@pytest.mark.parametrize(
    ("curve", "tokens", "reason"),
    [
        (points((0, 1.0), (4000, 0.4, 0.0), (8000, 0.399, 0.0)), 4000, "each further thousand would save"),
        (points((0, 1.0), (4000, 0.5, 0.02), (8000, 0.4, 0.3)), 4000, "30 % would occur less than 16 times"),
        (points((0, 1.0), (4000, 0.5, 0.0), (8000, 0.4, 0.0)), 8000, "more were not measured"),
    ],
)
def test_the_recommended_number_stops_where_more_would_be_wasted(report, curve, tokens, reason):
    found = recommended_tokens(changed(report, curve=curve))
    assert found.tokens == tokens
    assert reason in found.why.replace("\u00a0", " ")


def test_a_heavy_head_lowers_the_recommended_number(report):
    curve = points((0, 1.0), (4000, 0.4, 0.0), (8000, 0.36, 0.0), (16000, 0.30, 0.0))
    light = changed(report, curve=curve, weight=Weight(10**9, 10**9, 1000, 10**9, 1000))
    heavy = changed(report, curve=curve, weight=Weight(10**9, 10**9, 50_000, 10**9, 50_000))
    assert (recommended_tokens(light).tokens, recommended_tokens(heavy).tokens) == (16000, 4000)
    assert recommended_tokens(changed(report, curve=curve[:2])) is None


def test_the_floor_of_the_pretokenizer_stands_beside_the_token_count(report):
    split = Boundaries(220_000, 90_000, 0.31, 0.0)
    command = "vocabx extend --lang hi --out runs/x"
    words = said(changed(report, boundaries=split, command=command, out="runs/x"))
    assert "No number of tokens brings the 230,057 below 220,000" in words and "useless" in words
    assert "splits 31.0 % of the words" in words and "the limit is 90,000 tokens" in words
    assert "vocabx extend --lang hi --pretokenizer adapt --out runs/x-adapted" in words
    roomy = said(changed(report, boundaries=Boundaries(90_000, None, 0.0, None)))
    assert "below 90,000, the pre-tokenizer's words." in roomy and "--pretokenizer" not in roomy


def test_missing_measurements_are_marked_as_such(report):
    bare = changed(
        report,
        target=unmeasured(report.target),
        base_language=unmeasured(report.base_language),
        hull_bound=None,
        command="",
        claims=(),
        curve=(),
        paragraphs=(),
        frequent=(),
        norms=(),
        seconds={},
    )
    html = render_page(bare)
    page = Page(html)
    assert "bits per byte were not measured" in said(bare)
    assert page.words.count("not measured") >= 7
    assert "none: embeddings were drawn at random" in page.words
    assert "Nothing was certified" in page.words
    assert "Called from Python" in page.words
    assert "None" not in page.text
    assert not page.all("svg")


def test_a_failed_claim_is_shown_with_its_counterexamples(report):
    examples = ("a café line", "x = 1")
    html = render_page(changed(report, claims=(Claim("base-ids", "Ids are kept.", 900, 2, True, examples),)))
    page = Page(html)
    assert all(word in page.words for word in ("Certificate: FAILS", "Ids are kept.", "900", *examples))
    assert [details for details in page.all("details") if "open" in details]
    assert any({"verdict", "broken"} <= names for names in page.classes())
    assert any("fail" in names for names in page.classes())


def test_an_optional_claim_does_not_fail_the_certificate(report):
    page = Page(render_page(report))
    assert "Certificate: holds" in page.words
    assert "for information" in page.words
    assert "詞 is unused" in page.words
    assert not any("fail" in names or "broken" in names for names in page.classes())


def test_a_claim_without_cases_is_shown_as_not_checked(report):
    unchecked = Claim("base-text", "English is tokenized as before.", 0, 0, True, ())
    assert "not checked" in Page(render_page(changed(report, claims=(unchecked,)))).words


def test_paragraphs_show_tokens_as_they_are(report):
    html = render_page(report)
    assert '<span class="piece byte">E8 87</span><span class="piece byte">BA</span>' in html
    assert f'<span class="piece new">臺灣</span><span class="piece">{ESCAPED}</span>' in html
    assert '<span class="piece">↵\n</span>' in html
    words = Page(html).words
    assert "3 tokens" in words
    assert "2 tokens" in words
    assert Page(html).all("p", lang="zh-Hant")


def test_frequent_tokens_distinguish_bytes_from_letters(report):
    html = render_page(changed(report, paragraphs=()))
    assert '<span class="piece byte">E8 87</span><span class="piece byte">BA</span>' in html
    assert '<span class="piece">B</span><span class="piece">E</span>' in html
    assert '<span class="piece new">BE</span>' in html


def test_plots_have_labels_for_screen_readers(report):
    plots = Page(render_page(report)).all("svg", role="img")
    assert len(plots) == 2
    assert "31 % at the 8,000 tokens added" in (plots[0]["aria-label"] or "")
    assert "input embeddings" in (plots[1]["aria-label"] or "")


def test_the_curve_marks_a_number_between_its_points():
    svg = tokens_curve((CurvePoint(0, 1.0), CurvePoint(1000, 0.5)), 500, "Thai")
    assert ">500 new tokens: 75 %<" in svg and "no fewer than" not in svg
    floored = tokens_curve((CurvePoint(0, 1.0), CurvePoint(1000, 0.5)), 500, "Thai", 0.12)
    assert ">no fewer than 12 %: the pre-tokenizer" in floored


def test_plots_take_the_colors_of_the_page(report):
    for svg in (tokens_curve(report.curve, 8000, "$x$ <b>"), norms_histogram(report.norms)):
        assert svg.startswith("<svg")
        assert svg.endswith("</svg>")
        assert "currentColor" in svg
        assert "var(--accent" in svg
        assert not re.search(r"#0[1-9a]0[1-9a]0[1-9a]|#000000|http|<style|<metadata", svg)


def test_plots_leave_the_settings_of_matplotlib_unchanged(report):
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"font.size": 31.0, "svg.hashsalt": "mine"}):
        before = dict(matplotlib.rcParams)
        styled = tokens_curve(report.curve, 8000, "Thai")
        assert dict(matplotlib.rcParams) == before
    assert styled == tokens_curve(report.curve, 8000, "Thai")


def test_norms_are_shares_so_that_matrices_of_different_size_compare():
    edges = (0.0, 1.0, 2.0)
    few = norms_histogram((Norms("input", edges, (10, 40), (6, 2)),))
    many = norms_histogram((Norms("input", edges, (100, 400), (600, 200)),))
    paths = [re.findall(r' d="([^"]*)"', svg) for svg in (few, many)]
    assert paths[0] == paths[1]
    assert norms_histogram((Norms("input", edges, (0, 0), (0, 0)),))


def test_plots_without_data_are_refused():
    with pytest.raises(ValueError, match="without points"):
        tokens_curve((), 10, "Thai")
    with pytest.raises(ValueError, match="at least one matrix"):
        norms_histogram(())


def test_a_tokenizer_alone_is_shown_without_embeddings_and_models(report):
    words = Page(render_page(dataclasses.replace(report, initializer="", norms=(), rows=0))).words
    for absent in ("Hull bound", "Padding rows", "Collisions", "Bits per byte", "Norms of the embeddings"):
        assert absent not in words
    assert "byte-level BPE" in words
    assert "bits per byte" not in said(dataclasses.replace(report, initializer=""))


def test_the_donor_and_the_cost_of_protection_are_shown(report):
    origin = Origin(ADVERSARIAL, 19_000, 812, 33, 400, True, "english.txt", 0.25)
    html = render_page(dataclasses.replace(report, origin=origin))
    words = Page(html).words
    for shown in ("19,000", "812", "33", "widened", "english.txt", "without protection × 0.250"):
        assert shown in words
    assert ADVERSARIAL not in html
