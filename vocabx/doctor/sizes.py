"""Numbers that must be one number: tokens, rows of the tables, and the vocab_size of config.json."""

from dataclasses import replace

from vocabx.checkpoint.configuration import said_rows, with_size
from vocabx.doctor.finding import Finding, counted, first
from vocabx.doctor.patient import Patient


def check_sizes(patient: Patient) -> list[Finding]:
    """Compare the ids of the tokenizer, the rows of the tables and vocab_size."""
    if patient.weights is None:
        return []
    return [*_tables(patient), *_ids(patient), *_vocab_size(patient)]


def mend_sizes(patient: Patient) -> Patient:
    """The patient with the vocab_size that its tables have."""
    if patient.weights is None or not _vocab_size(patient):
        return patient
    return replace(patient, config=with_size(patient.config, patient.weights.input.rows))


def _tables(patient: Patient) -> list[Finding]:
    assert patient.weights is not None
    heights = {table.name: table.rows for table in patient.weights.tables}
    if len(set(heights.values())) == 1:
        return []
    sentence = "The tables have different numbers of rows: the model cannot be loaded."
    remedy = "Resize both tables in the training code and save again."
    examples = first(f"{name}: {rows:,}" for name, rows in heights.items())
    return [Finding("table-rows", "fatal", sentence, len(heights), examples, remedy)]


def _ids(patient: Patient) -> list[Finding]:
    assert patient.weights is not None
    rows = min(table.rows for table in patient.weights.tables)
    pieces: dict[int, str] = {}
    for tokenizer in (patient.stated, patient.tokenizer):
        pieces.update(tokenizer.written if tokenizer is not None else {})
    if not pieces:
        return []
    above = sorted(index for index in pieces if index >= rows)
    if above:
        sentence = f"Ids behind the last of {rows:,} rows: {len(above):,}, up to {above[-1]:,}."
        remedy = f"Call resize_token_embeddings({above[-1] + 1}) in the training code, train, and save again."
        examples = first(f"{pieces[index]} (id {index})" for index in above)
        return [Finding("no-row", "fatal", sentence, len(above), examples, remedy)]
    padding = rows - max(pieces) - 1
    if not padding:
        return []
    sentence = f"Padding behind the last token: {counted(padding, 'row')}."
    return [Finding("padding", "note", sentence, padding)]


def _vocab_size(patient: Patient) -> list[Finding]:
    assert patient.weights is not None
    rows, said = patient.weights.input.rows, said_rows(patient.config)
    # A configuration that does not say means the size of its type, and that is the base's own affair.
    if said is None or said == rows:
        return []
    sentence = f"config.json says vocab_size {said}, and the tables have {rows:,} rows: loading fails."
    return [Finding("vocab-size", "fatal", sentence, remedy=f"vocab_size becomes {rows}.", mendable=True)]
