"""A comparison step by step: text, tokens, and for each initializer new embeddings, bits per byte, training.

Only numbers and a plot are written: one model is loaded, and each initializer overwrites its new embeddings.
"""

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx._util.memory import peak_memory, reset_peak
from vocabx._util.quiet import quiet_transformers
from vocabx._util.version import VERSION
from vocabx.checkpoint.special_ids import begin_id
from vocabx.checkpoint.staging import staged
from vocabx.checkpoint.tables import Table
from vocabx.commands.compare.options import CompareOptions
from vocabx.commands.extend.learn import Learned, embedding_initializer, learn
from vocabx.commands.extend.plan import Plan, make_plan
from vocabx.errors import BaseModelError
from vocabx.evaluation.bits_per_byte import score_model, split_for_scoring
from vocabx.evaluation.load_model import load_model
from vocabx.evaluation.measure import context_of
from vocabx.initializers.initialize import rows_by_kind
from vocabx.initializers.registry import INITIALIZERS
from vocabx.mixture.initialization import Initialization, Which
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.initializer_plot import initializer_plot
from vocabx.report.initializer_table import Bits, CurvePoint, InitializerTable, Row
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.train_new_rows import split_sequences, train_rows

_PAUSES = 4
# Measurements during training use the first passages, up to about this many bytes.
_CURVE_BYTES = 6_000


@dataclass(frozen=True)
class CompareResult:
    """A finished comparison: its numbers, and the directory of compare.json and compare.svg."""

    directory: Path
    table: InitializerTable


def compare(options: CompareOptions, progress: Progress | None = None) -> CompareResult:
    """Initialize the same new tokens with several initializers, and measure each on the same text.

    Args:
        options: what to compare; see `CompareOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    timed = Timed(progress or Quiet())
    plan = make_plan(options, timed, PLOTS if options.evaluate else None)
    if options.train_tokens and not plan.evaluate:
        raise BaseModelError(
            "--train-tokens needs the model in memory, and this run does not load it: free memory, or omit "
            "--no-evaluate"
        )
    if plan.rule:
        timed.note(plan.rule)
    with staged(options.out) as directory:
        learned = learn(plan, timed)
        plan = plan.with_tokens(len(learned.extension.pieces))
        initialized = {name: _initialize(plan, learned, name, timed) for name in options.initializers}
        measured = _Measured(None, tuple(row for row, _ in initialized.values()))
        if plan.evaluate:
            with quiet_transformers("evaluate"):
                measured = _measure(plan, learned, options, initialized, timed)
        table = _table(plan, options, measured, timed)
        (directory / "compare.json").write_text(table.to_json(), encoding="utf-8")
        if plan.evaluate:
            (directory / "compare.svg").write_text(initializer_plot(table), encoding="utf-8")
    return CompareResult(options.out, table)


@dataclass(frozen=True)
class _Measured:
    """Bits per byte of the base, one result row per initializer, and the bytes measured on per language."""

    base: Bits | None
    rows: tuple[Row, ...]
    sizes: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class _Passages:
    """The passages of both languages to measure on, and the few that the training curve uses."""

    target: Sequence[str]
    base_language: Sequence[str]

    @property
    def sizes(self) -> tuple[int, int]:
        target, base_language = (
            sum(len(passage.encode()) for passage in group) for group in (self.target, self.base_language)
        )
        return target, base_language

    @property
    def few(self) -> list[str]:
        """The first target passages, about `_CURVE_BYTES` in total."""
        sizes = np.cumsum([len(passage.encode()) for passage in self.target])
        return list(self.target[: 1 + int(np.searchsorted(sizes, _CURVE_BYTES))])


def _initialize(plan: Plan, learned: Learned, name: str, progress: Progress) -> tuple[Row, Initialization]:
    """Compute all new embeddings by one initializer, timed, with the previous one's memory released."""
    gc.collect()
    reset_peak()
    start = time.perf_counter()
    initialization = embedding_initializer(plan, learned, progress).initialize(name).initialization
    for kind, table in _matrices(plan):
        for _ in initialization.blocks(kind, table.map()):
            pass
    row = Row(
        initializer=name,
        source=INITIALIZERS[name].source,
        seconds=round(time.perf_counter() - start, 4),
        peak_bytes=peak_memory(),
        **rows_by_kind(initialization),
        hull_bound=initialization.hull_bound(),
        collisions=initialization.collisions(),
        start=None,
        trained=None,
        curve=(),
    )
    return row, initialization


