"""What `vocabx train` can be told."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import OUT_HELP, OUTPUT, TEXT, check_opencc, command, opencc, seed, text_field
from vocabx.errors import OptionError

METHOD, SCHEDULE, MEMORY, LORA, RECORDS = (
    "Method",
    "Schedule",
    "Memory",
    "Adapters",
    "Checkpoints and reports",
)
TRACKERS = ("trackio", "wandb", "tensorboard")


@options
class TrainOptions:
    """The options of `train`; the help of each says what it does."""

    directory: Path = option("An extended checkpoint that vocabx wrote.", default=Path())
    out: Path = option(OUT_HELP, default=Path("trained"), panel=OUTPUT)
    method: Literal["auto", "qlora", "lora", "rows", "full"] = option(
        "qlora (adapters on a base in 4 bits), lora (on one in 16), rows (the new token embeddings alone), "
        "full (every weight), or auto: qlora on a GPU, lora elsewhere. The new token embeddings train with "
        "each of them.",
        default="auto",
        panel=METHOD,
    )
    corpus: tuple[str, ...] = option(
        "Text in the language, as for extend. Default: the language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    replay: tuple[str, ...] = option(
        "Text in the base's language, so that the model keeps it. Default: the language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    replay_share: float = option(
        "Share of the sequences that are replay; 0 trains on the new language alone.",
        default=0.25,
        panel=TEXT,
        ge=0,
        lt=1,
    )
    text_field: str = text_field()
    opencc: str = opencc()
    text_bytes: int = option(
        "Bytes of each text to read at most, from its beginning.", default=1_000_000_000, panel=TEXT, ge=1000
    )
    heldout_bytes: int = option(
        "Bytes of each text to hold out, and measure on during training.", default=20_000, panel=TEXT, ge=1000
    )
    max_steps: int | None = option(
        "Steps to train. Default: as many as the text and --epochs give.", default=None, panel=SCHEDULE, ge=1
    )
    epochs: int = option(
        "Passes over the text. With --max-steps, only as much text is used as that many passes need.",
        default=1,
        panel=SCHEDULE,
        ge=1,
    )
    sequence_length: int | None = option(
        "Tokens of a sequence. Default: 2,048 on a GPU, 256 elsewhere.", default=None, panel=SCHEDULE, ge=8
    )
    step_sequences: int | None = option(
        "Sequences of a step, over all processes. Default: 64 on a GPU, 4 elsewhere.",
        default=None,
        panel=SCHEDULE,
        ge=1,
    )
    batch_size: int | None = option(
        "Sequences in memory at once in each process; the rest of a step is accumulated. Default: what "
        "--max-memory, or the free memory, holds.",
        default=None,
        panel=MEMORY,
        ge=1,
    )
    max_memory: float | None = option(
        "Gigabytes to stay within; picks --batch-size and accumulation.", default=None, panel=MEMORY, gt=0
    )
    gradient_checkpointing: bool = option(
        "Recompute activations in the backward pass: less memory, slower.", default=False, panel=MEMORY
    )
    learning_rate: float = option(
        "Of the adapters, or of all other weights (full).", default=2e-4, panel=SCHEDULE, gt=0
    )
    rows_learning_rate: float = option(
        "Of the new token embeddings, which never see weight decay.", default=1e-3, panel=SCHEDULE, gt=0
    )
    weight_decay: float = option("Of everything else.", default=0.0, panel=SCHEDULE, ge=0)
    rows_first: float = option(
        "Share of the steps at the beginning that train the new token embeddings alone.",
        default=0.05,
        panel=SCHEDULE,
        ge=0,
        lt=1,
    )
    warmup: float = option(
        "Share of the steps over which a learning rate warms up.", default=0.02, panel=SCHEDULE, ge=0, lt=1
    )
    decay: float = option(
        "Share of the steps at the end over which learning rates decay to 0.",
        default=0.1,
        panel=SCHEDULE,
        ge=0,
        lt=1,
    )
    max_grad_norm: float = option("Clip gradients to this norm.", default=1.0, panel=SCHEDULE, gt=0)
    lora_rank: int = option("Rank of the adapters (qlora, lora).", default=64, panel=LORA, ge=1)
    lora_alpha: float | None = option(
        "Scale of the adapters. Default: twice their rank.", default=None, panel=LORA
    )
    lora_dropout: float = option("Dropout before the adapters.", default=0.0, panel=LORA, ge=0, lt=1)
    lora_tables: bool = option(
        "Bailong's form: adapters on the embedding matrix and the lm_head too, instead of new token "
        "embeddings that train. Old embeddings change with it.",
        default=False,
        panel=LORA,
    )
    dtype: Literal["bfloat16", "float16", "float32"] = option(
        "Compute in bfloat16, float16 (GPU) or float32.", default="bfloat16", panel=METHOD
    )
    evaluate_every: int | None = option(
        "Steps between two measurements. Default: a tenth of all; 0 for none.",
        default=None,
        panel=RECORDS,
        ge=0,
    )
    save_every: int | None = option(
        "Steps between two checkpoints. Default: a tenth of all.", default=None, panel=RECORDS, ge=1
    )
    keep: int = option(
        "Checkpoints to keep, beside the one before the learning rates decay.",
        default=2,
        panel=RECORDS,
        ge=1,
    )
    max_minutes: float | None = option(
        "Stop after this many minutes with a checkpoint, for --resume.", default=None, panel=SCHEDULE, gt=0
    )
    resume: bool = option("Continue what an earlier run of the same job left.", default=False, panel=OUTPUT)
    branch_from: str = option(
        "Start from the state of another run before its learning rates decayed, to train longer or end "
        "elsewhere: its directory.",
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
    seed: int = seed("order and draws")
    command: str = command("record")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: they do; the message says which.
        """
        if self.rows_first + self.decay > 1:
            raise OptionError(
                "--rows-first and --decay are more than the whole run together: lower one of them"
            )
        if self.resume and self.branch_from:
            raise OptionError(
                "--resume continues this run and --branch-from starts another: pass one of them"
            )
        if self.lora_tables and self.method in ("rows", "full"):
            raise OptionError(
                f"--lora-tables is about adapters, and --method {self.method} has none: pass one of them"
            )
        check_opencc(self.corpus, self.opencc)
        for name in self.trackers:
            if name not in TRACKERS:
                raise OptionError(f"--report-to knows {', '.join(TRACKERS)}, and not {name[:60]!r}")

    @property
    def trackers(self) -> tuple[str, ...]:
        """The names in `report_to`."""
        return tuple(name.strip() for name in self.report_to.split(",") if name.strip())
