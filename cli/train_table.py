"""What `vocabx train` prints when it ends."""

from rich.table import Table

from vocabx.checkpoint.objective import MEASURE
from vocabx.commands.train.run import TrainResult
from vocabx.corpus.languages import language_name
from vocabx.report.training_verdict import training_verdict

from .console import console, print_lines
from .terminal import print_verdict


def print_training(result: TrainResult) -> None:
    """Print the held-out scores during training, what they say, and the next command."""
    objective = "causal" if result.record is None else result.record.objective
    table = Table(title=f"{MEASURE[objective]} of held-out text")
    for heading in ("step", "tokens", "new language", "change", "base's language", "change"):
        table.add_column(heading, justify="right")
    measured = [entry for entry in result.metrics if "target_bits" in entry]
    for entry in measured:
        cells = [f"{entry['step']:,}", f"{entry['tokens']:,}"]
        for name in ("target_bits", "base_bits"):
            first, bits = measured[0].get(name), entry.get(name)
            if first is None or bits is None:
                cells += ["", ""]
            else:
                cells += [f"{bits:.3f}", f"{100 * (bits / first - 1):+.1f} %"]
        table.add_row(*cells)
    if measured:
        console().print(table)
    record = result.record
    if record is not None:
        other = "the base's language"
        verdict = training_verdict(record, language_name(record.language), other)
        print_verdict(verdict, ("at equal", "pays" if record.contest else "not known", "learned"))
    lines = [f"run        {result.directory}", f"report     {result.directory / 'report.html'}"]
    if not result.finished:
        what = " of the base left alone" if result.base_alone else ""
        lines = [f"stopped    after step {result.step:,}{what}: resume with the same command and --resume"]
    print_lines(lines)
