"""The plan of a training run, made without loading the model: the content of `--dry-run`."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vocabx._util.extras import require_all
from vocabx.checkpoint.factorised import is_factorised
from vocabx.checkpoint.manifest import Manifest
from vocabx.checkpoint.objective import Objective
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.train.defaults import method_of, with_defaults
from vocabx.commands.train.fit import Fit, fit_batch
from vocabx.commands.train.objective import check_objective
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.sampled import SampledText, sample_beginning
from vocabx.commands.train.sources import (
    decay_source,
    language_of_base,
    language_with_scripts,
    measured_source,
    replay_source,
    target_source,
)
from vocabx.commands.train.trained_checkpoint import first_new_id, trained_checkpoint
from vocabx.corpus.languages import Language
from vocabx.corpus.perplexity import Perplexity
from vocabx.corpus.quality import text_with_quality
from vocabx.corpus.source import TextSource
from vocabx.errors import BaseModelError, TrainingError
from vocabx.evaluation.hidden_scorer import READINGS
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.training.duration import STARTING_SECONDS, described, scoring_seconds, training_seconds
from vocabx.training.methods import Method
from vocabx.training.model_sizes import ModelSizes, sizes_of, trained_parameters
from vocabx.training.pace import early_scores, every
from vocabx.training.processes import are_sharded, sharding_version


@dataclass(frozen=True)
class TrainPlan:
    """A checked run.

    Attributes:
        options: the options of the command, with defaults that depend on the machine filled in.
        checkpoint: the checkpoint to train.
        tokenizer: its tokenizer.
        manifest: its vocabx.json.
        method: how it is trained.
        first_id: the id of its first new row.
        language, base_language: the language of the new tokens, and that of the base.
        source: text in the new language.
        base_source: text in the base's language, for replay; None if there is none and none is replayed.
        measured_source: text in it to measure on, None to measure on what is held out of `base_source`.
        decay_source: text of the decay, None if it has none of its own.
        sizes: parameter counts of the model.
        fit: batch size, accumulation and memory.
        device: torch device.
        objective: what the model predicts.
        beside: the tokenizer of the model that it is compared with, None without a contest. What is hidden
            of held-out text from either of them is the same.
    """

    options: TrainOptions
    checkpoint: Checkpoint
    tokenizer: FastTokenizer
    manifest: Manifest
    method: Method
    first_id: int
    language: Language
    base_language: Language
    source: TextSource
    base_source: TextSource | None
    measured_source: TextSource | None
    decay_source: TextSource | None
    sizes: ModelSizes
    fit: Fit
    device: str
    objective: Objective = "causal"
    beside: FastTokenizer | None = None

    @property
    def trained(self) -> dict[str, int]:
        """Number of trained parameters, by kind."""
        rows = self.checkpoint.input.rows - self.first_trained
        return trained_parameters(self.sizes, self.method, rows, self.options.composition)

    @property
    def first_trained(self) -> int:
        """The id of the first row that trains; the rows before it stay as they are."""
        return _first_trained(self.checkpoint, self.first_id)

    @property
    def waits_for_tokens(self) -> bool:
        """Whether a new row stays as it is until its token has occurred."""
        return self.options.rows_update == "seen" or (
            self.options.rows_update == "auto" and not are_sharded()
        )

    @property
    def replay(self) -> TextSource | None:
        """The replay text, or None."""
        return self.base_source if self.options.replay_share or self.decay_replay_share else None

    @property
    def decay_replay_share(self) -> float:
        """Share of replay among the sequences of the decay."""
        given = self.options.decay_replay_share
        return self.options.replay_share if given is None else given

    @property
    def length(self) -> int:
        """Tokens per sequence."""
        return self.options.sequence_length or 0

    @property
    def step_sequences(self) -> int:
        """Sequences per step."""
        return self.options.step_sequences or 0

    def text_tokens(self) -> int | None:
        """Estimated number of tokens of the target text, None for a stream of unknown length."""
        if not self.source.bytes:
            return None
        sampled = self._sampled[0]
        text = min(self.source.bytes * sampled.size / max(1, sampled.read), self.options.text_bytes)
        text = min(text, self.subset_bytes or text)
        return int(sampled.tokens / max(1, sampled.size) * text)

    @property
    def stable_share(self) -> float:
        """The share of the steps that read the target text."""
        return 1 - (self.options.decay if self.decay_source else 0.0)

    @property
    def subset_bytes(self) -> int | None:
        """The bytes of --subset, None for all of the text or as many as the run needs."""
        return int(self.options.subset) if self.options.subset.isdecimal() else None

    @property
    def tokens_per_byte(self) -> float:
        """Estimated number of tokens per byte of the target text."""
        sampled = self._sampled[0]
        return sampled.tokens / max(1, sampled.size)

    def scored_tokens(self) -> float:
        """Estimated number of tokens of the held-out texts."""
        scored = [
            one
            for source, one in zip(self._sources, self._sampled, strict=True)
            if source is not self.decay_source
            and (source is not self.base_source or self.measured_source is None)
        ]
        tokens = sum(one.tokens / max(1, one.size) for one in scored) * self.options.heldout_bytes
        return tokens * READINGS[self.objective]

    def reading_seconds(self) -> float:
        """Estimated seconds to read the texts: once for what is held out, and once to tokenize the rest."""
        seconds = 0.0
        for source, sampled in zip(self._sources, self._sampled, strict=True):
            size = source.bytes or self.options.text_bytes
            limit = self.options.text_bytes * sampled.read / max(1, sampled.size)
            packed = min(size, limit) if source in (self.source, self.replay, self.decay_source) else 0.0
            # Nothing is held out of the text of the decay.
            drawn = size if source is not self.decay_source else 0.0
            seconds += (drawn + packed) * sampled.seconds / max(1, sampled.read)
        return seconds

    @property
    def _sources(self) -> list[TextSource]:
        texts = (self.source, self.base_source, self.measured_source, self.decay_source)
        return [one for one in texts if one is not None]

    @cached_property
    def _sampled(self) -> list[SampledText]:
        return [sample_beginning(source, self.tokenizer) for source in self._sources]

    def _scores(self, steps: int) -> int:
        """How often the held-out texts are scored: at both ends and in between."""
        between = self.options.evaluate_every
        if between == 0:
            return 2
        apart = every(between, steps)
        early = {int(at) for at in early_scores(apart)} - {0} if between is None else set()
        return 1 + len(early) + -(-steps // apart)

    def describe(self, operations_a_second: float, scoring_rate: float = 0.0) -> dict[str, Any]:
        """What the run will do and need, as plain data.

        Args:
            operations_a_second: floating-point operations per second of the machine in matrix products.
            scoring_rate: the same without those of the backward pass; 0 if they are as fast.
        """
        tokens, share = self.text_tokens(), self.options.replay_share if self.replay else 0.0
        steps = self.options.max_steps
        if steps is None and tokens is not None:
            wanted = tokens * self.options.passes / (1 - share) / self.stable_share
            steps = max(1, int(wanted / (self.length * self.step_sequences)))
        rate = operations_a_second
        speed = 1 / training_seconds(self.sizes, self.method, self.trained, 1, rate, self.device)
        limit = self.options.max_minutes
        if limit is not None:
            in_time = max(1, int(60 * limit * speed / (self.length * self.step_sequences)))
            steps = in_time if steps is None else min(steps, in_time)
        taken = None if steps is None else steps * self.length * self.step_sequences
        scoring = (
            0.0
            if steps is None
            else self._scores(steps)
            * scoring_seconds(self.sizes, self.scored_tokens(), scoring_rate or rate, self.device)
        )
        reading = STARTING_SECONDS + self.reading_seconds()
        seconds = None if taken is None else reading + taken / speed + scoring
        return {
            "directory": str(self.options.directory),
            "out": str(self.options.out),
            "method": self.method.name,
            "objective": self.objective,
            "dtype": self.method.dtype,
            "language": self.language.tag,
            "corpus": self.source.description,
            "corpus_tokens": tokens,
            "corpus_unread": self.source.unread or None,
            "replay": self.replay.description if self.replay else "",
            "subset": self.options.subset,
            "passes": self.options.passes,
            "replay_share": share,
            "measured": self.measured_source.description if self.measured_source else "",
            "decay_corpus": self.decay_source.description if self.decay_source else "",
            "decay_replay_share": self.decay_replay_share if self.decay_source and self.replay else 0.0,
            "parameters": self.sizes.linear + self.sizes.tables + self.sizes.others,
            "trained": self.trained,
            "sequence_length": self.length,
            "step_sequences": self.step_sequences,
            "batch_size": self.fit.batch_size,
            "accumulation": self.fit.accumulation,
            "gradient_checkpointing": self.fit.checkpointing,
            "processes": self.fit.processes,
            "memory": {name: round(size) for name, size in self.fit.parts.items()},
            "memory_bytes": round(self.fit.bytes),
            "memory_free": self.fit.free,
            "steps": steps,
            "tokens": taken,
            "tokens_per_second": round(speed, 1),
            "max_minutes": limit,
            "reading_seconds": round(reading, 3),
            "scoring_seconds": round(scoring, 3),
            "estimated_seconds": None if seconds is None else round(seconds, 3),
            "contest": self.options.contest,
            "contest_seconds": None if seconds is None else round(seconds * self.options.contest, 3),
        }


def duration_note(plan: dict[str, Any]) -> str:
    """What a run will take, in one sentence, from what `describe` says; "" if that is unknown."""
    if plan["estimated_seconds"] is None:
        return ""
    total = plan["estimated_seconds"] + plan["contest_seconds"]
    contest = ", the base left alone included" if plan["contest"] else ""
    return (
        f"This takes {described(total)}{contest}: {plan['steps']:,} steps at "
        f"{plan['tokens_per_second']:,.0f} tokens/s, {described(plan['scoring_seconds'])} of scoring, and "
        f"{described(plan['reading_seconds'])} to load the model and read the text."
    )


def make_train_plan(options: TrainOptions, device: str, processes: int) -> TrainPlan:
    """Check a run, and estimate what it needs.

    Args:
        options: the options of the command.
        device: torch device, such as "cpu" or "cuda:0".
        processes: number of processes that share the run.

    Raises:
        VocabxError: if the checkpoint cannot be trained this way, there is no text, a number is out of range,
            a package is missing, or memory is too small.
    """
    gpu = device != "cpu"
    asked = method_of(options, gpu, "float32")
    require_all(asked.packages)
    _check_sharding(asked)
    checkpoint, manifest = trained_checkpoint(options.directory)
    options = with_defaults(options, gpu, checkpoint)
    method = method_of(options, gpu, options.dtype or "float32")
    if method.tables and checkpoint.tied:
        raise TrainingError(
            f"{options.directory} ties input embeddings and lm_head, and adapters on both would untie them: "
            "omit --lora-tables"
        )
    tokenizer = read_tokenizer(options.directory)
    source = target_source(options, manifest)
    language = language_with_scripts(manifest.language, source)
    source = text_with_quality(source, language, options.corpus, options.quality_options)
    if options.subset and options.perplexity_model:
        # It is read when the text is; a damaged one is refused now.
        Perplexity(Path(options.perplexity_model), language.segmentation == "spaces")
    spoken = language_of_base(manifest)
    base_source = replay_source(options, spoken)
    sizes, first = sizes_of(checkpoint), first_new_id(manifest, options.directory, options.new_rows)
    if first >= checkpoint.input.rows:
        raise BaseModelError(
            f"{options.directory}: vocabx.json says that new rows begin at {first:,}, and there are "
            f"{checkpoint.input.rows:,}: restore it, or extend the base again"
        )
    _check_rows(options, first)
    if is_factorised(checkpoint.config):
        _check_factors(options)
    objective = check_objective(options, checkpoint, tokenizer, language)
    rows = checkpoint.input.rows - _first_trained(checkpoint, first)
    trained = trained_parameters(sizes, method, rows, options.composition)
    fit = fit_batch(options, sizes, method, trained, device, processes)
    return TrainPlan(
        options,
        checkpoint,
        tokenizer,
        manifest,
        method,
        first,
        language,
        spoken,
        source,
        base_source,
        measured_source(options, spoken),
        decay_source(options),
        sizes,
        fit,
        device,
        objective,
    )


def _first_trained(checkpoint: Checkpoint, first_id: int) -> int:
    """The id of the first row that trains: of factorized embeddings, the rows of all tokens do."""
    return 0 if is_factorised(checkpoint.config) else first_id


def _check_rows(options: TrainOptions, first: int) -> None:
    """Refuse ways to train new rows that a run cannot take.

    Raises:
        TrainingError: FSDP divides the rows, or there are no pieces to learn from.
    """
    names = options.ways
    whole = (*names, *(["--rows-update seen"] if options.rows_update == "seen" else []))
    if whole and are_sharded():
        raise TrainingError(f"{whole[0]} needs whole token embeddings, and FSDP divides them: omit it")
    if names and not first:
        raise TrainingError(
            f"{names[0]} learns from the base's pieces, and {options.directory} kept none of the base's "
            "tokens: omit it"
        )


def _check_sharding(method: Method) -> None:
    """Refuse ways to divide a model among processes that give wrong results.

    Raises:
        TrainingError: it is FSDP 1, or 4-bit layers would be divided.
    """
    version = sharding_version()
    if version == 1:
        raise TrainingError(
            "FSDP 1 leaves each process a shard of the trained embeddings, and vocabx gathers those of FSDP "
            "2 alone: set fsdp_version: 2, as docs/accelerate/fsdp.yaml does"
        )
    if version and method.name == "qlora":
        raise TrainingError(
            "the forward pass of 4-bit layers is wrong under FSDP 2: pass --method lora, or launch with "
            "docs/accelerate/ddp.yaml"
        )


def _check_factors(options: TrainOptions) -> None:
    """Refuse what needs the dense rows of a matrix, for a factorized checkpoint.

    Raises:
        TrainingError: the options ask for it.
    """
    for name, asked in (("--lora-tables", options.lora_tables), *((way, True) for way in options.ways)):
        if asked:
            raise TrainingError(
                f"{options.directory} is factorized, so its coordinates and primitives train, and {name} "
                "needs whole embeddings: omit it"
            )
