"""The story of `vocabx doctor`: examine a directory, write a repaired copy, and examine the copy."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.base import find_tokenizer_base
from vocabx.checkpoint.model_directory import refuse_links
from vocabx.commands.doctor.examine import Examination, examine
from vocabx.commands.doctor.finding import Finding
from vocabx.commands.doctor.options import DoctorOptions
from vocabx.commands.doctor.repair import check_target, repair
from vocabx.progress import Progress, Quiet


@dataclass(frozen=True, eq=False)
class DoctorResult:
    """The findings and repairs.

    Attributes:
        found: the examination of the directory.
        repaired: the findings that the copy no longer has.
        out: the repaired copy; None if none was written.
        left: the examination of the copy, or `found` if there is none.
    """

    found: Examination
    repaired: tuple[Finding, ...]
    out: Path | None
    left: Examination

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong any more."""
        return self.left.sound

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {
            **self.found.to_dict(),
            "out": None if self.out is None else str(self.out),
            "repaired": [finding.name for finding in self.repaired],
            "left": None if self.out is None else [asdict(finding) for finding in self.left.findings],
        }


def doctor(options: DoctorOptions, progress: Progress | None = None) -> DoctorResult:
    """Find what is wrong with an extended checkpoint, whoever made it, and write a repaired copy.

    Args:
        options: see `DoctorOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    progress = progress or Quiet()
    directory, out = options.directory, options.out
    if out is not None:
        check_target(directory, out)
    base = find_tokenizer_base(options.base, progress).directory if options.base else None
    if directory.is_dir():
        refuse_links(directory)
    with progress.stage(f"Examining {directory}"):
        found = examine(directory, base)
    if out is None:
        return DoctorResult(found, (), None, found)
    with progress.stage(f"Repairing into {out}"):
        repaired = repair(found, out, progress.note)
    if not repaired:
        return DoctorResult(found, (), None, found)
    with progress.stage(f"Examining {out}"):
        left = examine(out, base, found.files.new)
    return DoctorResult(found, repaired, out, left)
