"""The options of the commands that train a checkpoint: what trains, on which text, at which rates."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import LARGEST_TEXT, TEXT, check_opencc, opencc, seed, text_field

METHOD, SCHEDULE, MEMORY, LORA = "Method", "Schedule", "Memory", "Adapters"


@options
class TrainingOptions:
    """Options of `train` and of `mixture`, whose runs are trainings; each has its own help text."""

    directory: Path = option("An extended checkpoint that vocabx wrote.", default=Path())
    method: Literal["auto", "qlora", "lora", "rows", "full"] = option(
        "qlora (adapters on a base in 4 bits), lora (on one in 16), rows (the new token embeddings alone), "
        "full (every weight), or auto: qlora on a GPU, lora elsewhere. The new token embeddings train with "
        "each of them.",
        default="auto",
        panel=METHOD,
    )
    dtype: Literal["bfloat16", "float16", "float32"] | None = option(
        "Dtype of computation: bfloat16, float16 (GPU only) or float32. Default: bfloat16; float32 on a "
        "processor that has no instructions for bfloat16.",
        default=None,
        panel=METHOD,
    )
    lora_rank: int = option("Rank of the adapters (qlora, lora).", default=64, panel=LORA, ge=1, most=100_000)
    corpus: tuple[str, ...] = option(
        "Text in the language, as for extend; of one of several languages, TAG=PATH. Default: the language's "
        "own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    replay: tuple[str, ...] = option(
        "Text in the base's language, mixed in so that the model keeps that language. Default: that "
        "language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    base_text: tuple[str, ...] = option(
        "Text in the base's language to measure on, of another domain than the replay. Default: what is held "
        "out of --replay; without that, packaged text of another domain where it is installed.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    text_field: str = text_field()
    opencc: str = opencc()
    text_bytes: int = option(
        "Maximum number of bytes to read of each text, from its beginning.",
        default=1_000_000_000,
        panel=TEXT,
        ge=1000,
        most=LARGEST_TEXT,
    )
    heldout_bytes: int = option(
        "Bytes of each text to hold out and measure on during training; of each of several languages.",
        default=20_000,
        panel=TEXT,
        ge=1000,
        most=LARGEST_TEXT,
    )
    sequence_length: int | None = option(
        "Tokens per sequence. Default: 2,048 on a GPU, 256 elsewhere.",
        default=None,
        panel=SCHEDULE,
        ge=8,
        most=1_048_576,
    )
    step_sequences: int | None = option(
        "Sequences per step, over all processes. Default: 64 on a GPU, 4 elsewhere.",
        default=None,
        panel=SCHEDULE,
        ge=1,
        most=1_000_000,
    )
    learning_rate: float = option(
        "Learning rate of the adapters, or of all other weights (full).",
        default=2e-4,
        panel=SCHEDULE,
        gt=0,
    )
    rows_learning_rate: float = option(
        "Learning rate of the new token embeddings, which have no weight decay.",
        default=1e-3,
        panel=SCHEDULE,
        gt=0,
    )
    batch_size: int | None = option(
        "Sequences in memory at once in each process; the rest of a step is accumulated. Default: as many as "
        "--max-memory, or the free memory, allows.",
        default=None,
        panel=MEMORY,
        ge=1,
        most=1_000_000,
    )
    max_memory: float | None = option(
        "Memory limit in gigabytes; determines --batch-size and accumulation.",
        default=None,
        panel=MEMORY,
        gt=0,
        most=1_000_000,
    )
    seed: int = seed("the order of the text and all random draws")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        check_opencc(self.corpus, self.opencc)
