"""Changes since vocabx.json was recorded, in a checkpoint that vocabx wrote."""

from vocabx.checkpoint.recorded import recorded_claims
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding

_REMEDIES = {
    "files": "If this was intended, remove vocabx.json, which records the files as they were written.",
    "tables": "Training does this; otherwise the embeddings belong to another checkpoint: copy it again.",
    "shards": "A file was replaced or is damaged: copy the checkpoint again.",
    "sizes": "The embeddings belong to another checkpoint than vocabx.json: copy the checkpoint again.",
}


def check_records(files: CheckpointFiles) -> list[Finding]:
    """Check the files against vocabx.json; no findings if there is none."""
    findings = []
    for claim in recorded_claims(files.directory):
        if claim.required and not claim.holds:
            name, remedy = f"recorded-{claim.name}", _REMEDIES[claim.name]
            sentence = f"Not as recorded in vocabx.json: {claim.sentence}"
            findings.append(Finding(name, "note", sentence, claim.failed, claim.examples, remedy))
    return findings
