"""The scorer of a model by what it predicts."""

from collections.abc import Mapping
from pathlib import Path

from vocabx.checkpoint.objective import Objective
from vocabx.evaluation.bits_per_byte import CausalScorer, Scorer
from vocabx.evaluation.masked import GROUPS, PASSES, MaskedScorer, frame_of
from vocabx.evaluation.spans import SpanScorer, sentinels_of
from vocabx.evaluation.units import Units
from vocabx.tokenizer.fast import FastTokenizer

# How often a text is read to be scored, about.
READINGS: dict[Objective, int] = {"causal": 1, "masked": PASSES, "spans": GROUPS}


def scorer_for(
    objective: Objective, tokenizer: FastTokenizer, directory: Path, units: Mapping[str, Units]
) -> Scorer:
    """What scores passages under a model.

    Args:
        objective: what it predicts.
        tokenizer: its tokenizer.
        directory: of the tokenizer's files.
        units: of every passage, see `common_units`; not needed for "causal".

    Raises:
        TokenizerError: the tokenizer has no mask token, or no sentinels.
    """
    if objective == "causal":
        return CausalScorer(tokenizer)
    frame = frame_of(tokenizer, directory)
    if objective == "masked":
        frame.require_mask(directory)
        return MaskedScorer(tokenizer, frame, units)
    return SpanScorer(tokenizer, frame, sentinels_of(tokenizer, directory), units)
