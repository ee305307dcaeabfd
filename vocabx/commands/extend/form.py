"""The form in which a checkpoint is written: whole tables, or coordinates and primitives."""

from pathlib import Path

from vocabx.checkpoint.factorised import (
    Factorisation,
    check_factorisable,
    factorise_checkpoint,
    refuse_factorised,
)
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.extend.options import ExtendOptions
from vocabx.progress import Progress


def check_base(options: ExtendOptions, base: Checkpoint, old_rows: int) -> None:
    """Refuse a base that the form does not fit.

    Raises:
        BaseModelError: the base is factorised, has no class that can be, or no tables of that rank.
    """
    refuse_factorised(base)
    if options.factorised and options.rank is not None:
        check_factorisable(base, old_rows, options.rank)


def bring_to_form(
    options: ExtendOptions, base: Checkpoint, old_rows: int, directory: Path, progress: Progress
) -> Factorisation | None:
    """Factorise the extended checkpoint in `directory` where that was asked, and say what it cost.

    Args:
        options: what was asked.
        base: the checkpoint that was extended.
        old_rows: how many of its rows belong to tokens.
        directory: the extended checkpoint, whole.
        progress: told of the stage and of the error.
    """
    if not options.factorised or options.rank is None:
        return None
    with progress.stage("Factorising the tables", unit="B") as advance:
        done = factorise_checkpoint(directory, base, old_rows, options.rank, options.balance, advance)
    errors = " and ".join(f"{error:.1%}" for error in done.errors.values())
    progress.note(
        f"Old rows are approximated at rank {done.rank}: off by {errors} of their norm, with "
        f"{done.parameters / 1e6:.1f} M parameters in place of {done.dense_parameters / 1e6:.1f} M."
    )
    return done
