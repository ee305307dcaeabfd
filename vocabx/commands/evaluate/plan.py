"""The plan of an evaluation, checked before a model is loaded: models, language, texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vocabx._util.extras import require_all
from vocabx._util.shorten import shortened
from vocabx.checkpoint.base import base_packages, find_base
from vocabx.checkpoint.objective import MEASURE, Objective
from vocabx.checkpoint.recorded import require_base
from vocabx.checkpoint.replacing import check_not_read
from vocabx.checkpoint.staging import check_free
from vocabx.commands.evaluate.model import EvaluatedModel, is_run, read_evaluated_model
from vocabx.commands.evaluate.options import EvaluateOptions
from vocabx.corpus.find_texts import resolve_sources
from vocabx.corpus.formats import text_packages
from vocabx.corpus.languages import Language, find_language
from vocabx.corpus.sentence_pairs import SentencePairs, default_pairs, read_pairs
from vocabx.corpus.several import find_languages, text_of, with_scripts, without_tag
from vocabx.corpus.source import TextSource, default_source, measuring_source, scripts_of, user_source
from vocabx.errors import BaseModelError, CorpusError, LanguageError, TokenizerError, VocabxError
from vocabx.evaluation.hidden_scorer import scorer_for
from vocabx.evaluation.load_model import PACKAGES as MODELS
from vocabx.evaluation.tasks import PACKAGES as TASKS
from vocabx.evaluation.tasks import Tasks, load_tasks
from vocabx.evaluation.units import units_packages
from vocabx.progress import Progress
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.training.record import TrainingRecord, read_record

AUTO = "auto"
_UNKNOWN = Language("und", "the base's language", ())


@dataclass(frozen=True)
class EvaluatePlan:
    """A checked evaluation.

    Attributes:
        options: the options of the command.
        base: the base, or None if it is unknown or unavailable.
        base_origin: where it came from, "" without a base.
        evaluated_models: the checkpoints, in the order given.
        language: the language of the new tokens, with its scripts.
        base_language: the language of the base, with the scripts of its text; tagged "und" if the user gave
            the text.
        source, base_source: the texts.
        runs: records of training runs that were given, with what their contest showed, by name.
        pairs: sentences and their translations to compare; None to compare none.
        tasks: of lm-eval, with their data; None to run none.
    """

    options: EvaluateOptions
    base: EvaluatedModel | None
    base_origin: str
    evaluated_models: tuple[EvaluatedModel, ...]
    language: Language
    base_language: Language
    source: TextSource
    base_source: TextSource
    runs: Mapping[str, TrainingRecord] = field(default_factory=dict)
    pairs: SentencePairs | None = None
    tasks: Tasks | None = None

    @property
    def models(self) -> tuple[EvaluatedModel, ...]:
        """All models, the base first if there is one."""
        return (() if self.base is None else (self.base,)) + self.evaluated_models

    @property
    def context(self) -> int:
        """The shortest context of all models, in tokens."""
        return min(model.context for model in self.models)

    @property
    def objective(self) -> Objective:
        """What the models predict."""
        return self.evaluated_models[0].objective


def make_evaluate_plan(options: EvaluateOptions, progress: Progress) -> EvaluatePlan:
    """Check everything that can be checked before a model is loaded.

    Raises:
        VocabxError: if anything is wrong with the options, the directories, the language or the text.
    """
    _check_options(options)
    runs = _runs(options)
    measured = [path for path in options.directories if str(path) not in runs]
    evaluated_models = tuple(read_evaluated_model(str(path), path) for path in measured)
    language = _language(options, evaluated_models)
    source = _source(options, language)
    _check_packages(options, source, evaluated_models[0], language)
    found = _find_base(options, evaluated_models[0], progress)
    _check_objectives(options, [*evaluated_models, *([found[0]] if found else [])])
    base, base_origin, tag = found if found else (None, "", "en")
    if options.base_text:
        base_source, base_language = user_source(options.base_text, options.text_field, ""), _UNKNOWN
    else:
        base_language = find_language(tag)
        trained = any(model.manifest and model.manifest.training for model in evaluated_models)
        # What may have been replayed says little about what is kept.
        apart = measuring_source(base_language) if trained else None
        base_source = apart or default_source(base_language)
    language = with_scripts(language, source)
    pairs = _pairs(options, language, base_language)
    for model in evaluated_models if base is None else (base, *evaluated_models):
        _check_lengths(model, pairs)
    return EvaluatePlan(
        options=options,
        base=base,
        base_origin=base_origin,
        evaluated_models=evaluated_models,
        language=language,
        base_language=Language(base_language.tag, base_language.name, scripts_of(base_source)),
        source=source,
        base_source=base_source,
        runs=runs,
        pairs=pairs,
        tasks=load_tasks(options.tasks, options.task_examples) if options.tasks else None,
    )


def _pairs(options: EvaluateOptions, language: Language, base_language: Language) -> SentencePairs | None:
    """The sentence pairs of --alignment."""
    if not options.alignment:
        return None
    if options.alignment != AUTO:
        found = read_pairs(Path(options.alignment).expanduser(), language.scripts)
    elif base_language.tag in ("en", _UNKNOWN.tag):
        found = default_pairs(language)
    else:
        raise CorpusError(
            "--alignment auto gives pairs with English, and the base's language is "
            f"{base_language.name}: pass a file of pairs"
        )
    return found.drawn(options.alignment_pairs, options.seed)


def _check_lengths(model: EvaluatedModel, pairs: SentencePairs | None) -> None:
    """Refuse a sentence that a model cannot read whole, after the token that begins a text."""
    for text in () if pairs is None else (*pairs.target, *pairs.base_language):
        (ids,) = model.tokenizer.encode([text])
        if not 0 < len(ids) < model.context:
            raise CorpusError(
                f"the sentence {shortened(text, 40)!r} of --alignment is {len(ids):,} tokens for "
                f"{model.name}, whose context is {model.context:,}: leave it out"
            )


def _check_objectives(options: EvaluateOptions, models: Sequence[EvaluatedModel]) -> None:
    """Refuse models that predict different things, and to let an encoder write."""
    first = models[0]
    for model in models[1:]:
        if model.objective != first.objective:
            raise BaseModelError(
                f"{first.name} is measured in {MEASURE[first.objective]} and {model.name} in "
                f"{MEASURE[model.objective]}, which do not compare: evaluate them apart"
            )
    if first.objective == "causal":
        return
    given = {"--generate": options.generate, "--alignment": options.alignment, "--tasks": options.tasks}
    if name := next((name for name, value in given.items() if value), ""):
        raise BaseModelError(
            f"{name} is for models that predict the next token, and {first.name} does not: omit it"
        )
    for model in models:
        scorer_for(model.objective, model.tokenizer, model.directory, {})


def _runs(options: EvaluateOptions) -> dict[str, TrainingRecord]:
    """The records of directories that are runs with a contest, which is shown beside what is measured."""
    found = {str(path): read_record(path) for path in options.directories if is_run(path)}
    contests = {name: record for name, record in found.items() if record.contest is not None}
    # Alone, there is nothing to measure, and the first of them is refused as any run is.
    return contests if len(contests) < len(options.directories) else {}


def _check_options(options: EvaluateOptions) -> None:
    if not options.directories:
        raise TokenizerError("nothing to evaluate: pass one or more directories of checkpoints")
    if options.out is not None:
        check_free(options.out, force=options.force)
        given: tuple[Path | str, ...] = (
            *options.directories,
            options.base,
            *map(without_tag, options.corpus),
            *options.base_text,
            *([options.alignment] if options.alignment not in ("", AUTO) else []),
        )
        check_not_read(options.out, given)


def _check_packages(
    options: EvaluateOptions, source: TextSource, first: EvaluatedModel, language: Language
) -> None:
    """Refuse now what would fail later, and name all that is missing at once."""
    require_all(
        {
            **MODELS,
            **(TASKS if options.tasks else {}),
            **(PLOTS if options.out is not None else {}),
            **(base_packages(options.base) if options.base else {}),
            **source.packages,
            **({} if first.objective == "causal" else units_packages([language])),
            **text_packages(resolve_sources(options.base_text)),
        }
    )


def _language(options: EvaluateOptions, evaluated_models: Sequence[EvaluatedModel]) -> Language:
    recorded = (model.manifest.language for model in evaluated_models if model.manifest is not None)
    tag = options.lang or next(filter(None, recorded), "")
    if not tag:
        raise LanguageError(
            f"{evaluated_models[0].name} does not record its language: pass --lang with a BCP 47 tag"
        )
    return find_languages(tag)


def _source(options: EvaluateOptions, language: Language) -> TextSource:
    return text_of(language, options.corpus, options.text_field, options.opencc, default_source, apart=False)


def _find_base(
    options: EvaluateOptions, first: EvaluatedModel, progress: Progress
) -> tuple[EvaluatedModel, str, str] | None:
    """The base, its origin and its language: that of --base, else the one recorded in the first directory."""
    if options.base:
        found = find_base(options.base, progress)
        return read_evaluated_model(found.name, found.directory), found.origin, found.language
    obstacle = f"{first.name} does not record its base; pass --base"
    recorded = first.recorded_base
    for name in recorded.names if recorded else ():
        try:
            found = find_base(name, progress)
            evaluated_model = read_evaluated_model(found.name, found.directory)
            require_base(first.directory, evaluated_model.checkpoint)
        except VocabxError as error:
            obstacle = str(error)
        else:
            return evaluated_model, found.origin, found.language
    progress.note(f"The base, and KL from it, are left out: {obstacle}.")
    return None
