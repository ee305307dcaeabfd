"""Measures the models of an evaluation one after another: load, score, generate, compare with the base.

Only one model is in memory at a time, plus the base if there is room, since KL needs both.
"""

import gc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vocabx._util.extras import need
from vocabx._util.memory import fits
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.special_ids import begin_id
from vocabx.commands.evaluate.model import EvaluatedModel
from vocabx.corpus.sentence_pairs import SentencePairs
from vocabx.errors import BaseModelError
from vocabx.evaluation.bits_per_byte import Score, Scorer
from vocabx.evaluation.divergence import mean_divergence
from vocabx.evaluation.fertility import count_tokens
from vocabx.evaluation.generation import generate, write_texts
from vocabx.evaluation.hidden_scorer import READINGS, scorer_for
from vocabx.evaluation.load_model import computing_dtype, load_model
from vocabx.evaluation.sentence_alignment import measure_alignment
from vocabx.evaluation.side_by_side import (
    Alignment,
    Boundaries,
    FromBase,
    Generated,
    ModelNumbers,
    Prompt,
    TaskNumber,
    TextNumbers,
    Written,
)
from vocabx.evaluation.tasks import Tasks, run_tasks
from vocabx.evaluation.units import Units, common_units
from vocabx.progress import Progress
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.duration import LOADING_SECONDS, computed_dtype, generating_seconds, scoring_seconds
from vocabx.training.model_sizes import sizes_of
from vocabx.training.speed import operations_a_second


@dataclass(frozen=True)
class EvaluationTexts:
    """The texts that every model is measured on.

    Attributes:
        target, base_language: passages in each language that fit the context of every model.
        prompts: texts to continue; empty to generate nothing.
        generate_tokens: number of tokens to generate per prompt.
        written: texts to continue greedily and sampled; empty to measure nothing of that.
        seed: of the sampling.
        pairs: sentences and their translations, whose states are compared; None to compare none.
        tasks: of lm-eval; None to run none.
        task_examples: the largest number of examples of each; None for all.
        segmentations: how both languages are divided into words.
    """

    target: Sequence[str]
    base_language: Sequence[str]
    prompts: Sequence[Prompt]
    generate_tokens: int
    written: Sequence[Prompt] = ()
    seed: int = 0
    pairs: SentencePairs | None = None
    tasks: Tasks | None = None
    task_examples: int | None = None
    segmentations: tuple[str, str] = ("spaces", "spaces")

    @property
    def bytes(self) -> int:
        """UTF-8 bytes of all passages."""
        return sum(len(passage.encode()) for passage in (*self.target, *self.base_language))


@dataclass(frozen=True)
class Device:
    """The device that models run on.

    Attributes:
        name: torch's name of it.
        holds_two: whether the base and another model fit at the same time.
        dtype: what the models are loaded in: "auto" for their own dtype, or "float32".
    """

    name: str
    holds_two: bool
    dtype: str = "auto"

    def describe(self) -> str:
        """A readable description, such as "cpu, 2 threads"."""
        torch = need("torch", "evaluate")
        if self.name == "cpu":
            threads = torch.get_num_threads()
            return f"cpu, {threads} thread{'s' if threads != 1 else ''}"
        return str(torch.cuda.get_device_name(self.name))


def find_device(base: EvaluatedModel | None, evaluated_models: Sequence[EvaluatedModel]) -> Device:
    """A GPU with room for each model, else the CPU.

    Raises:
        BaseModelError: if a model fits neither.
        MissingPackageError: if torch is not installed.
    """
    torch = need("torch", "evaluate")
    models = [*([base] if base else []), *evaluated_models]
    largest = max(models, key=lambda model: model.weight_bytes)
    pair = (base.weight_bytes if base else 0) + max(model.weight_bytes for model in evaluated_models)
    if torch.cuda.is_available():
        free = torch.cuda.mem_get_info()[0]
        if fits(largest.weight_bytes, free):
            return Device("cuda", fits(pair, free))
    if not fits(largest.weight_bytes):
        raise BaseModelError(f"{largest.name} does not fit into the free memory: free some, or omit it")
    return Device("cpu", fits(pair), computing_dtype(pair, "cpu"))


