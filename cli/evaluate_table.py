"""What `vocabx evaluate` prints: one row per model, and how each model continues one text."""

from rich.table import Table
from rich.text import Text

from vocabx.commands.evaluate.run import EvaluateResult
from vocabx.evaluation.side_by_side import FromBase, Generated, SideBySide
from vocabx.report.task_rows import boundary_sentence, shown_task, task_rows

from .console import console, print_lines


def print_evaluation(result: EvaluateResult) -> None:
    """Print the numbers of each model, its continuation of the first prompt, and the path of the page."""
    table, out = result.table, console()
    out.print(_numbers(table))
    if any(model.written for model in table.models):
        out.print(_written(table))
    if table.pairs is not None:
        out.print(_alignment(table))
    if any(model.tasks for model in table.models):
        out.print(_tasks(table))
    if table.prompts:
        out.print(_continuations(table))
    print_lines(_lines(result))


def _numbers(table: SideBySide) -> Table:
    target, other = (_short(text.language) for text in (table.target, table.base_language))
    of = "" if table.measure == "bits per byte" else f" in {table.measure}"
    shown = Table(title=f"All models on the same texts{of}; speed on {table.device}")
    shown.add_column("model", overflow="fold")
    for heading in (
        f"bits/B\n{target}",
        f"bits/B\n{other}",
        f"char/tok\n{target}",
        f"char/tok\n{other}",
        f"KL {other}\n(bound)",
        "char/s",
    ):
        shown.add_column(heading, justify="right", no_wrap=True)
    for model in table.models:
        shown.add_row(
            Text(model.name),
            f"{model.target.bits_per_byte:.3f}",
            f"{model.base_language.bits_per_byte:.3f}",
            f"{model.target.characters_per_token:.2f}",
            f"{model.base_language.characters_per_token:.2f}",
            "base" if model.is_base else _kl(model.from_base),
            _speed(model.generated),
        )
    return shown


def _short(tag: str) -> str:
    return "base" if tag == "und" else tag


def _kl(found: FromBase | None) -> str:
    if found is None or found.kl is None:
        return ""
    bound = "" if found.hull_bound is None else f" ({found.hull_bound:.2f})"
    small = found.kl < 0.001
    return f"{found.kl:{'.1g' if small else '.4f'}}{bound}"


def _speed(generated: Generated | None) -> str:
    return "" if generated is None else f"{generated.characters_per_second:,.1f}"


def _written(table: SideBySide) -> Table:
    shown = Table(title=f"Writing {table.generate_tokens} tokens after each beginning")
    shown.add_column("model", overflow="fold")
    for heading in ("decoding", "with new\ntokens", "tok/char", "s/char"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for model in table.models:
        for written in model.written:
            adopted = "" if written.adoption is None else f"{written.adoption:.1%}"
            seconds = f"{written.seconds_per_character:.4f}"
            shown.add_row(
                Text(model.name), written.how, adopted, f"{written.tokens_per_character:.3f}", seconds
            )
    return shown


def _alignment(table: SideBySide) -> Table:
    shown = Table(title="Sentences and their translations inside the models (shuffled pairs)")
    shown.add_column("model", overflow="fold")
    for heading in ("Language\nRanker", "MEXA\nmean", "MEXA\nbest layer"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for model in table.models:
        if model.alignment is not None:
            summary = model.alignment.summary()
            names = ("language_ranker", "mexa_mean", "mexa_max")
            shown.add_row(
                Text(model.name), *(f"{summary[n]:.3f} ({summary[f'{n}_shuffled']:.3f})" for n in names)
            )
    return shown


def _tasks(table: SideBySide) -> Table:
    shown = Table(title="Tasks of lm-eval (standard error)")
    shown.add_column("task", overflow="fold")
    shown.add_column("metric", overflow="fold")
    for model in table.models:
        shown.add_column(Text(model.name), justify="right", overflow="fold")
    for name, metric, numbers in task_rows(table.models):
        shown.add_row(Text(name), Text(metric), *("" if one is None else shown_task(one) for one in numbers))
    return shown


def _continuations(table: SideBySide) -> Table:
    prompt = table.prompts[0]
    shown = Table(title=Text(f"{table.generate_tokens} tokens after: {prompt.text}"))
    shown.add_column("model", overflow="fold")
    shown.add_column("continuation", overflow="fold")
    shown.add_row(Text("original text"), Text(prompt.continues))
    for model in table.models:
        if model.generated is not None:
            shown.add_row(Text(model.name), Text(model.generated.continuations[0]))
    return shown


def _lines(result: EvaluateResult) -> list[str]:
    table = result.table
    lines = [
        f"text       {text.bytes:,} bytes of {text.source}" for text in (table.target, table.base_language)
    ]
    for model in table.models:
        if model.boundaries is not None and model.boundaries.straddled:
            lines.append(f"tasks      {boundary_sentence(model)}")
    if table.pairs is not None:
        lines.append(f"pairs      {table.pairs.source}")
    for model in table.models:
        found = model.from_base
        if found is not None and found.left_out and (found.kl is not None or found.passages == 0):
            total = found.passages + found.left_out
            lines.append(
                f"KL         {model.name} tokenizes {found.left_out:,} of {total:,} passages differently "
                "from the base; they are left out"
            )
    lines += [f"trained on {trained.sentence}" for trained in table.trained_on]
    lines += [f"learned    {learned.sentence}" for learned in table.learned_from]
    for contested in table.contests:
        lines.append(f"contest    {contested.name} was trained beside its base left alone:")
        lines += [f"           {sentence}" for sentence in contested.sentences]
    if result.directory is not None:
        lines.append(f"page       {result.directory / 'evaluation.html'}")
    return lines
