"""What vocabx.json recorded of a checkpoint that vocabx wrote, and what was changed since."""

from vocabx.checkpoint.recorded import recorded_claims
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding

_REMEDIES = {
    "files": "If that was meant, remove vocabx.json, which vouches for the files as they were.",
    "tables": "Training does that; else the tables are of another checkpoint: write it again.",
    "shards": "A file was exchanged or is damaged: copy the checkpoint again.",
    "sizes": "The tables are of another checkpoint than vocabx.json: copy the checkpoint again.",
}


def check_records(files: CheckpointFiles) -> list[Finding]:
    """Hold the files against vocabx.json; finds nothing where there is none."""
    findings = []
    for claim in recorded_claims(files.directory):
        if claim.required and not claim.holds:
            name, remedy = f"recorded-{claim.name}", _REMEDIES[claim.name]
            sentence = f"Not as vocabx.json recorded: {claim.sentence}"
            findings.append(Finding(name, "note", sentence, claim.failed, claim.examples, remedy))
    return findings