def _measure(
    plan: Plan,
    learned: Learned,
    options: CompareOptions,
    initialized: Mapping[str, tuple[Row, Initialization]],
    progress: Progress,
) -> _Measured:
    """Score the base, then the model with the new embeddings of each initializer in turn."""
    texts = (learned.target.heldout, learned.base_language.heldout)
    passages = _Passages(*(split_for_scoring(text, context_of(plan.checkpoint.config)) for text in texts))
    model = load_model(plan.base.directory)
    base = _bits(model, learned.extension.base, passages, "the base", progress)
    model.resize_token_embeddings(plan.new_ids.stop, mean_resizing=False)
    if plan.options.untie:
        _untie(model)
    tokenizer = learned.extension.tokenizer
    sequences = []
    if options.train_tokens:
        encoded = tokenizer.encode(learned.target.learning)
        sequences = split_sequences(encoded, begin_id(model.config), options.seed)
    rows = []
    for name, (row, initialization) in initialized.items():
        _fill(model, plan, initialization)
        row = replace(row, start=_bits(model, tokenizer, passages, name, progress))
        if options.train_tokens:
            curve = _train(model, plan, options.train_tokens, sequences, tokenizer, passages, name, progress)
            row = replace(
                row, trained=_bits(model, tokenizer, passages, f"{name}, trained", progress), curve=curve
            )
        rows.append(row)
    return _Measured(base, tuple(rows), passages.sizes)


def _bits(model: Any, tokenizer: FastTokenizer, passages: _Passages, title: str, progress: Progress) -> Bits:
    with progress.stage(f"Scoring {title}", sum(passages.sizes), "B") as advance:
        groups = (passages.target, passages.base_language)
        target, base_language = score_model(model, tokenizer, groups, advance)
    return Bits(target.whole, base_language.whole)


def _fill(model: Any, plan: Plan, initialization: Initialization) -> None:
    """Write the new rows into the embedding matrices of a model that was resized for them."""
    torch = need("torch", "evaluate")
    output = model.get_output_embeddings()
    parameters = {"input": model.get_input_embeddings().weight, "output": output.weight, "bias": output.bias}
    with torch.no_grad():
        for kind, table in _matrices(plan):
            rows = torch.from_numpy(initialization.apply(kind, table.map()))
            new = parameters[kind][plan.new_ids.start :]
            new.copy_(rows.reshape(new.shape))


def _matrices(plan: Plan) -> list[tuple[Which, Table]]:
    """The old matrices that new rows are made from, each with the rule that these follow."""
    checkpoint = plan.checkpoint
    found = [(checkpoint.kind_of(table), table) for table in checkpoint.tables]
    return [*found, ("output", checkpoint.input)] if plan.options.untie else found


def _untie(model: Any) -> None:
    """Give a tied model an lm_head of its own, equal to its input embeddings."""
    torch, head = need("torch", "evaluate"), model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False


def _train(
    model: Any,
    plan: Plan,
    tokens: int,
    sequences: Sequence[Sequence[int]],
    tokenizer: FastTokenizer,
    passages: _Passages,
    name: str,
    progress: Progress,
) -> tuple[CurvePoint, ...]:
    curve: list[CurvePoint] = []

    def pause(done: int) -> None:
        score = score_model(model, tokenizer, [passages.few])[0]
        curve.append(CurvePoint(done, score.whole))
        model.train()

    pauses = [tokens * part // _PAUSES for part in range(_PAUSES + 1)]
    with progress.stage(f"Training the new embeddings of {name}", tokens, "tokens") as advance:
        train_rows(model, plan.new_ids, sequences, tokens, pauses, pause, advance)
    return tuple(curve)


def _table(plan: Plan, options: CompareOptions, measured: _Measured, progress: Timed) -> InitializerTable:
    return InitializerTable(
        version=VERSION,
        command=options.command,
        base=plan.base.name,
        base_origin=plan.base.origin,
        language=plan.language.tag,
        base_language=plan.base_language,
        corpus=plan.source.description,
        new_tokens=plan.new_tokens,
        old_tokens=plan.tokenizer.size,
        heldout_bytes=measured.sizes,
        seed=options.seed,
        train_tokens=options.train_tokens,
        base_bits=measured.base,
        rows=measured.rows,
        seconds=dict(progress.seconds),
    )
