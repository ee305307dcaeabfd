"""The copy of a checkpoint with another vocabulary: embeddings replaced, everything else unchanged."""

from collections.abc import Sequence
from pathlib import Path

from vocabx.checkpoint.grow import (
    carry_files,
    read_generation_config,
    write_config,
    write_generation_config,
    write_weights,
)
from vocabx.checkpoint.journal import Journal
from vocabx.checkpoint.special_ids import SpecialIds
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Advance


def replace_checkpoint(
    checkpoint: Checkpoint,
    initialization: Initialization,
    target: Path,
    suppressed: Sequence[int],
    special_ids: SpecialIds,
    advance: Advance = lambda done: None,
    link: bool = False,
    journal: Journal | None = None,
) -> tuple[str, ...]:
    """Write `checkpoint` with the rows of `initialization` in place of its own.

    Memory use is the rows that a block mixes, never a whole matrix.

    Args:
        checkpoint: the base.
        initialization: all new rows, padding included; applied once to each embedding matrix.
        target: an existing directory.
        suppressed: ids without a token, which generation must never produce.
        special_ids: the new ids of special tokens in the configuration.
        advance, link, journal: see `write_weights`.

    Returns:
        The settings that were dropped, because the tokens they name no longer exist.

    Raises:
        BaseModelError: if the model counts positions from the pad token, and its id would change.
    """
    config, dropped = special_ids.in_config(checkpoint.config)
    anchor = checkpoint.pad_anchor
    if anchor is not None and config["pad_token_id"] != anchor:
        raise BaseModelError(
            f"{checkpoint.directory} counts positions from its pad token: the new tokenizer must have one, "
            f"with the id {anchor}"
        )
    write_weights(
        checkpoint,
        initialization,
        initialization.rows,
        target,
        advance,
        kept=False,
        link=link,
        journal=journal,
    )
    generation = read_generation_config(checkpoint.directory)
    if generation is not None:
        generation, further = special_ids.in_generation_config(generation)
        dropped += further
    write_generation_config(generation, checkpoint, target, suppressed)
    side = carry_files(checkpoint, target)
    config = side.settings("config.json", config)
    write_config(checkpoint, config, initialization.rows, checkpoint.tied, target)
    return tuple(dict.fromkeys(dropped))
