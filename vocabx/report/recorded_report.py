"""What is read of the report.json of an earlier run."""

from pathlib import Path

import msgspec

from vocabx._util.json_file import fit, is_there, read_object
from vocabx.corpus.sketch import Sketch
from vocabx.errors import BaseModelError

_REMEDY = "restore it, or remove it"


class RecordedReport(msgspec.Struct, frozen=True):
    """What is read; a report of a transfer has neither.

    Attributes:
        hull_bound: as in `Report`.
        sketch: as in `Report`.
    """

    hull_bound: float | None = None
    sketch: str = ""


def read_report(directory: Path) -> RecordedReport:
    """What the report.json of a directory says; nothing where there is none.

    Raises:
        BaseModelError: it is damaged.
    """
    path = directory / "report.json"
    if not is_there(path):
        return RecordedReport()
    return fit(path, read_object(path, BaseModelError, _REMEDY), RecordedReport, BaseModelError, _REMEDY)


def recorded_sketch(directory: Path) -> Sketch | None:
    """The sketch of the text that a checkpoint's new tokens were learned from; None where there is none.

    Raises:
        BaseModelError: its report.json is damaged.
    """
    return sketch_or_none(read_report(directory).sketch) if directory.is_dir() else None


def sketch_or_none(text: str) -> Sketch | None:
    """The sketch that a record holds; None where it holds none that can be read."""
    try:
        return Sketch.of_text(text) if text else None
    except ValueError:
        return None
