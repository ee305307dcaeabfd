"""training.json: the record of a run, so that a merge can find its base and refuse another one."""

from pathlib import Path
from typing import Literal

from vocabx._util.json_file import Count, Written, fit, is_there, read_format, refusal
from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.objective import Objective
from vocabx.errors import TrainingError
from vocabx.training.by_occurrence import OccurrenceGroup
from vocabx.training.contest import Contest
from vocabx.training.methods import Method
from vocabx.training.metrics import Measured
from vocabx.training.pace import SpeedFit
from vocabx.training.schedule import Schedule

RECORD = "training.json"
FORMAT = 1
REMEDY = "restore it, or train again"


class TrainedBase(Written, frozen=True):
    """The trained checkpoint: its directory, and the sha256 of its embedding matrices by tensor name."""

    directory: str
    tables: dict[str, str]


class TrainedText(Written, frozen=True, omit_defaults=True):
    """The training text.

    Attributes:
        corpus, replay: sources of target and replay text; "" if nothing was replayed.
        replay_share: of the sequences.
        sequence_length: in tokens.
        sequences, replay_sequences: number of each.
        heldout_bytes: size of the held-out target text.
        passes: over the target text; 0 in a run of an earlier version.
        measured: the text in the base's language that was measured on; "" for what was held out of the
            replay.
        decay_corpus, decay_replay_share, decay_sequences: of the text of the decay; "" and 0 if it has none
            of its own.
    """

    corpus: str
    replay: str
    replay_share: float
    sequence_length: Count
    sequences: Count
    replay_sequences: Count
    heldout_bytes: Count
    passes: float = 0.0
    measured: str = ""
    decay_corpus: str = ""
    decay_replay_share: float = 0.0
    decay_sequences: Count = 0


class TrainedSteps(Written, frozen=True):
    """Number of steps, sequences per step, tokens predicted in total."""

    steps: Count
    sequences: Count
    tokens: Count


class TrainedSchedule(Schedule, frozen=True, kw_only=True):
    """The phases of a run in steps, and the learning rates.

    Attributes:
        learning_rate, rows_learning_rate, rows_epsilon, weight_decay, align_weight: as the options.
        rows_update: which new rows a step moved: "seen", those of tokens that had occurred by then, or "all".
        composition, composition_learning_rate: rank and learning rate of the maps of pieces; 0 without any.
    """

    learning_rate: float
    rows_learning_rate: float
    weight_decay: float
    rows_epsilon: float = 1e-8
    rows_update: Literal["seen", "all"] = "all"
    composition: Count = 0
    composition_learning_rate: float = 0.0
    align_weight: float = 0.0


class TrainedRun(Written, frozen=True):
    """The command line, seconds, processes and batches, versions of the libraries with the name of the
    device, and sha256 of metrics.jsonl.
    """

    command: str
    seconds: float
    processes: Count
    batch_size: Count
    accumulation: Count
    versions: dict[str, str]
    metrics: str


class TrainingRecord(Written, frozen=True, omit_defaults=True):
    """The content of training.json. docs/training.md describes these fields.

    Attributes:
        version: of vocabx.
        method: how it was trained.
        base: the checkpoint that was trained.
        language: BCP 47 tag.
        first_id: the id of the first new row; rows before it are the base's bit for bit, unless the method
            changes them.
        rows: number of rows of the embedding matrices.
        tied: whether input embeddings and lm_head share one matrix.
        targets: names of the modules with adapters.
        text: the training text.
        steps: number of steps, and their size.
        schedule: phases and learning rates.
        measured: the held-out scores during training, each with its step.
        seed: of the order and of random draws.
        files: sha256 of the files with trained parameters, by path.
        run: how it ran.
        fits: with --max-minutes, the speeds that its number of steps was fitted to.
        contest: how the base left alone did in the same time; None if it was not trained.
        sketch: of the texts packed for training, see `vocabx.corpus.sketch`; "" of an earlier version.
        occurrences: held-out scores of new tokens by how often they occurred in the training text; empty if
            they were not taken.
        objective: what the model was trained to predict, which its scores are of.
        mask: what was hidden from an encoder, "words" or "entities"; "" for other models.
        pairs: the file of sentences with translations, "" without one.
    """

    version: str
    method: Method
    base: TrainedBase
    language: str
    first_id: Count
    rows: Count
    tied: bool
    targets: tuple[str, ...]
    text: TrainedText
    steps: TrainedSteps
    schedule: TrainedSchedule
    measured: tuple[Measured, ...]
    seed: int
    files: dict[str, str]
    run: TrainedRun
    fits: tuple[SpeedFit, ...] = ()
    contest: Contest | None = None
    sketch: str = ""
    occurrences: tuple[OccurrenceGroup, ...] = ()
    objective: Objective = "causal"
    mask: str = ""
    pairs: str = ""

    def write(self, directory: Path) -> None:
        """Write training.json into `directory`."""
        write_json(directory / RECORD, {"format": FORMAT, **self.plain()})


def read_record(directory: Path) -> TrainingRecord:
    """The training.json of a directory.

    Raises:
        TrainingError: if there is none, or it is damaged, or of another version.
    """
    path = directory / RECORD
    if not is_there(path):
        raise TrainingError(f"{directory} has no {RECORD}: pass a directory that `vocabx train` wrote")
    content = read_format(path, FORMAT, TrainingError, REMEDY)
    record = fit(path, content, TrainingRecord, TrainingError, REMEDY)
    # Settings have defaults when a method is created, but none in a record.
    for name in record.method.plain().keys() - content["method"].keys():
        raise refusal(path, TrainingError, f"is damaged at method.{name}: it is missing", REMEDY)
    return record
