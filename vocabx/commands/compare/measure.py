"""Measures the base and each initializer in one loaded model, before training and after the probe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx.checkpoint.tables import Table
from vocabx.commands.compare.hidden import encoding_of, hidden_probes, passes_of, scored_context, scorers_of
from vocabx.commands.compare.options import CompareOptions
from vocabx.commands.extend.learn import Learned
from vocabx.commands.extend.plan import Plan
from vocabx.corpus.source import peek
from vocabx.evaluation.bits_per_byte import Scorer, split_for_scoring
from vocabx.evaluation.load_model import computing_dtype, load_model
from vocabx.mixture.initialization import Initialization, Which
from vocabx.progress import Progress
from vocabx.report.initializer_table import Bits, Probed, Row, averaged
from vocabx.training.duration import LOADING_SECONDS, computed_dtype, scoring_seconds, training_seconds
from vocabx.training.hiding import Hidden
from vocabx.training.methods import keep_gradients
from vocabx.training.model_sizes import sizes_of, trained_parameters
from vocabx.training.probe import (
    ADAPTERS,
    LENGTH,
    SEQUENCES,
    Sequences,
    adapted,
    probe_sequences,
    train_steps,
)
from vocabx.training.speed import speeds

# Characters whose tokens are counted for an estimate.
_SAMPLE = 20_000


@dataclass(frozen=True)
class Probe:
    """What everything is trained on.

    Attributes:
        steps: steps of training, at least 1.
        seeds: one per repetition.
        base, extended: the sequences of each seed, in the base's tokens and in the extended tokenizer's.
        hidden: what is hidden from the base, and from the model with new tokens; None to predict the next.
    """

    steps: int
    seeds: tuple[int, ...]
    base: tuple[Sequences, ...]
    extended: tuple[Sequences, ...]
    hidden: tuple[Hidden, Hidden] | None = None


@dataclass(frozen=True)
class Measurements:
    """What was measured.

    Attributes:
        base, base_probed: the base with its own tokenizer, before and after the probe; None if not measured.
        rows: one result row per initializer.
        sizes: bytes measured on, of the target language and of the base's.
        passage_bytes: bytes of each passage of the target language.
    """

    base: Bits | None
    base_probed: Probed | None
    rows: tuple[Row, ...]
    sizes: tuple[int, int] = (0, 0)
    passage_bytes: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Passages:
    """The passages of both languages to measure on."""

    target: Sequence[str]
    base_language: Sequence[str]

    @property
    def target_bytes(self) -> tuple[int, ...]:
        return tuple(len(passage.encode()) for passage in self.target)

    @property
    def sizes(self) -> tuple[int, int]:
        return sum(self.target_bytes), sum(len(passage.encode()) for passage in self.base_language)


def make_probe(plan: Plan, learned: Learned, steps: int, repetitions: int) -> Probe:
    """Tokenize the text of a probe with both tokenizers, for each seed from the plan's on.

    Raises:
        CorpusError: if the text is too short for one step.
    """
    seeds = tuple(plan.options.seed + number for number in range(repetitions))
    texts = learned.target.learning
    tokenizers = (learned.extension.base, learned.extension.tokenizer)
    base, extended = (
        tuple(probe_sequences(texts, encoding_of(plan, tokenizer), steps, seed) for seed in seeds)
        for tokenizer in tokenizers
    )
    return Probe(steps, seeds, base, extended, hidden_probes(plan, tokenizers))


def comparing_seconds(plan: Plan, options: CompareOptions, steps: int) -> float:
    """Estimated seconds of `measure`: every score and every probe, before any text was read.

    Args:
        plan: the plan.
        options: how much is measured, and how often.
        steps: of the probe, 0 without one.
    """
    loaded = computing_dtype(plan.checkpoint.weight_bytes, "cpu")
    sizes, dtype = sizes_of(plan.checkpoint), computed_dtype(plan.checkpoint, loaded)
    training_rate, scoring_rate = speeds("cpu", dtype)
    sampled = [peek(source)[:_SAMPLE] for source in (plan.source, plan.base_source)]
    shares = [sum(map(len, plan.tokenizer.encode([text]))) / max(1, len(text.encode())) for text in sampled]
    tokens = options.heldout_bytes * sum(shares) * passes_of(plan)
    trained = trained_parameters(sizes, ADAPTERS, plan.new_tokens)
    repetitions = options.probe_seeds if steps else 0
    scoring = scoring_seconds(sizes, tokens, scoring_rate, "cpu") * (1 + repetitions)
    read = steps * SEQUENCES * LENGTH * repetitions
    training = training_seconds(sizes, ADAPTERS, trained, read, training_rate, "cpu")
    return LOADING_SECONDS + (1 + len(options.initializers)) * (scoring + training)


def measure(
    plan: Plan,
    learned: Learned,
    probe: Probe | None,
    initialized: Mapping[str, tuple[Row, Initialization]],
    progress: Progress,
    with_base: bool = True,
) -> Measurements:
    """Score the base, then the model with the new embeddings of each initializer in turn.

    Args:
        plan: the plan, with the number of tokens that were selected.
        learned: the tokens and texts.
        probe: the training after which everything is scored again, or None.
        initialized: the row of each initializer so far, and its embeddings.
        progress: receives the stages.
        with_base: whether the base is scored and trained, too.
    """
    texts = (learned.target.heldout, learned.base_language.heldout)
    context = scored_context(plan.checkpoint)
    passages = _Passages(*(split_for_scoring(text, context) for text in texts))
    scorers = scorers_of(plan, learned, passages.target, passages.base_language)
    model = load_model(plan.base.directory)
    keep_gradients(model)
    base, base_probed = None, None
    if with_base:
        base, _ = _score(model, scorers[0], passages, "the base", progress)
    if with_base and probe:
        first = model.get_input_embeddings().weight.shape[0]
        base_probed = _probe(model, first, probe, False, scorers[0], passages, "the base", progress)
    model.resize_token_embeddings(plan.new_ids.stop, mean_resizing=False)
    if plan.options.untie:
        _untie(model)
    rows = []
    for name, (row, initialization) in initialized.items():
        _fill(model, plan, initialization)
        bits, _ = _score(model, scorers[1], passages, name, progress)
        row = replace(row, start=bits)
        if probe:
            first = plan.new_ids.start
            after = _probe(model, first, probe, True, scorers[1], passages, name, progress)
            row = replace(row, probed=after)
        rows.append(row)
    return Measurements(base, base_probed, tuple(rows), passages.sizes, passages.target_bytes)


def matrices(plan: Plan) -> list[tuple[Which, Table]]:
    """The old matrices that new rows are made from, each with the rule that these follow."""
    checkpoint = plan.checkpoint
    found = [(checkpoint.kind_of(table), table) for table in checkpoint.tables]
    return [*found, ("output", checkpoint.input)] if plan.options.untie else found


def _probe(
    model: Any,
    first: int,
    probe: Probe,
    extended: bool,
    scorer: Scorer,
    passages: _Passages,
    name: str,
    progress: Progress,
) -> Probed:
    """Train the model once per seed, score it each time, and leave it as it was."""
    found = []
    sequences = probe.extended if extended else probe.base
    hidden = None if probe.hidden is None else probe.hidden[extended]
    for number, (seed, text) in enumerate(zip(probe.seeds, sequences, strict=True), 1):
        title = f"{name}, seed {number} of {len(probe.seeds)}" if len(probe.seeds) > 1 else name
        with adapted(model, first, seed) as to_train:
            with progress.stage(f"Training {title}", probe.steps, "steps") as advance:
                train_steps(to_train, text, probe.steps, advance, hidden)
            found.append(
                _score(to_train.model.get_base_model(), scorer, passages, f"{title}, trained", progress)
            )
    return averaged(found)


def _score(
    model: Any, scorer: Scorer, passages: _Passages, title: str, progress: Progress
) -> tuple[Bits, tuple[float, ...]]:
    """Bits per byte of both languages, and of each passage of the target language."""
    with progress.stage(f"Scoring {title}", sum(passages.sizes), "B") as advance:
        groups = [*([passage] for passage in passages.target), passages.base_language]
        *each, base_language = scorer.scores(model, groups, advance)
    found = tuple(score.whole for score in each)
    target = float(np.average(found, weights=passages.target_bytes))
    return Bits(target, base_language.whole), found


def _fill(model: Any, plan: Plan, initialization: Initialization) -> None:
    """Write the new rows into the embedding matrices of a model that was resized for them."""
    torch = need("torch", "evaluate")
    output = model.get_output_embeddings()
    parameters = {"input": model.get_input_embeddings().weight, "output": output.weight, "bias": output.bias}
    with torch.no_grad():
        for kind, table in matrices(plan):
            rows = torch.from_numpy(initialization.apply(kind, table.map()))
            new = parameters[kind][plan.new_ids.start :]
            new.copy_(rows.reshape(new.shape))


def _untie(model: Any) -> None:
    """Give a tied model an lm_head of its own, equal to its input embeddings."""
    torch, head = need("torch", "evaluate"), model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False
