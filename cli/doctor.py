"""vocabx doctor: find what is wrong with an extended checkpoint, and write a repaired copy."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vocabx.commands.doctor.options import DoctorOptions

from .options import command
from .plain_line import json_line

if TYPE_CHECKING:
    from vocabx.commands.doctor.examine import Examination
    from vocabx.commands.doctor.run import DoctorResult

_STYLES = {"fatal": "bold red", "wrong": "red", "note": "yellow"}


@command(DoctorOptions)
def doctor(options: DoctorOptions, quiet: bool, as_json: bool) -> None:
    """Find what is wrong with an extended checkpoint, and repair it; exit 1 if anything is left wrong."""
    from vocabx.commands.doctor.run import doctor as run

    from .progress import TerminalProgress

    result = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line(result.to_dict()))
    else:
        _print(result, options.out)
    if not result.sound:
        raise typer.Exit(1)


def _print(result: "DoctorResult", out: Path | None) -> None:
    found, new = result.found, result.found.files.new
    how = f", inferred: {new.inferred}" if new.inferred else ""
    _say(f"{found.files.directory}: {len(new.ids):,} new tokens{how}")
    _print_findings(found)
    repairable = sum(finding.repairable for finding in found.findings)
    if result.repaired:
        _say(f"\n{out}: repaired {', '.join(finding.name for finding in result.repaired)}")
        _print_findings(result.left)
        if found.changes_tokenization and found.files.weights is not None:
            _say(
                "Text is now tokenized differently from when this model was trained: continue training "
                "before you use it."
            )
    elif out is not None:
        _say(f"Nothing here can be repaired, so {out} was not written.")
    elif repairable:
        _say(f"{repairable} of these can be repaired: pass --out to write a repaired copy.")


def _print_findings(examination: "Examination") -> None:
    for finding in examination.findings:
        _say(f"  {finding.severity:5}  {finding.name}", _STYLES[finding.severity])
        _say(f"         {finding.sentence}")
        if finding.examples:
            _say(f"         for example {', '.join(finding.examples)}")
        if finding.remedy:
            _say(f"         {'repair' if finding.repairable else 'advice'}: {finding.remedy}")
    if examination.sound:
        _say("  Nothing is wrong.", "green")


def _say(line: str, style: str = "") -> None:
    from .console import print_lines

    print_lines([line], style=style or None)
