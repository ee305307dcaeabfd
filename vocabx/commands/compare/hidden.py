"""What is hidden in a comparison of encoders: in the probe that trains them, and where they are scored."""

from collections.abc import Callable, Sequence

from vocabx.checkpoint.objective import Objective, objective_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.extend.learn import Learned
from vocabx.commands.extend.plan import Plan
from vocabx.corpus.languages import Language, find_language
from vocabx.corpus.source import scripts_of
from vocabx.errors import BaseModelError
from vocabx.evaluation.bits_per_byte import Scorer
from vocabx.evaluation.hidden_scorer import READINGS, scorer_for
from vocabx.evaluation.measure import context_of, context_of_checkpoint
from vocabx.evaluation.units import common_units, segmentation_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.hiding import Hidden, hidden_from
from vocabx.training.marks import Marker
from vocabx.training.masked_head import require_head
from vocabx.training.probe import LENGTH


def check_hidden(plan: Plan, steps: int) -> None:
    """Check that a model has what it is trained and measured with.

    Raises:
        VocabxError: it lacks its head, or its tokenizer a mask token or sentinels; or sequences of a probe
            of so many steps exceed its context.
    """
    require_head(plan.checkpoint)
    hidden = _hidden(plan, plan.tokenizer)
    context = context_of_checkpoint(plan.checkpoint)
    if steps and hidden is not None and context <= LENGTH:
        raise BaseModelError(
            f"{plan.base.name} reads {context:,} tokens at most, and the probe trains on {LENGTH + 1}: pass "
            "--probe-steps 0"
        )


def passes_of(plan: Plan) -> int:
    """How often a text is read to be scored, about."""
    return READINGS[_objective(plan)]


def scored_context(checkpoint: Checkpoint) -> int:
    """The context that `split_for_scoring` takes: an encoder reads an id after a passage, too."""
    if objective_of(checkpoint.config) == "causal":
        return context_of(checkpoint.config)
    return context_of_checkpoint(checkpoint) - 1


def encoding_of(plan: Plan, tokenizer: FastTokenizer) -> Callable[[Sequence[str]], Sequence[Sequence[int]]]:
    """How the text of a probe is tokenized: with marks of words for an encoder."""
    if _objective(plan) != "masked":
        return tokenizer.encode
    return Marker(tokenizer, segmentation_of(plan.language)).encode


def hidden_probes(
    plan: Plan, tokenizers: tuple[FastTokenizer, FastTokenizer]
) -> tuple[Hidden, Hidden] | None:
    """What a probe hides, with the base's tokenizer and with the extended one; None to predict the next."""
    base, extended = (_hidden(plan, tokenizer) for tokenizer in tokenizers)
    return None if base is None or extended is None else (base, extended)


def scorers_of(
    plan: Plan, learned: Learned, target: Sequence[str], base_language: Sequence[str]
) -> tuple[Scorer, Scorer]:
    """What scores the base, and the models with new tokens: encoders on the same hidden text."""
    tokenizers, objective = (learned.extension.base, learned.extension.tokenizer), _objective(plan)
    units = {}
    if objective != "causal":
        units = common_units(target, segmentation_of(plan.language), tokenizers)
        units |= common_units(base_language, segmentation_of(_base_language(plan)), tokenizers)
    base, extended = (scorer_for(objective, one, plan.base.directory, units) for one in tokenizers)
    return base, extended


def _hidden(plan: Plan, tokenizer: FastTokenizer) -> Hidden | None:
    return hidden_from(_objective(plan), tokenizer, plan.base.directory, tokenizer.size, plan.options.seed)


def _objective(plan: Plan) -> Objective:
    return objective_of(plan.checkpoint.config)


def _base_language(plan: Plan) -> Language:
    """The language of the base's text, by its scripts where it is unknown."""
    if plan.base_language == "und":
        return Language("und", "the base's language", scripts_of(plan.base_source))
    return find_language(plan.base_language)