def measuring_seconds(models: Sequence[EvaluatedModel], texts: EvaluationTexts, device: Device) -> float:
    """Estimated seconds of `measure_models`, loading, KL and generation included."""
    seconds = LOADING_SECONDS
    rates: dict[str, float] = {}
    for number, model in enumerate(models):
        dtype = computed_dtype(model.checkpoint, device.dtype)
        if dtype not in rates:
            rates[dtype] = operations_a_second(device.name, dtype, training=False)
        sizes = sizes_of(model.checkpoint)
        target, other = (
            sum(map(len, model.tokenizer.encode(group))) for group in (texts.target, texts.base_language)
        )
        # KL needs the passages of the base's language under both models once more.
        target, other = (READINGS[model.objective] * count for count in (target, other))
        again = 2 * other if number and device.holds_two and model.objective == "causal" else 0
        seconds += scoring_seconds(sizes, target + other + again, rates[dtype], device.name)
        if texts.pairs is not None:
            columns = (texts.pairs.target, texts.pairs.base_language)
            tokens = sum(len(ids) for column in columns for ids in model.tokenizer.encode(column))
            seconds += scoring_seconds(sizes, tokens, rates[dtype], device.name)
        generated = (len(texts.prompts) + 2 * len(texts.written)) * texts.generate_tokens
        seconds += generating_seconds(model.weight_bytes, generated, device.name)
    return seconds


def measure_models(
    base: EvaluatedModel | None,
    evaluated_models: Sequence[EvaluatedModel],
    texts: EvaluationTexts,
    device: Device,
    progress: Progress,
) -> tuple[ModelNumbers, ...]:
    """Measure the base, if there is one, then each of the other models, each in the dtype of the device.

    Args:
        base: the base, or None.
        evaluated_models: the other models.
        texts: the texts to measure on.
        device: the device to run on.
        progress: receives the stages, and a note if KL is left out.
    """
    measured: list[ModelNumbers] = []
    models = [*([] if base is None else [base]), *evaluated_models]
    units = _units(models, texts)
    with quiet_transformers("evaluate"):
        held = None
        if base is not None:
            held = load_model(base.directory, device.name, device.dtype)
            measured.append(_measure(base, held, texts, units, progress, (), is_base=True))
            if base.objective != "causal":
                held = None
            elif not device.holds_two:
                progress.note("KL from the base is left out: two models do not fit into memory.")
                held = None
        for evaluated_model in evaluated_models:
            gc.collect()
            model = load_model(evaluated_model.directory, device.name, device.dtype)
            from_base = None
            if base is not None and evaluated_model.objective == "causal":
                from_base = _from_base(base, held, evaluated_model, model, texts.base_language, progress)
            new = _new_ids(evaluated_model, base)
            measured.append(_measure(evaluated_model, model, texts, units, progress, new, from_base))
            del model
    return tuple(measured)


def _measure(
    evaluated_model: EvaluatedModel,
    model: Any,
    texts: EvaluationTexts,
    units: Mapping[str, Units],
    progress: Progress,
    new: Collection[int],
    from_base: FromBase | None = None,
    is_base: bool = False,
) -> ModelNumbers:
    name, groups = evaluated_model.name, (texts.target, texts.base_language)
    with progress.stage(f"Scoring {name}", texts.bytes, "B") as advance:
        scores = _scorer(evaluated_model, units).scores(model, groups, advance)
    numbers = [_numbers(evaluated_model.tokenizer, *pair) for pair in zip(groups, scores, strict=True)]
    tasks, boundaries = _tasks(evaluated_model, model, texts, progress)
    return ModelNumbers(
        name=name,
        is_base=is_base,
        parameters=int(model.num_parameters()),
        dtype=str(model.dtype).removeprefix("torch."),
        target=numbers[0],
        base_language=numbers[1],
        from_base=from_base,
        generated=_generated(evaluated_model, model, texts, progress),
        written=_written(evaluated_model, model, texts, new, progress),
        alignment=_alignment(evaluated_model, model, texts, progress),
        tasks=tasks,
        boundaries=boundaries,
    )


def _units(models: Sequence[EvaluatedModel], texts: EvaluationTexts) -> dict[str, Units]:
    """What is hidden together in each passage, from models that are scored so."""
    if models[0].objective == "causal":
        return {}
    tokenizers = [model.tokenizer for model in models]
    groups = zip((texts.target, texts.base_language), texts.segmentations, strict=True)
    return {
        text: units
        for passages, segmentation in groups
        for text, units in common_units(passages, segmentation, tokenizers).items()
    }


def _scorer(model: EvaluatedModel, units: Mapping[str, Units]) -> Scorer:
    return scorer_for(model.objective, model.tokenizer, model.directory, units)


