"""Sizes that must agree: tokens, rows of the embedding matrices, and vocab_size of config.json."""

from dataclasses import replace

from vocabx.checkpoint.configuration import said_rows, with_size
from vocabx.checkpoint.size_settings import PER_LAYER, setting_at, with_settings
from vocabx.checkpoint.tables import StoredTables, Table
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first
from vocabx.tokenizer.sentencepiece_model import is_unused


def check_sizes(files: CheckpointFiles) -> list[Finding]:
    """Compare the ids of the tokenizer, the rows of the embedding matrices, and vocab_size."""
    if files.weights is None:
        return []
    return [*_tables(files), *_ids(files), *_vocab_size(files)]


def repair_sizes(files: CheckpointFiles) -> CheckpointFiles:
    """The files with vocab_size set to the number of rows."""
    if files.weights is None or not _vocab_size(files):
        return files
    wanted = _wanted(files)
    if not wanted:
        return replace(files, config=with_size(files.config, files.weights.input.rows))
    config = files.config
    for path, rows in wanted.items():
        config = with_settings(config, (path,), rows)
    return replace(files, config=config)


def _wanted(files: CheckpointFiles) -> dict[str, int]:
    """What each size setting of a type that its class tells about has to state; empty for other types."""
    weights, found = files.weights, files.architecture
    if weights is None or found is None:
        return {}
    shortest = min((table.rows for table in weights.lookups), default=weights.input.rows)
    return {path: shortest if path.endswith(PER_LAYER) else weights.input.rows for path in found.sizes}


def _whole(weights: StoredTables) -> list[Table]:
    """The matrices that need a row for each token: later ids get the first row of a shorter lookup."""
    rows = weights.input.rows
    return [table for table in weights.tables if table not in weights.lookups or table.rows > rows]


def _tables(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    heights = {table.name: table.rows for table in _whole(files.weights)}
    if len(set(heights.values())) == 1:
        return []
    sentence = "The embedding matrices have different numbers of rows: the model cannot be loaded."
    remedy = "Resize both matrices in the training code and save again."
    examples = first(f"{name}: {rows:,}" for name, rows in heights.items())
    return [Finding("table-rows", "fatal", sentence, len(heights), examples, remedy)]


def _ids(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    rows = min(table.rows for table in _whole(files.weights))
    pieces: dict[int, str] = {}
    for tokenizer in (files.stated, files.tokenizer):
        pieces.update(tokenizer.id_to_piece if tokenizer is not None else {})
    if not pieces:
        return []
    # Names of padding rows need no row.
    above = sorted(index for index, piece in pieces.items() if index >= rows and not is_unused(piece))
    if above:
        sentence = f"Ids after the last of {rows:,} rows: {len(above):,}, up to {above[-1]:,}."
        remedy = (
            "If a tool shortened the embeddings, take the checkpoint before it and keep its rows; if "
            f"tokens were added, call resize_token_embeddings({above[-1] + 1}), train, and save again."
        )
        examples = first(f"{pieces[index]} (id {index})" for index in above)
        return [Finding("no-row", "fatal", sentence, len(above), examples, remedy)]
    padding = rows - max((n for n, piece in pieces.items() if not is_unused(piece)), default=-1) - 1
    if padding <= 0:
        return []
    sentence = f"Padding after the last token: {counted(padding, 'row')}."
    return [Finding("padding", "note", sentence, padding)]


def _vocab_size(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    rows = files.weights.input.rows
    wanted = _wanted(files) or {"vocab_size": rows}
    stated = {path: setting_at(files.config, path) for path in wanted}
    if not _wanted(files):
        stated = {"vocab_size": said_rows(files.config)}
    # Without an entry, the default of the model type applies, which is not a fault of the extension.
    wrong = {path: said for path, said in stated.items() if said is not None and said != wanted[path]}
    if not wrong:
        return []
    path, said = next(iter(wrong.items()))
    rows = wanted[path]
    sentence = f"{path} in config.json is {said} and the embeddings have {rows:,} rows: loading fails."
    remedy = f"{' and '.join(wrong)} {'becomes' if len(wrong) == 1 else 'become'} {rows}."
    return [Finding("vocab-size", "fatal", sentence, remedy=remedy, repairable=True)]
