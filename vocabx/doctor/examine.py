"""The examination: every check in turn, each on what the cures before it leave: a fault is named once."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.recorded import require_base_directory
from vocabx.doctor.added_tokens import (
    check_added_ids,
    check_added_tokens,
    mend_added_ids,
    mend_added_tokens,
)
from vocabx.doctor.files_agree import check_files_agree, mend_files_agree
from vocabx.doctor.finding import Finding
from vocabx.doctor.newcomers import Newcomers
from vocabx.doctor.patient import Patient, read_patient
from vocabx.doctor.pieces import check_pieces, mend_pieces
from vocabx.doctor.records import check_records
from vocabx.doctor.rows import check_rows
from vocabx.doctor.scores import check_scores, mend_scores
from vocabx.doctor.sizes import check_sizes, mend_sizes
from vocabx.doctor.tie import check_tie, mend_tie

_Check = Callable[[Patient], list[Finding]]
_Mend = Callable[[Patient], Patient]
_TOKENIZER: tuple[tuple[_Check, _Mend], ...] = (
    (check_added_ids, mend_added_ids),
    (check_scores, mend_scores),
    (check_pieces, mend_pieces),
    (check_added_tokens, mend_added_tokens),
)
_WORST_FIRST = ("fatal", "wrong", "note")


@dataclass(frozen=True, eq=False)
class Examination:
    """What was found.

    Attributes:
        patient: the directory as it is.
        cured: the same with everything mended that can be; nothing of it is written.
        findings: the worst first.
    """

    patient: Patient
    cured: Patient
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether everything that was found is for information only."""
        return all(finding.harmless for finding in self.findings)

    @property
    def changes_the_cut(self) -> bool:
        """Whether the cures change the tokenizer, and with it what the model is fed."""
        return self.cured.stated is not self.patient.stated

    def to_dict(self) -> dict[str, Any]:
        """The examination as plain values, for JSON."""
        new = self.patient.new
        return {
            "directory": str(self.patient.directory),
            "sound": self.sound,
            "new": {"count": len(new.ids), "inferred": new.inferred},
            "findings": [asdict(finding) for finding in self.findings],
        }


def examine(directory: Path, base: Path | None = None, new: Newcomers | None = None) -> Examination:
    """Examine a checkpoint, or a tokenizer without one.

    Args:
        directory: with config.json, safetensors and tokenizer files, as far as there are any.
        base: the model directory or the tokenizer file that it extends; without it, what is new is inferred.
        new: what is new, where an examination before mending has found out.

    Raises:
        VocabxError: there is nothing to examine, or the base cannot be read or is not the one that the
            directory's vocabx.json recorded.
    """
    if base is not None:
        require_base_directory(directory, base)
    patient = read_patient(directory, base, new)
    findings = [*patient.damage, *check_sizes(patient), *check_tie(patient), *check_rows(patient)]
    disagree = check_files_agree(patient)
    findings += [*disagree, *check_records(patient)]
    cured = mend_tie(mend_sizes(patient))
    for check, mend in _TOKENIZER:
        findings += check(cured)
        cured = mend(cured)
    if any(finding.mendable for finding in (*disagree, *patient.damage)):
        cured = mend_files_agree(cured)
    findings.sort(key=lambda finding: _WORST_FIRST.index(finding.severity))
    return Examination(patient, cured, tuple(findings))