def _numbers(tokenizer: FastTokenizer, passages: Sequence[str], score: Score) -> TextNumbers:
    tokens = count_tokens(tokenizer, passages)
    return TextNumbers(score.whole, score.start, tokens, sum(map(len, passages)) / max(1, tokens))


def _generated(
    evaluated_model: EvaluatedModel, model: Any, texts: EvaluationTexts, progress: Progress
) -> Generated | None:
    if not texts.prompts:
        return None
    title = f"Generating with {evaluated_model.name}"
    with progress.stage(title, len(texts.prompts), "samples") as advance:
        return generate(model, evaluated_model.tokenizer, texts.prompts, texts.generate_tokens, advance)


def _written(
    evaluated_model: EvaluatedModel,
    model: Any,
    texts: EvaluationTexts,
    new: Collection[int],
    progress: Progress,
) -> tuple[Written, ...]:
    """What the model writes after each prompt, greedily and sampled."""
    if not texts.written:
        return ()
    tokenizer, tokens = evaluated_model.tokenizer, texts.generate_tokens
    with progress.stage(f"Writing with {evaluated_model.name}", 2 * len(texts.written), "texts") as advance:
        return tuple(
            write_texts(model, tokenizer, texts.written, tokens, new, seed, advance)
            for seed in (None, texts.seed)
        )


def _alignment(
    evaluated_model: EvaluatedModel, model: Any, texts: EvaluationTexts, progress: Progress
) -> Alignment | None:
    """How alike sentences and their translations are inside the model."""
    if texts.pairs is None:
        return None
    title = f"Comparing sentences in {evaluated_model.name}"
    with progress.stage(title, 2 * len(texts.pairs), "sentences") as advance:
        return measure_alignment(model, evaluated_model.tokenizer, texts.pairs, texts.seed, advance)


def _tasks(
    evaluated_model: EvaluatedModel, model: Any, texts: EvaluationTexts, progress: Progress
) -> tuple[tuple[TaskNumber, ...], Boundaries | None]:
    """The results on tasks, and how the model tokenizes where contexts end."""
    if texts.tasks is None:
        return (), None
    tokenizer, directory = evaluated_model.tokenizer, evaluated_model.directory
    with progress.stage(f"Tasks with {evaluated_model.name}", texts.tasks.examples, "examples") as advance:
        return run_tasks(model, directory, tokenizer, texts.tasks, texts.task_examples, texts.seed, advance)


def _new_ids(evaluated_model: EvaluatedModel, base: EvaluatedModel | None) -> frozenset[int]:
    """The ids of tokens that the base lacks; without a base, those that vocabx.json records as new."""
    tokenizer, manifest = evaluated_model.tokenizer, evaluated_model.manifest
    if base is not None:
        old = base.tokenizer.vocabulary
        return frozenset(n for n in tokenizer.token_bytes if tokenizer.id_to_piece[n] not in old)
    ranges = [part for part in manifest.ranges if part.source != "pad"] if manifest is not None else []
    return frozenset(n for part in ranges for n in range(part.first_id, part.first_id + part.count))


def _from_base(
    base: EvaluatedModel,
    held: Any | None,
    evaluated_model: EvaluatedModel,
    model: Any,
    passages: Sequence[str],
    progress: Progress,
) -> FromBase:
    """KL from the base on passages that both tokenize identically; `held` is the base model in memory."""
    begin = begin_id(model.config)
    sequences = []
    if held is not None and begin_id(held.config) == begin and _width(model) >= _width(held):
        both = zip(*(one.tokenizer.encode(passages) for one in (base, evaluated_model)), strict=True)
        sequences = [
            [begin, *ids] for ids, others in both if ids == others and _same(base, evaluated_model, ids)
        ]
    kl = None
    if sequences:
        positions = sum(len(ids) - 1 for ids in sequences)
        with progress.stage(
            f"Comparing {evaluated_model.name} with the base", positions, "tokens"
        ) as advance:
            kl = mean_divergence(held, model, sequences, advance)
    left_out = len(passages) - len(sequences)
    bound = evaluated_model.hull_bound(base.checkpoint)
    return FromBase(kl, len(sequences), left_out, bound)


def _width(model: Any) -> int:
    """The number of ids in a model's output distribution."""
    return int(model.config.get_text_config().vocab_size)


def _same(base: EvaluatedModel, evaluated_model: EvaluatedModel, ids: Sequence[int]) -> bool:
    """Whether the ids stand for the same tokens in both vocabularies."""
    old, new = base.tokenizer.id_to_piece, evaluated_model.tokenizer.id_to_piece
    return all(old.get(index) == new.get(index) for index in set(ids))
