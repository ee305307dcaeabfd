"""vocabx doctor: what is wrong with an extended checkpoint, and a mended copy of it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vocabx.doctor.examine import Examination
    from vocabx.doctor.finding import Finding

_DIRECTORY = "A checkpoint that somebody extended, or the directory of its tokenizer."
_BASE = "What it extends: an alias, a hub id, a directory or a file; without it, what is new is inferred."
_OUT = "Write a mended copy here; weights are linked."
_STYLES = {"fatal": "bold red", "wrong": "red", "note": "yellow"}


def doctor(
    directory: Annotated[Path, typer.Argument(help=_DIRECTORY, metavar="<directory>")],
    base: Annotated[str, typer.Option(help=_BASE)] = "",
    out: Annotated[Path | None, typer.Option(help=_OUT)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Say what is wrong with an extended checkpoint, and mend it; exit 1 when something is left wrong."""
    from vocabx.checkpoint.base import find_tokenizer_base
    from vocabx.doctor.examine import examine
    from vocabx.doctor.mend import check_target, mend

    from .terminal import TerminalProgress

    progress = TerminalProgress()
    if out is not None:
        check_target(directory, out)
    against = find_tokenizer_base(base, progress).directory if base else None
    with progress.stage(f"Examining {directory}"):
        found = examine(directory, against)
    mended: tuple[Finding, ...] = ()
    left = found
    if out is not None:
        with progress.stage(f"Mending into {out}"):
            mended = mend(found, out)
        if mended:
            with progress.stage(f"Examining {out}"):
                left = examine(out, against, found.patient.new)
    if as_json:
        print(json.dumps(_as_dict(found, mended, out, left), ensure_ascii=False))
    else:
        _print(found, mended, out, left)
    if not left.sound:
        raise typer.Exit(1)


def _as_dict(
    found: "Examination", mended: "tuple[Finding, ...]", out: Path | None, left: "Examination"
) -> dict[str, Any]:
    written = str(out) if mended else None
    names = [finding.name for finding in mended]
    return {
        **found.to_dict(),
        "out": written,
        "mended": names,
        "left": [asdict(finding) for finding in left.findings] if mended else None,
    }


def _print(
    found: "Examination", mended: "tuple[Finding, ...]", out: Path | None, left: "Examination"
) -> None:
    new = found.patient.new
    how = f", inferred: {new.inferred}" if new.inferred else ""
    _say(f"{found.patient.directory}: {len(new.ids):,} new pieces{how}")
    _print_findings(found)
    mendable = sum(finding.mendable for finding in found.findings)
    if mended:
        _say(f"\n{out}: mended {', '.join(finding.name for finding in mended)}")
        _print_findings(left)
        if found.changes_the_cut and found.patient.weights is not None:
            _say("Text is cut otherwise than when this model was trained: train it on before it is used.")
    elif out is not None:
        _say(f"Nothing that can be mended: {out} was not made.")
    elif mendable:
        _say(f"{mendable} of these can be mended: pass --out.")


def _print_findings(examination: "Examination") -> None:
    for finding in examination.findings:
        _say(f"  {finding.severity:5}  {finding.name}", _STYLES[finding.severity])
        _say(f"         {finding.sentence}")
        if finding.examples:
            _say(f"         such as {', '.join(finding.examples)}")
        if finding.remedy:
            _say(f"         {'mending' if finding.mendable else 'advice'}: {finding.remedy}")
    if examination.sound:
        _say("  Nothing is wrong.", "green")


def _say(line: str, style: str = "") -> None:
    from rich.console import Console

    Console().print(line, style=style or None, markup=False, highlight=False, soft_wrap=True)
