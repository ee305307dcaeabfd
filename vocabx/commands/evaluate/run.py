"""The story of `vocabx evaluate`, in order: models, texts, the numbers of each model, and a page of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vocabx._util.version import VERSION
from vocabx.checkpoint.staging import staged
from vocabx.commands.evaluate.measure import Material, find_place, measure_models
from vocabx.commands.evaluate.options import EvaluateOptions
from vocabx.commands.evaluate.plan import EvaluatePlan, make_evaluate_plan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.heldout import draw_heldout
from vocabx.corpus.languages import Language
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import TextSource
from vocabx.errors import CorpusError
from vocabx.evaluation.bits_per_byte import split_for_scoring
from vocabx.evaluation.generation import choose_prompts
from vocabx.evaluation.side_by_side import MeasuredText, SideBySide
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.evaluation_page import render_evaluation


@dataclass(frozen=True)
class EvaluateResult:
    """A finished evaluation: the numbers, and the directory where they and their page are, or None."""

    directory: Path | None
    table: SideBySide


def evaluate(options: EvaluateOptions, progress: Progress | None = None) -> EvaluateResult:
    """Measure several checkpoints, and the base they extend, on the same texts.

    Args:
        options: what to measure; see `EvaluateOptions`.
        progress: shows the stages; by default nothing is shown.

    Raises:
        VocabxError: the user can mend what is wrong; the message says how.
    """
    timed = Timed(progress or Quiet())
    plan = make_evaluate_plan(options, timed)
    place = find_place(plan.base, plan.evaluated_models)
    material = _material(plan, timed)
    models = measure_models(plan.base, plan.evaluated_models, material, place, timed)
    table = SideBySide(
        version=VERSION,
        command=options.command,
        base="" if plan.base is None else plan.base.name,
        base_origin=plan.base_origin,
        target=_described(plan.language, plan.source, material.target, not options.corpus),
        base_language=_described(
            plan.base_language, plan.base_source, material.base_language, not options.base_text
        ),
        seed=options.seed,
        device=place.describe(),
        generate_tokens=options.generate_tokens,
        prompts=tuple(material.prompts),
        models=models,
        seconds=dict(timed.seconds),
    )
    if options.out is not None:
        with staged(options.out) as directory:
            (directory / "evaluation.json").write_text(table.to_json(), encoding="utf-8")
            (directory / "evaluation.html").write_text(render_evaluation(table), encoding="utf-8")
    return EvaluateResult(options.out, table)


def _material(plan: EvaluatePlan, progress: Progress) -> Material:
    """The same passages for every model, and what they are to continue."""
    options = plan.options
    if not options.corpus:
        _note_other_seed(plan, progress)
    target = _sections(options, plan.source, plan.language, bool(options.corpus), "Reading text", progress)
    title = "Reading text of the base's language"
    base_language = _sections(
        options, plan.base_source, plan.base_language, bool(options.base_text), title, progress
    )
    passages = split_for_scoring(target, plan.context)
    prompts = choose_prompts(passages, options.samples)
    if options.samples and not prompts:
        raise CorpusError(f"{plan.source.description} is too short to be continued: pass --samples 0")
    return Material(
        passages, split_for_scoring(base_language, plan.context), prompts, options.generate_tokens
    )


def _sections(
    options: EvaluateOptions,
    source: TextSource,
    language: Language,
    is_users: bool,
    title: str,
    progress: Progress,
) -> Sequence[str]:
    """A text of the user's is held out as a whole; of a language's own, what `extend` holds out of it."""
    if is_users:
        return draw_heldout(source, language.scripts, options.heldout_bytes, options.seed, title, progress)
    sizes = SampleSizes(heldout_bytes=options.heldout_bytes, seed=options.seed)
    return draw_corpus(source, language.scripts, sizes, title, progress).heldout


def _note_other_seed(plan: EvaluatePlan, progress: Progress) -> None:
    for evaluated_model in plan.evaluated_models:
        manifest = evaluated_model.manifest
        initializer = None if manifest is None else manifest.initializer
        if initializer is not None and initializer.seed != plan.options.seed:
            progress.note(
                f"{evaluated_model.name} was made with --seed {initializer.seed}: it may have learned from "
                "this text."
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
