"""What a complete result says that has no stamp: its run was stopped in the moment between the two."""

from pathlib import Path

from vocabx.commands.run.stamp import Told


def found_told(command: str, place: Path) -> Told | None:
    """What a complete result says, None if it must be made again: only a training is worth keeping.

    Args:
        command: what made it.
        place: its directory, which appeared under that name once it was complete.

    Raises:
        VocabxError: its record is damaged.
    """
    if command != "train":
        return None
    from vocabx.commands.run.told import told
    from vocabx.commands.train.run import TrainResult
    from vocabx.training.metrics import read_metrics
    from vocabx.training.record import read_record

    record = read_record(place)
    return told(command, TrainResult(place, True, record.steps.steps, record, read_metrics(place)))
