"""training.json: the record of a run, so that a merge can find its base and refuse another one."""

from pathlib import Path

from vocabx._util.json_file import Count, Written, fit, is_there, read_format, refusal
from vocabx.checkpoint.grow import write_json
from vocabx.errors import TrainingError
from vocabx.training.methods import Method
from vocabx.training.metrics import Measured
from vocabx.training.schedule import Schedule

RECORD = "training.json"
FORMAT = 1
REMEDY = "restore it, or train again"


class TrainedBase(Written, frozen=True):
    """The checkpoint that was trained: its directory, and the sha256 of its tables by tensor name."""

    directory: str
    tables: dict[str, str]


class TrainedText(Written, frozen=True):
    """What was learned from.

    Attributes:
        corpus, replay: where target and replay text come from; "" where nothing was replayed.
        replay_share: of the sequences.
        sequence_length: in tokens.
        sequences, replay_sequences: how many there were of each.
        heldout_bytes: of target text that was measured on.
    """

    corpus: str
    replay: str
    replay_share: float
    sequence_length: Count
    sequences: Count
    replay_sequences: Count
    heldout_bytes: Count


class TrainedSteps(Written, frozen=True):
    """How many steps were trained, sequences of each, tokens predicted in all."""

    steps: Count
    sequences: Count
    tokens: Count


class TrainedSchedule(Schedule, frozen=True):
    """The phases of a run in steps, and the learning rates."""

    learning_rate: float
    rows_learning_rate: float
    weight_decay: float


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


class TrainingRecord(Written, frozen=True):
    """The content of training.json. docs/training.md promises these fields.

    Attributes:
        version: of vocabx.
        method: how it was trained.
        base: the checkpoint that was trained.
        language: BCP 47 tag.
        first_id: the id of the first new row; rows before it are the base's to the last bit, but for the
            methods that change them.
        rows: height of the tables.
        tied: whether input and output share one table.
        targets: names of the modules that have adapters.
        text: what was learned from.
        steps: how much of it.
        schedule: its phases and rates.
        measured: the held-out scores along the way.
        seed: of order and draws.
        files: sha256 of what was trained, by path.
        run: how it ran.
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

    def write(self, directory: Path) -> None:
        """Write training.json into `directory`."""
        write_json(directory / RECORD, {"format": FORMAT, **self.plain()})


def read_record(directory: Path) -> TrainingRecord:
    """The training.json of a directory.

    Raises:
        TrainingError: there is none, or it is damaged, or of another version.
    """
    path = directory / RECORD
    if not is_there(path):
        raise TrainingError(f"{directory} holds no {RECORD}: pass a directory that `vocabx train` wrote")
    content = read_format(path, FORMAT, TrainingError, REMEDY)
    record = fit(path, content, TrainingRecord, TrainingError, REMEDY)
    # Settings have defaults where a method is made, and none in a record.
    for name in record.method.plain().keys() - content["method"].keys():
        raise refusal(path, TrainingError, f"is damaged at method.{name}: it is missing", REMEDY)
    return record
