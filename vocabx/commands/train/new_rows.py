"""What options make of new rows beside plain parameters: maps of their pieces, a loss of their states."""

from vocabx.commands.train.plan import TrainPlan
from vocabx.evaluation.measure import context_of
from vocabx.initializers.composition import PieceMaps
from vocabx.tokenizer.earlier import earlier_pieces
from vocabx.training.alignment import Alignment, aligned_layers
from vocabx.training.composed_adamw import Composed
from vocabx.training.methods import Prepared
from vocabx.training.model_loss import base_of
from vocabx.training.rows_adamw import Seen


def composed_rows(plan: TrainPlan, prepared: Prepared) -> list[Composed]:
    """The new rows with the maps of their pieces; none unless asked for.

    Args:
        plan: of the run.
        prepared: its model, with split embeddings; the maps read the old rows of each matrix.
    """
    rank, split = plan.options.composition, prepared.split
    if not rank or split is None or not split.parameters:
        return []
    model, pieces = base_of(prepared.model), _pieces(plan)
    old = {"input": model.get_input_embeddings().old, "output": model.get_output_embeddings().old}
    return [
        Composed(rows, PieceMaps(pieces, old[kind], rank=rank, both_ends=True, seed=plan.options.seed))
        for kind, rows in split.parameters.items()
        if kind in old
    ]


def seen_rows(plan: TrainPlan) -> Seen | None:
    """Collects which new tokens have occurred; None where all rows move at once, or none train as such."""
    rows, first = plan.checkpoint.input.rows, plan.first_trained
    if not plan.waits_for_tokens or not plan.method.splits or rows <= first:
        return None
    # No text holds an id of a padding row: from the first step, the lm_head learns not to predict it.
    padding = [index for index in plan.manifest.padding_ids if first <= index < rows]
    return Seen(first, rows - first, padding)


def alignment_of(plan: TrainPlan, prepared: Prepared) -> Alignment | None:
    """The loss of hidden states beside that of the language model, None unless asked for.

    Raises:
        TrainingError: the layers of the model are not found.
    """
    split = prepared.split
    if not plan.options.align_weight or split is None or not split.parameters:
        return None
    aligned_layers(base_of(prepared.model))
    return Alignment(_pieces(plan), plan.first_id, context_of(plan.checkpoint.config))


def _pieces(plan: TrainPlan) -> list[tuple[int, ...]]:
    return earlier_pieces(plan.tokenizer, plan.first_id, plan.checkpoint.input.rows)
