"""The rows after the last new token, which pad the matrices: made so that they never win."""

import numpy as np

from vocabx._util.quiet import quiet_transformers
from vocabx.commands.extend.learn import Learned
from vocabx.commands.extend.plan import Plan
from vocabx.evaluation.load_model import load_model
from vocabx.initializers.padding_rows import padding_shift
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Progress

_LINES = 200


def with_padding_that_never_wins(
    plan: Plan, initialization: Initialization, learned: Learned, progress: Progress
) -> Initialization:
    """`initialization` with its padding rows shifted away from every hidden state of the base.

    Where the base is not loaded to be scored, or its matrices are factorized, they stay the mean of the old
    rows: one sentence says so.

    Args:
        plan: the plan.
        initialization: all new rows, the last of which are padding.
        learned: whose text in both languages the base reads.
        progress: receives the stage.
    """
    if not plan.pad_rows or not plan.checkpoint.generates:
        return initialization
    if not plan.evaluate or plan.factorised or initialization.rank is not None:
        progress.note(
            f"{plan.pad_rows:,} padding rows are the mean of the old embeddings: runtimes that do not heed "
            "suppress_tokens may rarely produce them (--pad-to-multiple-of 1 writes none)."
        )
        return initialization
    texts = [*learned.target.learning[:_LINES], *learned.base_language.learning[:_LINES]]
    lines = [np.array(ids, np.int64) for ids in plan.tokenizer.encode(texts) if ids]
    with progress.stage("Making padding rows that never win"):
        with quiet_transformers("evaluate"):
            model = load_model(plan.base.directory)
        shift = padding_shift(model, [line[line < plan.checkpoint.input.rows] for line in lines])
    # A tied matrix gets the rows of the input.
    tied = initialization.tied() if plan.tied else initialization
    return tied.shifting_last_outputs(plan.pad_rows, shift)
