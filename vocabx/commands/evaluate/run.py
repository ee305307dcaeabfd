"""The story of `vocabx evaluate`, in order: models, texts, the numbers of each model, the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocabx._util.version import VERSION
from vocabx.checkpoint.objective import MEASURE
from vocabx.checkpoint.staging import staged
from vocabx.commands.evaluate.measure import EvaluationTexts, find_device, measure_models, measuring_seconds
from vocabx.commands.evaluate.options import EvaluateOptions
from vocabx.commands.evaluate.plan import EvaluatePlan, make_evaluate_plan
from vocabx.corpus.heldout import draw_heldout
from vocabx.corpus.languages import Language, language_name
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.several import draw_each, joined_corpus
from vocabx.corpus.source import TextSource
from vocabx.errors import CorpusError
from vocabx.evaluation.bits_per_byte import split_for_scoring
from vocabx.evaluation.generation import choose_prompts
from vocabx.evaluation.side_by_side import (
    Contested,
    LearnedFrom,
    MeasuredPairs,
    MeasuredText,
    SideBySide,
    TrainedOn,
)
from vocabx.evaluation.units import segmentation_of
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.contest_words import contest_sentences
from vocabx.report.evaluation_page import render_evaluation
from vocabx.report.recorded_report import sketch_or_none
from vocabx.training.duration import described

# Fewer sentences in common are formulas that many texts share.
_TRAINED_SHARE, _TRAINED_SENTENCES = 0.05, 3


@dataclass(frozen=True)
class EvaluateResult:
    """A finished evaluation: the numbers, and the directory they were written to, or None."""

    directory: Path | None
    table: SideBySide


def evaluate(options: EvaluateOptions, progress: Progress | None = None) -> EvaluateResult:
    """Measure several checkpoints, and the base they extend, on the same texts.

    Args:
        options: see `EvaluateOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    timed = Timed(progress or Quiet())
    plan = make_evaluate_plan(options, timed)
    device = find_device(plan.base, plan.evaluated_models)
    texts = _texts(plan, timed)
    timed.note(f"Measuring takes {described(measuring_seconds(plan.models, texts, device))}.")
    models = measure_models(plan.base, plan.evaluated_models, texts, device, timed)
    table = SideBySide(
        version=VERSION,
        command=options.command,
        base="" if plan.base is None else plan.base.name,
        base_origin=plan.base_origin,
        target=_described(plan.language, plan.source, texts.target, not options.corpus),
        base_language=_described(
            plan.base_language, plan.base_source, texts.base_language, not options.base_text
        ),
        seed=options.seed,
        device=device.describe(),
        generate_tokens=options.generate_tokens,
        prompts=tuple(texts.prompts),
        models=models,
        seconds=dict(timed.seconds),
        contests=_contests(plan),
        trained_on=_trained_on(plan, texts),
        learned_from=_learned_from(plan, texts),
        pairs=None if plan.pairs is None else MeasuredPairs(plan.pairs.source, len(plan.pairs)),
        measure=MEASURE[plan.objective],
    )
    if options.out is not None:
        with staged(options.out, timed.note, options.force) as directory:
            (directory / "evaluation.json").write_text(table.to_json(), encoding="utf-8")
            (directory / "evaluation.html").write_text(render_evaluation(table), encoding="utf-8")
    return EvaluateResult(options.out, table)


def _contests(plan: EvaluatePlan) -> tuple[Contested, ...]:
    """What was recorded when a model was trained together with its base."""
    records = [(model.name, model.training) for model in plan.evaluated_models]
    found = []
    for name, record in [*records, *plan.runs.items()]:
        if record is not None and record.contest is not None:
            sentences = contest_sentences(
                record.contest, language_name(record.language), MEASURE[record.objective]
            )
            found.append(Contested(name, tuple(sentences)))
    return tuple(found)


def _trained_on(plan: EvaluatePlan, texts: EvaluationTexts) -> tuple[TrainedOn, ...]:
    """The models that were trained on some of the texts, by the sketch in their training.json."""
    return tuple(
        TrainedOn(model.name, *held)
        for model in plan.evaluated_models
        if model.training is not None
        for held in _held(plan, texts, model.training.sketch, pairs=True)
    )


def _learned_from(plan: EvaluatePlan, texts: EvaluationTexts) -> tuple[LearnedFrom, ...]:
    """The models whose tokens were learned from some of the texts, by the sketch in their report.json."""
    return tuple(
        LearnedFrom(model.name, *held)
        for model in plan.evaluated_models
        for held in _held(plan, texts, model.report.sketch)
    )


def _held(
    plan: EvaluatePlan, texts: EvaluationTexts, recorded: str, pairs: bool = False
) -> Iterator[tuple[str, float, int, str]]:
    """The language, share, compared sentences and kind of each text of which much is in a recorded sketch."""
    sketch = sketch_or_none(recorded)
    if sketch is None:
        return
    each = [(plan.language, texts.target, "text"), (plan.base_language, texts.base_language, "text")]
    if pairs and texts.pairs is not None:
        each.append((plan.language, texts.pairs.target, "sentence pairs"))
    for language, passages, what in each:
        held = sketch.holds("\n".join(passages))
        if held.share >= _TRAINED_SHARE and held.found >= _TRAINED_SENTENCES:
            tag = language.tag if language.tag != "und" else "the base's language"
            yield tag, held.share, held.compared, what


def _texts(plan: EvaluatePlan, progress: Progress) -> EvaluationTexts:
    """The same passages and prompts for every model."""
    options = plan.options
    if not options.corpus:
        _note_other_seed(plan, progress)
    target = _sections(options, plan.source, plan.language, bool(options.corpus), "Reading text", progress)
    title = "Reading text of the base's language"
    base_language = _sections(
        options, plan.base_source, plan.base_language, bool(options.base_text), title, progress
    )
    # A model that reads whole texts needs room for an id after each, too.
    context = plan.context - (plan.objective != "causal")
    passages = split_for_scoring(target, context)
    samples = options.samples if plan.objective == "causal" else 0
    prompts = choose_prompts(passages, samples)
    if samples and not prompts:
        raise CorpusError(f"{plan.source.description} is too short for prompts: pass --samples 0")
    written = choose_prompts(passages, options.generate)
    if len(written) < options.generate:
        progress.note(f"{plan.source.description} gives only {len(written):,} beginnings for --generate.")
    return EvaluationTexts(
        target=passages,
        base_language=split_for_scoring(base_language, context),
        prompts=prompts,
        generate_tokens=options.generate_tokens,
        written=written,
        seed=options.seed,
        pairs=plan.pairs,
        tasks=plan.tasks,
        task_examples=options.task_examples,
        segmentations=(segmentation_of(plan.language), segmentation_of(plan.base_language)),
    )


def _sections(
    options: EvaluateOptions,
    source: TextSource,
    language: Language,
    given: bool,
    title: str,
    progress: Progress,
) -> Sequence[str]:
    """Held-out sections: all of a text given by the user, or what `extend` holds out of a default text."""
    if given:
        return draw_heldout(source, language.scripts, options.heldout_bytes, options.seed, title, progress)
    sizes = SampleSizes(heldout_bytes=options.heldout_bytes, seed=options.seed)
    return joined_corpus(draw_each(source, language, sizes, title, progress)).heldout


def _note_other_seed(plan: EvaluatePlan, progress: Progress) -> None:
    for evaluated_model in plan.evaluated_models:
        manifest = evaluated_model.manifest
        initializer = None if manifest is None else manifest.initializer
        if initializer is not None and initializer.seed != plan.options.seed:
            progress.note(
                f"{evaluated_model.name} was made with --seed {initializer.seed}: it may have been trained "
                "on this text."
            )


def _described(language: Language, source: TextSource, passages: Sequence[str], drawn: bool) -> MeasuredText:
    return MeasuredText(
        language=language.tag,
        name=language.name,
        source=source.description,
        passages=len(passages),
        characters=sum(map(len, passages)),
        bytes=sum(len(passage.encode()) for passage in passages),
        drawn=drawn,
    )
