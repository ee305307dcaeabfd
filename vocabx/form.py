"""The form in which a checkpoint is written: whole tables, or coordinates and primitives."""

from pathlib import Path

from vocabx.checkpoint.factorised import (
    Factorisation,
    check_factorisable,
    factorise_checkpoint,
    refuse_factorised,
)
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import InitializerError
from vocabx.options import ExtendOptions
from vocabx.progress import Progress


def check_form(options: ExtendOptions) -> None:
    """Refuse what the options alone show to be wrong about the form.

    Raises:
        InitializerError: --factorised lacks what it needs, or --balance is of no use.
    """
    if not options.factorised:
        if options.balance:
            raise InitializerError("--balance is of no use without --factorised: pass both or neither")
        return
    if options.tokenizer_only:
        raise InitializerError(
            "--factorised is about weights and --tokenizer-only writes none: pass one of them"
        )
    if options.init != "ofa":
        raise InitializerError(
            f"--factorised writes the factors that OFA mixes, and --init is {options.init}: pass --init ofa "
            "with a --rank, or leave --factorised out"
        )
    if options.rank is None:
        raise InitializerError("--factorised needs a rank: pass --rank, as 100, 200 or 400")
    if not 0 <= options.balance <= 1:
        raise InitializerError(f"--balance is {options.balance}: pass a number from 0 to 1")


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
