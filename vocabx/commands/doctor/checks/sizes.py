"""Numbers that must be one number: tokens, rows of the tables, and the vocab_size of config.json."""

from dataclasses import replace

from vocabx.checkpoint.configuration import said_rows, with_size
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first


def check_sizes(files: CheckpointFiles) -> list[Finding]:
    """Compare the ids of the tokenizer, the rows of the tables and vocab_size."""
    if files.weights is None:
        return []
    return [*_tables(files), *_ids(files), *_vocab_size(files)]


def repair_sizes(files: CheckpointFiles) -> CheckpointFiles:
    """The patient with the vocab_size that its tables have."""
    if files.weights is None or not _vocab_size(files):
        return files
    return replace(files, config=with_size(files.config, files.weights.input.rows))


def _tables(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    heights = {table.name: table.rows for table in files.weights.tables}
    if len(set(heights.values())) == 1:
        return []
    sentence = "The tables have different numbers of rows: the model cannot be loaded."
    remedy = "Resize both tables in the training code and save again."
    examples = first(f"{name}: {rows:,}" for name, rows in heights.items())
    return [Finding("table-rows", "fatal", sentence, len(heights), examples, remedy)]


def _ids(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    rows = min(table.rows for table in files.weights.tables)
    pieces: dict[int, str] = {}
    for tokenizer in (files.stated, files.tokenizer):
        pieces.update(tokenizer.id_to_piece if tokenizer is not None else {})
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


def _vocab_size(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    rows, said = files.weights.input.rows, said_rows(files.config)
    # A configuration that does not say means the size of its type, and that is the base's own affair.
    if said is None or said == rows:
        return []
    sentence = f"config.json says vocab_size {said}, and the tables have {rows:,} rows: loading fails."
    return [Finding("vocab-size", "fatal", sentence, remedy=f"vocab_size becomes {rows}.", repairable=True)]
