"""What `vocabx mixture` prints when it ends."""

from rich.table import Table

from vocabx.commands.mixture.run import NUMBERS, PAGE, MixtureResult
from vocabx.corpus.languages import language_name
from vocabx.report.mixture_words import answer_sentence, answer_sentences, doubts

from .console import console, print_lines


def print_mixture(result: MixtureResult) -> None:
    """Print the end of each short training, the answers, and the files written."""
    study = result.study
    target, other = language_name(study.language), language_name(study.base_language)
    table = Table(title=f"bits per byte of held-out text; {other} was {study.base_before:.3f}")
    for heading in ("replay", target, other, "change"):
        table.add_column(heading, justify="right")
    for run in study.runs:
        last = run.measured[-1]
        bits = last.base_bits or 0.0
        change = f"{100 * (bits / run.base_before - 1):+.1f} %"
        table.add_row(f"{100 * run.replay_share:g} %", f"{last.target_bits:.3f}", f"{bits:.3f}", change)
    console().print(table)
    print_lines(
        [
            f"answer     {answer_sentence(study, target, other)}",
            *(f"also       {sentence}" for sentence in answer_sentences(study, target, other)),
            *(f"but        {sentence}" for sentence in doubts(study)),
            f"numbers    {result.directory / NUMBERS}",
            f"page       {result.directory / PAGE}",
        ]
    )
