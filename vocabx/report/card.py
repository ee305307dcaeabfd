"""The model card of an extended checkpoint: README.md with the metadata that the hub reads."""

from importlib.resources import files
from pathlib import Path

from vocabx.checkpoint.base import Base
from vocabx.report.report import Report
from vocabx.report.transfer_report import TransferReport


def write_card(
    directory: Path, base: Base, report: Report | TransferReport, template: str = "card.md"
) -> None:
    """Write README.md for the checkpoint that `report` describes, by a template of the assets."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = (files("vocabx.assets") / template).read_text(encoding="utf-8")
    text = environment.from_string(source).render(
        base=base, report=report, hub_base=base.origin.count("/") == 1 and " " not in base.origin
    )
    (directory / "README.md").write_text(text, encoding="utf-8")
