"""What `vocabx train` prints when it ends."""

from rich.console import Console
from rich.table import Table

from vocabx.commands.train.run import TrainResult


def print_training(result: TrainResult) -> None:
    """Print the held-out scores during training, and the next command."""
    console = Console()
    table = Table(title="bits per byte of held-out text")
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
        console.print(table)
    lines = [f"run        {result.directory}", f"report     {result.directory / 'report.html'}"]
    if result.finished:
        lines.append(f"next       vocabx merge {result.directory} --out DIR")
    else:
        lines = [f"stopped    after step {result.step:,}: resume with the same command and --resume"]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
