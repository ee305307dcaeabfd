"""The form of a checkpoint's embedding matrices: dense, or factorized into coordinates and primitives."""

from pathlib import Path

from vocabx.checkpoint.factorised import (
    Factorisation,
    check_factorisable,
    factorise_checkpoint,
    is_factorised,
    refuse_factorised,
)
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.extend.options import ExtendOptions
from vocabx.progress import Progress


def check_base(options: ExtendOptions, base: Checkpoint, old_rows: int) -> None:
    """Refuse a base that cannot be written in the requested form.

    Raises:
        BaseModelError: if the base is factorized already, its class or its weights cannot be, or its matrices
            do not allow the rank.
    """
    if is_factorised(base.config) and options.untie:
        refuse_factorised(base, "--untie")
    if options.factorised and options.rank is not None:
        base.require_unquantised("--factorised", "leave it out")
        base.require_no_own_code("--factorised", "leave it out")
        check_factorisable(base, old_rows, options.rank)


def bring_to_form(
    options: ExtendOptions, base: Checkpoint, old_rows: int, directory: Path, progress: Progress
) -> Factorisation | None:
    """Factorize the extended checkpoint in `directory` if requested, and report the error.

    Args:
        options: the options of the command.
        base: the checkpoint that was extended.
        old_rows: how many of its rows belong to tokens.
        directory: the extended checkpoint in dense form.
        progress: receives the stage, and a note about the error.
    """
    if not options.factorised or options.rank is None:
        return None
    with progress.stage("Factorizing the embedding matrices", unit="B") as advance:
        done = factorise_checkpoint(
            directory, base, old_rows, options.rank, options.factor_balance or 0.0, advance
        )
    errors = " and ".join(f"{error:.1%}" for error in done.errors.values())
    progress.note(
        f"Old embeddings are approximated at rank {done.rank}: off by {errors} of their norm, with "
        f"{done.parameters / 1e6:.1f} M parameters instead of {done.dense_parameters / 1e6:.1f} M."
    )
    return done
