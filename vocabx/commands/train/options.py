"""The options of `vocabx train`."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import (
    LARGEST_TEXT,
    OUT_HELP,
    OUTPUT,
    TEXT,
    check_quality,
    command,
    force,
    perplexity_model,
    perplexity_share,
    quality,
)
from vocabx.commands._training_options import LORA, MEMORY, METHOD, SCHEDULE, TrainingOptions
from vocabx.corpus.quality_options import QualityOptions
from vocabx.errors import OptionError

RECORDS, CONTEST = "Checkpoints and reports", "Comparison with the base"
TRACKERS = ("trackio", "wandb", "tensorboard")


@options
class TrainOptions(TrainingOptions):
    """Options of `train`; each has its own help text."""

    out: Path = option(OUT_HELP, default=Path("trained"), panel=OUTPUT)
    replay_share: float = option(
        "Share of replay among the sequences; 0 trains on the new language alone.",
        default=0.25,
        panel=TEXT,
        ge=0,
        lt=1,
    )
    decay_corpus: tuple[str, ...] = option(
        "Text in the language for the decay alone, in place of --corpus: the best there is. Default: the "
        "text stays the same.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    decay_replay_share: float | None = option(
        "Share of replay among the sequences of the decay. Default: as --replay-share.",
        default=None,
        panel=TEXT,
        ge=0,
        lt=1,
    )
    mask: Literal["words", "entities"] = option(
        "What is hidden from an encoder, 15 % of the tokens: whole words, or nouns, verbs and named "
        "entities, one token of each (Linguistic Entity Masking; Chinese only).",
        default="words",
        panel=TEXT,
    )
    pairs: str = option(
        "Sentences with translations, for an encoder: a file with a sentence, a tab and its translation into "
        "the base's language on each line. Words are hidden in both (translation language modeling).",
        default="",
        panel=TEXT,
        metavar="<path>",
    )
    quality: bool | None = quality()
    perplexity_model: str = perplexity_model()
    perplexity_share: float = perplexity_share()
    max_steps: int | None = option(
        "Training steps. Default: as many as the text and --epochs give.",
        default=None,
        panel=SCHEDULE,
        ge=1,
        most=1_000_000_000,
    )
    subset: str = option(
        "Train on the best part of --corpus alone, and pass over it several times: so many bytes, or auto, "
        "as many as --epochs passes need in --max-steps or --max-minutes. What --quality keeps is ranked by "
        "its perplexity under --perplexity-model, else by what is typical of the text.",
        default="",
        panel=TEXT,
        metavar="<bytes>",
    )
    epochs: int | None = option(
        "Passes over the text. With --max-steps, only as much text is used as fits that many passes. "
        "Default: 1; with --subset, 4.",
        default=None,
        panel=SCHEDULE,
        ge=1,
        most=10_000,
    )
    gradient_checkpointing: bool = option(
        "Recompute activations in the backward pass: less memory, slower.", default=False, panel=MEMORY
    )
    rows_epsilon: float = option(
        "AdamW's epsilon for the new token embeddings: one above the gradients of a token that does not "
        "occur keeps the optimizer from moving it as far as the tokens that do.",
        default=1e-8,
        panel=METHOD,
        gt=0,
        most=1_000_000,
    )
    rows_update: Literal["auto", "seen", "all"] = option(
        "Which new token embeddings a step moves: those of tokens that it or an earlier step has seen, or "
        "all of them, as AdamW does; auto is seen, and all with FSDP, which divides them.",
        default="auto",
        panel=METHOD,
    )
    composition: int = option(
        "Train the new token embeddings as a sum of a free part and of linear maps of their pieces, of this "
        "rank, which all new tokens share: rare tokens learn from frequent ones. 0 for free ones alone.",
        default=0,
        panel=METHOD,
        ge=0,
        most=100_000,
    )
    composition_learning_rate: float = option(
        "Learning rate of the maps of --composition.", default=5e-4, panel=SCHEDULE, gt=0
    )
    align_weight: float = option(
        "Weight of a loss of hidden states beside that of the language model, at the first step; it falls to "
        "0 at half of the run. After a third of the layers, new tokens shall mean what their pieces mean.",
        default=0.0,
        panel=METHOD,
        ge=0,
        most=1_000_000,
    )
    weight_decay: float = option(
        "Weight decay of everything but the new token embeddings.",
        default=0.0,
        panel=SCHEDULE,
        ge=0,
        most=1_000,
    )
    rows_first: float = option(
        "Share of the steps, at the beginning, that train the new token embeddings alone.",
        default=0.05,
        panel=SCHEDULE,
        ge=0,
        lt=1,
    )
    warmup: float = option(
        "Share of the steps over which learning rates warm up.", default=0.02, panel=SCHEDULE, ge=0, lt=1
    )
    decay: float = option(
        "Share of the steps, at the end, over which learning rates decay to 0.",
        default=0.1,
        panel=SCHEDULE,
        ge=0,
        lt=1,
    )
    decay_shape: Literal["linear", "exponential"] = option(
        "How learning rates decay: linear, or exponential, as MiniCPM's, which halves them every so many "
        "steps.",
        default="linear",
        panel=SCHEDULE,
        metavar="<shape>",
    )
    decay_half_life: int | None = option(
        "Steps in which an exponential decay halves the rates. Default: a seventh of the decay, so that they "
        "end below a hundredth.",
        default=None,
        panel=SCHEDULE,
        ge=1,
        most=1_000_000_000,
    )
    max_grad_norm: float = option("Clip gradients to this norm.", default=1.0, panel=SCHEDULE, gt=0)
    lora_alpha: float | None = option(
        "Scale (alpha) of the adapters. Default: twice their rank.", default=None, panel=LORA
    )
    lora_dropout: float = option("Dropout before the adapters.", default=0.0, panel=LORA, ge=0, lt=1)
    lora_tables: bool = option(
        "As in Bailong: adapters on the embedding matrix and the lm_head too, instead of training the new "
        "token embeddings. This changes old embeddings.",
        default=False,
        panel=LORA,
    )
    new_rows: Literal["all", "latest"] = option(
        "Which token embeddings train as new ones where the base had been extended before: those of all "
        "extensions, or of the latest.",
        default="all",
        panel=METHOD,
    )
    evaluate_every: int | None = option(
        "Steps between measurements. Default: a tenth of all, and three before the first tenth; 0 for none.",
        default=None,
        panel=RECORDS,
        ge=0,
        most=1_000_000_000,
    )
    save_every: int | None = option(
        "Steps between checkpoints. Default: a tenth of all.",
        default=None,
        panel=RECORDS,
        ge=1,
        most=1_000_000_000,
    )
    keep: int = option(
        "Checkpoints to keep, besides the one before the learning rates decay.",
        default=2,
        panel=RECORDS,
        ge=1,
        most=1_000_000,
    )
    max_minutes: float | None = option(
        "Minutes of training steps: the speed is measured in the first steps, and the schedule is fitted so "
        "that the run, its decay included, is finished then. What the text or --max-steps give is not "
        "exceeded.",
        default=None,
        panel=SCHEDULE,
        gt=0,
        most=10_000_000,
    )
    stop_after: float | None = option(
        "Stop after this many minutes with a checkpoint, for --resume: for a time limit of the machine.",
        default=None,
        panel=RECORDS,
        gt=0,
        most=10_000_000,
    )
    contest: bool = option(
        "Also train the base left alone, with its own tokenizer, on the same text for as many seconds, and "
        "compare both. This doubles the time. With --resume, a run without it gains it.",
        default=False,
        panel=CONTEST,
    )
    base: str = option(
        "The base, for --contest. Default: as the directory records.",
        default="",
        panel=CONTEST,
        metavar="<path>",
    )
    resume: bool = option("Resume an unfinished run with the same options.", default=False, panel=OUTPUT)
    force: bool = force()
    branch_from: str = option(
        "Directory of another run, to start from its state before its learning rates decayed: trains longer, "
        "or with another ending.",
        default="",
        panel=OUTPUT,
        metavar="<run>",
    )
    report_to: str = option(
        "Also report to trackio, wandb or tensorboard, comma-separated.",
        default="",
        panel=RECORDS,
        metavar="<names>",
    )
    command: str = command("record")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        super().check()
        if self.rows_first + self.decay > 1:
            raise OptionError("--rows-first and --decay together exceed the whole run: lower one of them")
        if self.resume and self.branch_from:
            raise OptionError(
                "--resume continues this run and --branch-from starts another: pass one of them"
            )
        if self.lora_tables and self.method in ("rows", "full"):
            raise OptionError(
                f"--lora-tables needs adapters, and --method {self.method} has none: pass one of them"
            )
        self._check_rows()
        if self.contest and self.method == "rows":
            raise OptionError(
                "--contest trains the base too, and --method rows trains none of it: pass lora, qlora or full"
            )
        self._check_decay()
        self._check_subset()
        if self.contest and self.evaluate_every == 0:
            raise OptionError("--contest compares held-out scores: omit --evaluate-every 0")
        if self.base and not self.contest:
            raise OptionError("--base names the base for --contest, which is missing: pass both or neither")
        check_quality(self.corpus, self.quality, self.perplexity_model)
        for name in self.trackers:
            if name not in TRACKERS:
                raise OptionError(f"--report-to supports {', '.join(TRACKERS)}, not {name[:60]!r}")

    def _check_subset(self) -> None:
        """Refuse a subset that is no size, or whose size nothing decides."""
        if not self.subset:
            return
        if self.subset == "auto":
            if self.max_steps is None and self.max_minutes is None:
                raise OptionError(
                    "--subset auto is as much text as a run reads --epochs times: pass --max-steps or "
                    "--max-minutes, too, or a number of bytes"
                )
        elif (
            not (self.subset.isascii() and self.subset.isdecimal())
            or not 1000 <= int(self.subset) <= LARGEST_TEXT
        ):
            raise OptionError(
                f"--subset is {self.subset[:40]!r}: pass auto, or a whole number of bytes of at least 1,000"
            )

    def _check_decay(self) -> None:
        """Refuse what is said of a decay that is another one, or none."""
        if self.decay_half_life is not None and self.decay_shape != "exponential":
            raise OptionError(
                "--decay-half-life is of an exponential decay: pass --decay-shape exponential, too"
            )
        if self.decay_corpus and not self.decay:
            raise OptionError(
                "--decay-corpus is text for the decay, and --decay is 0: pass a share of the steps"
            )
        if self.decay_replay_share is not None and not self.decay_corpus:
            raise OptionError(
                "--decay-replay-share is beside --decay-corpus, which is missing: pass both or neither"
            )
        if self.decay_corpus and self.contest:
            raise OptionError(
                "--contest trains the base on the text of --corpus alone: omit it, or --decay-corpus"
            )

    def _check_rows(self) -> None:
        """Refuse ways to train new token embeddings where none train as such, or one that has no use."""
        ways = (*self.ways, *(["--rows-update"] if self.rows_update != "auto" else []))
        name = next(iter(ways), "")
        other = "--method full" if self.method == "full" else "--lora-tables" if self.lora_tables else ""
        if name and other:
            raise OptionError(
                f"{name} is about new token embeddings that train apart from the base, and with {other} none "
                "do: pass one of them"
            )

    @property
    def quality_options(self) -> QualityOptions:
        """What is left out of the corpus for its quality."""
        # A subset takes the lowest perplexities itself, and as many as it needs.
        model = "" if self.subset else self.perplexity_model
        return QualityOptions(self.quality, model, self.perplexity_share, always=bool(self.subset))

    @property
    def passes(self) -> int:
        """Passes over the text."""
        return self.epochs or (4 if self.subset else 1)

    @property
    def ways(self) -> tuple[str, ...]:
        """The options in use that train new token embeddings by the base's pieces."""
        given = {"--composition": self.composition, "--align-weight": self.align_weight}
        return tuple(name for name, value in given.items() if value)

    @property
    def trackers(self) -> tuple[str, ...]:
        """The names in `report_to`."""
        return tuple(name.strip() for name in self.report_to.split(",") if name.strip())
