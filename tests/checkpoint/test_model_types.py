"""The record of a run over all model types: the page and the table of known types agree with it."""

from pathlib import Path

from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.model_types import MAPS, model_types_page, recorded_types

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_of_the_record():
    assert (ROOT / "docs" / "models.md").read_text("utf-8") == model_types_page()


def test_every_type_is_extended_or_has_a_reason():
    for one in recorded_types().types:
        assert one.map in MAPS
        assert one.verdict in ("extended", "refused", "unproven", "no text")
        assert bool(one.input and one.settings) == (one.verdict == "extended") != bool(one.reason)
        assert one.difference < 2e-5


def test_every_type_of_the_table_is_recorded_as_extended():
    extended = {one.type for one in recorded_types().types if one.verdict == "extended"}
    assert ARCHITECTURES.keys() - extended == set()
