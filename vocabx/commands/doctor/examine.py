"""The examination: a series of checks on the files as repaired so far, so each fault is reported once."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.recorded import require_base_directory
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles, read_checkpoint_files
from vocabx.commands.doctor.checks.added_tokens import (
    check_added_ids,
    check_added_tokens,
    repair_added_ids,
    repair_added_tokens,
)
from vocabx.commands.doctor.checks.embeddings import check_rows
from vocabx.commands.doctor.checks.files_agree import check_files_agree, repair_files_agree
from vocabx.commands.doctor.checks.pieces import check_pieces, repair_pieces
from vocabx.commands.doctor.checks.records import check_records
from vocabx.commands.doctor.checks.scores import check_scores, repair_scores
from vocabx.commands.doctor.checks.sizes import check_sizes, repair_sizes
from vocabx.commands.doctor.checks.suppressed import check_suppressed, repair_suppressed
from vocabx.commands.doctor.checks.tie import check_tie, repair_tie
from vocabx.commands.doctor.finding import Finding
from vocabx.commands.doctor.new_tokens import NewTokens

_Check = Callable[[CheckpointFiles], list[Finding]]
_Repair = Callable[[CheckpointFiles], CheckpointFiles]
_TOKENIZER: tuple[tuple[_Check, _Repair], ...] = (
    (check_added_ids, repair_added_ids),
    (check_scores, repair_scores),
    (check_pieces, repair_pieces),
    (check_added_tokens, repair_added_tokens),
    (check_suppressed, repair_suppressed),
)
_WORST_FIRST = ("fatal", "wrong", "note")


@dataclass(frozen=True, eq=False)
class Examination:
    """The result of an examination.

    Attributes:
        files: the directory as it is.
        repaired_files: the same with all possible repairs, in memory only.
        findings: the findings, the worst first.
    """

    files: CheckpointFiles
    repaired_files: CheckpointFiles
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether all findings are for information only."""
        return all(finding.harmless for finding in self.findings)

    @property
    def changes_tokenization(self) -> bool:
        """Whether the repairs change the tokenizer, and so the input of the model."""
        return self.repaired_files.stated is not self.files.stated

    def to_dict(self) -> dict[str, Any]:
        """The examination as plain values, for JSON."""
        new = self.files.new
        return {
            "directory": str(self.files.directory),
            "sound": self.sound,
            "new": {"count": len(new.ids), "inferred": new.inferred},
            "findings": [asdict(finding) for finding in self.findings],
        }


def examine(directory: Path, base: Path | None = None, new: NewTokens | None = None) -> Examination:
    """Examine a checkpoint, or a tokenizer without one.

    Args:
        directory: a directory with config.json, safetensors and tokenizer files, any of which may be missing.
        base: the model directory or tokenizer file that it extends; without it, new tokens are inferred.
        new: the new tokens, if an examination before the repair has determined them.

    Raises:
        VocabxError: if there is nothing to examine, or the base cannot be read or is not the one recorded in
            the directory's vocabx.json.
    """
    if base is not None:
        require_base_directory(directory, base)
    files = read_checkpoint_files(directory, base, new)
    findings = [*files.damage, *check_sizes(files), *check_tie(files), *check_rows(files)]
    disagree = check_files_agree(files)
    findings += [*disagree, *check_records(files)]
    repaired_files = repair_tie(repair_sizes(files))
    for check, repair in _TOKENIZER:
        findings += check(repaired_files)
        repaired_files = repair(repaired_files)
    if any(finding.repairable for finding in (*disagree, *files.damage)):
        repaired_files = repair_files_agree(repaired_files)
    findings.sort(key=lambda finding: _WORST_FIRST.index(finding.severity))
    return Examination(files, repaired_files, tuple(findings))
