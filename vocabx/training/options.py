"""What `vocabx train` and `vocabx merge` can be told, each option with its help text."""

from dataclasses import dataclass, field
from pathlib import Path


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True)
class TrainOptions:
    """The options of `train`; each field's help is in its metadata."""

    directory: Path = field(default=Path(), metadata=_help("An extended checkpoint that vocabx wrote."))
    out: Path = field(
        default=Path("trained"), metadata=_help("Directory to write; must not exist or be empty.")
    )
    method: str = field(
        default="auto",
        metadata=_help(
            "qlora (adapters on a base in 4 bits), lora (on one in 16), rows (the new rows alone), full "
            "(every weight), or auto: qlora on a GPU, lora elsewhere. The new rows train with each of them."
        ),
    )
    corpus: tuple[str, ...] = field(
        default=(), metadata=_help("Text in the language, as for extend. Default: the language's own.")
    )
    replay: tuple[str, ...] = field(
        default=(),
        metadata=_help(
            "Text in the base's language, so that the model keeps it. Default: the language's own."
        ),
    )
    replay_share: float = field(
        default=0.25,
        metadata=_help("Share of the sequences that are replay; 0 learns the new language alone."),
    )
    text_field: str = field(
        default="text", metadata=_help("Field of .jsonl and .parquet records that holds the text.")
    )
    opencc: str = field(
        default="", metadata=_help("Convert the corpus between Chinese scripts first, as s2twp.")
    )
    text_bytes: int = field(
        default=1_000_000_000, metadata=_help("Bytes of each text to read at most, from its beginning.")
    )
    heldout_bytes: int = field(
        default=20_000, metadata=_help("Bytes of each text to hold out, and measure on while it trains.")
    )
    max_steps: int | None = field(
        default=None, metadata=_help("Steps to train. Default: as many as the text and --epochs give.")
    )
    epochs: int = field(
        default=1,
        metadata=_help(
            "Times that the text is learned from. With --max-steps, only as much of it is taken as comes "
            "round so often."
        ),
    )
    sequence_length: int | None = field(
        default=None, metadata=_help("Tokens of a sequence. Default: 2,048 on a GPU, 256 elsewhere.")
    )
    step_sequences: int | None = field(
        default=None,
        metadata=_help("Sequences of a step, over all processes. Default: 64 on a GPU, 4 elsewhere."),
    )
    batch_size: int | None = field(
        default=None,
        metadata=_help(
            "Sequences in memory at once in each process; the rest of a step is accumulated. Default: what "
            "--max-memory, or the free memory, holds."
        ),
    )
    max_memory: float | None = field(
        default=None, metadata=_help("Gigabytes to stay within; picks --batch-size and accumulation.")
    )
    gradient_checkpointing: bool = field(
        default=False, metadata=_help("Compute activations twice rather than keep them: less memory, slower.")
    )
    learning_rate: float = field(
        default=2e-4, metadata=_help("Of the adapters, or of all other weights (full).")
    )
    rows_learning_rate: float = field(
        default=1e-3, metadata=_help("Of the new rows, which never see weight decay.")
    )
    weight_decay: float = field(default=0.0, metadata=_help("Of everything else."))
    rows_first: float = field(
        default=0.05, metadata=_help("Share of the steps at the beginning that train the new rows alone.")
    )
    warmup: float = field(
        default=0.02, metadata=_help("Share of the steps over which a learning rate rises to its height.")
    )
    decay: float = field(
        default=0.1, metadata=_help("Share of the steps at the end over which learning rates fall to 0.")
    )
    max_grad_norm: float = field(
        default=1.0, metadata=_help("Gradients longer than this are shortened to it.")
    )
    lora_rank: int = field(default=64, metadata=_help("Rank of the adapters (qlora, lora)."))
    lora_alpha: float | None = field(
        default=None, metadata=_help("Scale of the adapters. Default: twice their rank.")
    )
    lora_dropout: float = field(default=0.0, metadata=_help("Dropout before the adapters."))
    lora_tables: bool = field(
        default=False,
        metadata=_help(
            "Bailong's form: adapters on embedding and output layer too, in place of rows that train. Old "
            "rows change with it."
        ),
    )
    dtype: str = field(
        default="bfloat16", metadata=_help("What is computed in: bfloat16, float16 (GPU) or float32.")
    )
    evaluate_every: int | None = field(
        default=None, metadata=_help("Steps between two measurements. Default: a tenth of all; 0 for none.")
    )
    save_every: int | None = field(
        default=None, metadata=_help("Steps between two checkpoints. Default: a tenth of all.")
    )
    keep: int = field(
        default=2, metadata=_help("Checkpoints to keep, beside the one before the learning rates fall.")
    )
    max_minutes: float | None = field(
        default=None, metadata=_help("Stop after so many minutes with a checkpoint, for --resume.")
    )
    resume: bool = field(default=False, metadata=_help("Go on with what an earlier run of the same left."))
    branch_from: str = field(
        default="",
        metadata=_help(
            "Begin with the state of another run before its learning rates fell, to train longer or end "
            "elsewhere: its directory."
        ),
    )
    report_to: str = field(
        default="", metadata=_help("Also report to trackio, wandb or tensorboard, parted by commas.")
    )
    seed: int = field(default=0, metadata=_help("Changes order and draws; the same seed gives the same run."))
    command: str = field(default="", metadata=_help("The command line, for the record."))


@dataclass(frozen=True)
class MergeOptions:
    """The options of `merge`; each field's help is in its metadata."""

    directory: Path = field(default=Path(), metadata=_help("What `vocabx train` wrote."))
    out: Path = field(
        default=Path("merged"), metadata=_help("Directory to write; must not exist or be empty.")
    )
    base: str = field(
        default="", metadata=_help("The checkpoint that was trained, where it is not where it was.")
    )
    onto: str = field(
        default="trained",
        metadata=_help(
            "trained: the weights that the adapters were trained on, after qlora its 4-bit ones brought back "
            "to 16; original: the checkpoint's own."
        ),
    )
    compare: bool = field(
        default=True, metadata=_help("Compare the result with the trained model on text, which loads both.")
    )
    link: bool = field(
        default=False, metadata=_help("Make weight files that did not change hard links to the base's.")
    )
    command: str = field(default="", metadata=_help("The command line, for the manifest."))
