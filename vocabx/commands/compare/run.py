"""A comparison step by step: text, tokens, and for each initializer new embeddings, bits per byte, training.

Only numbers, a page and a plot are written: one model is loaded, and each initializer overwrites its new
embeddings.
"""

import gc
import time
from dataclasses import dataclass
from pathlib import Path

from vocabx._util.extras import left_out
from vocabx._util.memory import peak_memory, reset_peak
from vocabx._util.quiet import quiet_transformers
from vocabx._util.version import VERSION
from vocabx.checkpoint.objective import MEASURE, objective_of
from vocabx.checkpoint.staging import staged
from vocabx.commands.compare.hidden import check_hidden
from vocabx.commands.compare.measure import Measurements, comparing_seconds, make_probe, matrices, measure
from vocabx.commands.compare.options import CompareOptions
from vocabx.commands.extend.kept import learned_or_kept
from vocabx.commands.extend.learn import Learned, embedding_initializer
from vocabx.commands.extend.plan import Plan, make_plan
from vocabx.errors import BaseModelError
from vocabx.initializers.initialize import rows_by_kind
from vocabx.initializers.registry import INITIALIZERS
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.initializer_page import render_comparison
from vocabx.report.initializer_plot import initializer_plot
from vocabx.report.initializer_table import InitializerTable, Row
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.training.duration import described
from vocabx.training.probe import PACKAGES as PROBING
from vocabx.training.probe import STEPS


@dataclass(frozen=True)
class CompareResult:
    """A finished comparison: its numbers, and the directory of compare.json, compare.html and compare.svg."""

    directory: Path
    table: InitializerTable


def compare(
    options: CompareOptions, progress: Progress | None = None, learned_at: Path | None = None
) -> CompareResult:
    """Initialize the same new tokens with several initializers, and measure each on the same text.

    Args:
        options: what to compare; see `CompareOptions`.
        progress: receives the stages; by default nothing is shown.
        learned_at: see `extend`.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    timed = Timed(progress or Quiet())
    needed = {**(PLOTS if options.evaluate else {}), **(PROBING if options.probe_steps else {})}
    plan = make_plan(options, timed, needed)
    if plan.evaluate:
        _check_resizable(plan)
    steps = _probe_steps(options, plan, timed)
    if plan.evaluate:
        check_hidden(plan, steps)
    if plan.rule:
        timed.note(plan.rule)
    if plan.evaluate:
        work = "Scoring and training take" if steps else "Scoring takes"
        taken = described(comparing_seconds(plan, options, steps))
        timed.note(f"{work} {taken}, beside what the initializers themselves take.")
    with staged(options.out, timed.note, options.force) as directory:
        learned = learned_or_kept(plan, learned_at, timed)
        plan = plan.with_tokens(len(learned.extension.pieces))
        probe = make_probe(plan, learned, steps, options.probe_seeds) if steps else None
        initialized = {name: initialize(plan, learned, name, timed) for name in options.initializers}
        measured = Measurements(None, None, tuple(row for row, _ in initialized.values()))
        if plan.evaluate:
            with quiet_transformers("evaluate"):
                measured = measure(plan, learned, probe, initialized, timed)
        table = _table(plan, options, steps, measured, timed)
        (directory / "compare.json").write_text(table.to_json(), encoding="utf-8")
        if plan.evaluate:
            (directory / "compare.svg").write_text(initializer_plot(table), encoding="utf-8")
            (directory / "compare.html").write_text(render_comparison(table), encoding="utf-8")
    return CompareResult(options.out, table)


def _check_resizable(plan: Plan) -> None:
    """Refuse a model of which more than its embeddings and lm_head would have to be resized in memory.

    Raises:
        BaseModelError: there is such a matrix; the message names it.
    """
    further = (*plan.checkpoint.lookups, *plan.checkpoint.choices)
    if further:
        raise BaseModelError(
            f"{plan.base.name} also has a row for each token in {further[0].name}, which compare cannot "
            "measure: pass --no-evaluate, or extend once with each --init"
        )


def _probe_steps(options: CompareOptions, plan: Plan, progress: Progress) -> int:
    """Steps of the probe, 0 without one; says so where one is left out for want of a package.

    Raises:
        BaseModelError: steps were asked for, and the model cannot be measured.
    """
    if options.probe_steps is not None:
        if options.probe_steps and not plan.evaluate:
            raise BaseModelError(
                "--probe-steps needs the model in memory, and this run does not load it: free memory"
            )
        return options.probe_steps
    if not plan.evaluate:
        return 0
    lacking = left_out({"the training that initializers are ranked after": PROBING})
    if lacking:
        progress.note(lacking)
    return 0 if lacking else STEPS


def initialize(plan: Plan, learned: Learned, name: str, progress: Progress) -> tuple[Row, Initialization]:
    """Compute all new embeddings by one initializer, timed, with the previous one's memory released."""
    gc.collect()
    reset_peak()
    start = time.perf_counter()
    initialization = embedding_initializer(plan, learned, progress).initialize(name).initialization
    for kind, table in matrices(plan):
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
        probed=None,
    )
    return row, initialization


def _table(
    plan: Plan, options: CompareOptions, steps: int, measured: Measurements, progress: Timed
) -> InitializerTable:
    return InitializerTable(
        version=VERSION,
        command=options.command,
        base=plan.base.name,
        base_origin=plan.base.origin,
        language=plan.language.tag,
        base_language=plan.base_language,
        corpus=plan.source.description,
        new_tokens=plan.new_tokens,
        old_tokens=plan.tokenizer.tokens_end,
        heldout_bytes=measured.sizes,
        seed=options.seed,
        passage_bytes=measured.passage_bytes,
        probe_steps=steps,
        probe_seeds=options.probe_seeds if steps else 0,
        base_bits=measured.base,
        base_probed=measured.base_probed,
        rows=measured.rows,
        seconds=dict(progress.seconds),
        measure=MEASURE[objective_of(plan.checkpoint.config)],
        untried=_untried(plan, options) if measured.base is not None else "",
    )


def _untried(plan: Plan, options: CompareOptions) -> str:
    """That distill was not compared, though it could be, in one sentence; else ""."""
    if "distill" in options.initializers or objective_of(plan.checkpoint.config) != "causal":
        return ""
    tied = plan.checkpoint.tied and not options.untie
    untie = ", with --untie, which gives the base an lm_head of its own" if tied else ""
    return (
        "distill was not compared: it learns new embeddings with the model itself, in minutes, and was ahead "
        f"of every other initializer on SmolLM2 in three languages. Add it to --init{untie}."
    )
