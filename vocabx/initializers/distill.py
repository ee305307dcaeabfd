"""Distill: new tokens mean to the base what their pieces mean to it, and are expected where they were.

Input rows: Token Distillation (arXiv 2505.20133), see `fit_inputs`. Output rows: those of `first_piece`, then
fitted to the base's states over the new tokens, see `fit_outputs`. Both are functions of the pieces, learned
for all new tokens together (`Composition`; derived here), so that rare tokens learn from frequent ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.errors import InitializerError
from vocabx.initializers.first_piece import first_piece_outputs
from vocabx.initializers.inputs import InitializerInputs, base_model, learning_text, old_tables
from vocabx.initializers.one_piece import one_piece
from vocabx.initializers.windows import Window, windows_of
from vocabx.mixture.initialization import Initialization
from vocabx.mixture.mixture import Mixture

INPUT_PASSES = 2
OUTPUT_PASSES = 2
# Of the windows, one in so many is read twice as well.
REPEATED_EVERY = 3
# Of the minutes that a user allows; the rest goes to reading the text once, and to the output rows.
_INPUT_SHARE = 0.6


def distill(inputs: InitializerInputs) -> Initialization:
    """Rows learned with the base model itself, from the beginning of `inputs.text`.

    Raises:
        InitializerError: the matrices are tied, there is no text in which a new token occurs, or no model,
            its layers are not found, or its states are not finite.
        MissingPackageError: torch is not installed.
    """
    if old_tables(inputs).output is None:
        raise InitializerError(
            "distill makes different rows for input embeddings and lm_head, and these are tied: pass the "
            "matrix of an lm_head, too"
        )
    text, model = learning_text(inputs), base_model(inputs)
    windows = windows_of(
        text, inputs.pieces, inputs.old_rows, begin_id(model.config), _line_feed(inputs),
        inputs.settings.distill_tokens,
    )  # fmt: skip
    if not windows:
        raise InitializerError(
            "no new token occurs in the text, so there is nothing to distill: pass text in the language with "
            "--corpus"
        )
    with _frozen(model):
        return _distill(inputs, model, windows)


def _distill(inputs: InitializerInputs, model: Any, windows: list[Window]) -> Initialization:
    from vocabx.initializers.composition import Composition
    from vocabx.initializers.first_layers import layers_of
    from vocabx.initializers.fit_inputs import fit_inputs
    from vocabx.initializers.fit_outputs import RANK, fit_outputs, positions_of, read_once, read_twice

    torch, tables, settings = need("torch", "evaluate"), old_tables(inputs), inputs.settings
    minutes, old = settings.distill_minutes, inputs.old_rows
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    last = one_piece(inputs, -1)

    def composition(
        mixture: Mixture, table: Any, matrix: Any, rank: int | None, both_ends: bool, own: Any = None
    ) -> Composition:
        return Composition(
            inputs.pieces, matrix.detach()[:old], torch.from_numpy(mixture.apply(table)).to(model.device),
            rank=rank, both_ends=both_ends, seed=inputs.seed, own=own,
        )  # fmt: skip

    made = composition(last, tables.input, embedding, None, False)
    fit_inputs(
        model, made, windows,
        layer=max(1, round(len(layers_of(model)) / 3)), first_new=old, passes=INPUT_PASSES, seed=inputs.seed,
        seconds=None if minutes is None else 60 * minutes * _INPUT_SHARE, advance=inputs.advance,
    )  # fmt: skip
    with torch.no_grad():
        rows = made()
    expected, scale = first_piece_outputs(inputs, model)
    head_rows = head.detach()[:old]
    read = [
        positions_of(model, made, sequences, head_rows, scale, inputs.advance)
        for sequences in (read_once(windows), read_twice(windows[::REPEATED_EVERY]))
    ]
    outputs = composition(expected, tables.output, head, RANK, True, rows)
    fit_outputs(outputs, read[0], read[1], OUTPUT_PASSES, inputs.seed)
    change = outputs.change().cpu().numpy()
    shift = change if expected.shift is None else expected.shift + change
    found = last.shifting((rows - made.start).cpu().numpy())
    return Initialization(_checked(found), _checked(expected.shifting(shift)))


@contextmanager
def _frozen(model: Any) -> Iterator[None]:
    """In eval mode and without gradients of its parameters while entered, then as it was."""
    training = model.training
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.eval()
    model.requires_grad_(False)
    try:
        yield
    finally:
        model.train(training)
        for parameter in trained:
            parameter.requires_grad_(True)


def _checked(mixture: Mixture) -> Mixture:
    if mixture.shift is None or not np.isfinite(mixture.shift).all():
        raise InitializerError(
            "distillation diverged: the base's states hold NaN or infinity, so pass another --init"
        )
    return mixture


def _line_feed(inputs: InitializerInputs) -> int | None:
    """The old token that is a line feed alone, if there is one."""
    return next((index for index, data in enumerate(inputs.old_tokens) if data == b"\n"), None)
