"""The model card of a trained checkpoint: the card of its base, updated for what training changed.

A card that somebody rewrote keeps their text and gains the section on training.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from vocabx.checkpoint.configuration import read_config
from vocabx.checkpoint.factorised import is_factorised
from vocabx.checkpoint.objective import MEASURE
from vocabx.report.card import card_environment
from vocabx.training.methods import Method
from vocabx.training.metrics import Measured
from vocabx.training.record import TrainingRecord

_CARD = "README.md"
_TEMPLATE = "card_training.md"
# The text between the title and the list of facts: what is not trained yet, and what was kept from the base.
_OPENING = re.compile(r"(^# [^\n]*\n)\n.*?(?=^- Base: )", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^# [^\n]*\n", re.MULTILINE)
# The column of the card's table that is about the checkpoint of then.
_COLUMN = re.compile(r"(^\| held-out text \| \| base \| )this model( \| change \|$)", re.MULTILINE)
_HEADING = re.compile(r"^## ", re.MULTILINE)
_LABEL = re.compile(r'<p class="note trained">.*?</p>\n', re.DOTALL)
_EARLIER = "## Training\n"


def write_trained_card(base: Path, target: Path, record: TrainingRecord, onto: str, dtype: str) -> None:
    """Write README.md for a merged checkpoint; write nothing if the base has none.

    Args:
        base: the directory of the checkpoint that was trained.
        target: the directory of the merged checkpoint.
        record: the content of training.json.
        onto: "trained" or "original".
        dtype: name of the dtype of the stored weights.
    """
    path = base / _CARD
    if not path.is_file():
        return
    section = (
        card_environment()
        .get_template(_TEMPLATE)
        .render(
            method=record.method,
            text=record.text,
            steps=record.steps,
            onto=onto,
            dtype=dtype,
            scores=list(_scores(record.measured)),
            measure=MEASURE[record.objective],
            objective=record.objective,
            mask=record.mask,
            pairs=record.pairs,
        )
    )
    card = path.read_text(encoding="utf-8", errors="replace")
    opening = _opening(record.method, is_factorised(read_config(base)))
    (target / _CARD).write_text(_with_section(_opened(card, opening), section), encoding="utf-8")


def labelled_page(page: str, record: TrainingRecord) -> str:
    """The page of an extension with a note at its top that its numbers are from before the training."""
    scores = "; ".join(
        f"{name} {before:.3f} → {after:.3f}" for name, before, after in _scores(record.measured)
    )
    trained = f" Bits per byte before and after training: {scores}." if scores else ""
    note = (
        '<p class="note trained"><strong>This model was trained since: bits per byte and embeddings on this '
        f"page are those before training.</strong>{trained}</p>\n"
    )
    before, header, after = _LABEL.sub("", page).partition("</header>")
    return f"{before}{note if header else ''}{header}{after}"


def _opened(card: str, opening: str) -> str:
    """A card of ours with a new opening, without the statements that training made untrue."""
    card = _OPENING.sub(lambda found: f"{found[1]}\n{opening}\n\n", card, count=1)
    card = card.replace("\n## Before and after\n", "\n## The extension, before any training\n", 1)
    card = _COLUMN.sub(r"\1before training\2", card, count=1)
    if "\nbase_model:" in card and "\nbase_model_relation:" not in card:
        card = card.replace("\nbase_model:", "\nbase_model_relation: finetune\nbase_model:", 1)
    return card


def _opening(method: Method, factorised: bool) -> str:
    if factorised and method.name != "full":
        others = "Nothing else was." if method.name == "rows" else "So were the layers between them."
        what = f"The factors of its embedding matrices were trained, for old and new tokens alike. {others}"
        return f"**This model was trained**: see [Training](#training). {what}"
    rest = {
        "rows": "All old token embeddings and all other weights are those of the base, bit for bit.",
        "full": "All weights were trained.",
    }
    adapted = "All old token embeddings are those of the base, bit for bit; the layers between were trained."
    if method.tables:
        adapted = "The embedding matrices and the layers between them were trained."
    return f"**This model was trained**: see [Training](#training). {rest.get(method.name, adapted)}"


def _with_section(card: str, section: str) -> str:
    """A card with `section` inserted before its first section, or at its end."""
    card = card.replace(_EARLIER, "## Earlier training\n")
    title = _TITLE.search(card)
    heading = _HEADING.search(card, title.end() if title else 0)
    place = heading.start() if heading else len(card)
    return f"{card[:place].rstrip()}\n\n{section.strip()}\n\n{card[place:]}".rstrip() + "\n"


def _scores(measured: Sequence[Measured]) -> Iterator[tuple[str, float, float]]:
    """The name of each held-out text, and its bits per byte at the first and last measurement."""
    for name, field in (("held-out text", "target_bits"), ("the base's language", "base_bits")):
        found = [bits for one in measured if (bits := getattr(one, field)) is not None]
        if len(found) > 1:
            yield name, found[0], found[-1]
