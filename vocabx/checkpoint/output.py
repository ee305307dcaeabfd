"""Before and after writing a checkpoint: checking the base's embeddings, and recording the result's."""

from collections.abc import Mapping
from pathlib import Path

from vocabx.checkpoint.grow import files_with_tables, read_generation_config
from vocabx.checkpoint.hashing import examine_tables, table_bytes, table_hashes
from vocabx.checkpoint.manifest import WeightFile, read_manifest, records_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.recorded import require_own_tables
from vocabx.checkpoint.tables import Checkpoint
from vocabx.progress import Progress
from vocabx.tokenizer.settings import read_config


def examine_base(checkpoint: Checkpoint, tokens: int, progress: Progress) -> dict[str, str]:
    """The sha256 of the base's embedding matrices by tensor name, after checking them.

    Args:
        checkpoint: the base.
        tokens: how many tokens it has; rows after them are padding.
        progress: receives the stage, and is told of NaN or Inf in padding.

    Raises:
        BaseModelError: if a row of a token holds NaN or Inf, if the base is a checkpoint of vocabx and its
            matrices are not the recorded ones, or if a file beside them is damaged.
        TokenizerError: if the base's tokenizer_config.json is damaged.
    """
    # Read now what is needed later, so that no long computation ends at a damaged file.
    read_manifest(checkpoint.directory)
    read_generation_config(checkpoint.directory)
    read_config(checkpoint.directory)
    with progress.stage("Checking the base's embeddings", table_bytes(checkpoint), "B") as advance:
        tables, padded = examine_tables(checkpoint, advance, tokens)
    if padded:
        progress.note("Padding rows of the base hold NaN or Inf: they are kept, and part of nothing else.")
    require_own_tables(checkpoint, tables)
    return tables


def record_weights(
    base: Checkpoint,
    directory: Path,
    hashed: bool,
    progress: Progress,
    kept: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], dict[str, WeightFile]]:
    """The sha256 of the embedding matrices in `directory` by tensor name, and records of its weight files.

    Args:
        base: the base.
        directory: the result.
        hashed: whether to record the sha256 of whole files, too.
        progress: receives the stage.
        kept: sha256 of each embedding matrix of the base whose rows the result begins with, by tensor name.

    Raises:
        BaseChangedError: if the base was overwritten while it was read.
    """
    base.require_unchanged()
    written = read_checkpoint(directory, like=base.architecture)
    # An lm_head that is untied now has the rows of the input embeddings.
    replaced = (base.output, *base.output_copies) if written.tied != base.tied else ()
    rows = {table.name: table.rows for table in base.tables if table not in replaced}
    first = {name: (rows[name], found) for name, found in (kept or {}).items() if name in rows}
    changed = {file.path.name for file in files_with_tables(base)}
    weights = written.weight_bytes
    with progress.stage("Hashing", table_bytes(written) + weights * hashed, "B") as advance:
        return table_hashes(written, advance, first), records_of(written, changed, hashed, advance)
