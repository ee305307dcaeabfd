import json

import pytest
from finished_runs import LORA

from vocabx.report.trained_card import labelled_page, write_trained_card
from vocabx.training.metrics import Measured
from vocabx.training.record import TrainedSteps, TrainedText

CARD = """# base with 40 new tokens for German

**The new token embeddings are not trained yet**: continue pretraining on German text before use.

- Base: base

## Before and after

| held-out text | | base | this model | change |
|---|---|---:|---:|---:|
| de | bits per byte | 2.340 | 2.630 | +0.290 |
"""


class Record:
    method, text = LORA, TrainedText("some text", "", 0.0, 256, 8, 0, 1000)
    steps = TrainedSteps(2, 4, 2000)
    measured = (Measured(1, 1000, 2.63, 0.1), Measured(2, 2000, 1.66, 0.1))
    objective, mask, pairs = "causal", "", ""


def card_of(directory, record, dtype, **config):
    """The card of a trained model, whose checkpoint had this config.json."""
    base, target = directory / "base", directory / "target"
    base.mkdir()
    target.mkdir()
    (base / "README.md").write_text(CARD)
    (base / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    write_trained_card(base, target, record, "trained", dtype)
    return (target / "README.md").read_text()


def test_the_card_of_a_trained_model_labels_the_numbers_from_before(tmp_path):
    card = card_of(tmp_path, Record, "bfloat16")
    assert "| held-out text | | base | before training | change |" in card
    assert "this model |" not in card and "## The extension, before any training" in card
    assert card.index("2.630 at the first measurement, 1.660 at the end") < card.index("| 2.630 |")


@pytest.mark.parametrize("times", [1, 2])
def test_the_page_of_a_trained_model_says_so_once(times):
    page = "<main><header><h1>base</h1>\n</header><p>2.630</p></main>"
    for _ in range(times):
        page = labelled_page(page, Record)
    assert page.count("those before training") == 1
    assert "2.630 → 1.660" in page and page.index("1.660") < page.index("</header>")
    assert labelled_page("another page", Record) == "another page"


def test_the_card_of_an_encoder_says_what_was_hidden(tmp_path):
    class Encoder(Record):
        objective, mask, pairs = "masked", "entities", "pairs.tsv"

    card = card_of(tmp_path, Encoder, "float32")
    assert "nouns, verbs and named entities, 15 % of the tokens; also in sentences with translations" in card
    assert "Masked bits per byte, held-out text: 2.630" in card
