"""What a training run brought, in plain words: against the base left alone, and what to do next."""

import shlex

from vocabx.checkpoint.objective import MEASURE
from vocabx.report.changed_command import changed_command, option_of
from vocabx.report.contest_words import contest_sentences
from vocabx.report.extension_verdict import Step, Verdict
from vocabx.training.record import TrainingRecord

_SPACE = "\u00a0"


def training_verdict(record: TrainingRecord, target: str, other: str) -> Verdict:
    """What the numbers of a run say.

    Args:
        record: the content of training.json.
        target, other: names of the new language and of the base's.
    """
    learned = learned_sentence(record, target, other)
    if record.contest is None:
        return Verdict(
            answer=learned, better=(), costs=_unknown(record), tokens=(), steps=_steps(record), sound=True
        )
    tokens, time, text, *crossings = contest_sentences(record.contest, target, MEASURE[record.objective])
    return Verdict(
        answer=time, better=(tokens, text), costs=tuple(crossings), tokens=(learned,), steps=_steps(record),
        sound=record.contest.equal_time.lead >= 0,
    )  # fmt: skip


def learned_sentence(record: TrainingRecord, target: str, other: str) -> str:
    """What a run changed, in one sentence with its held-out scores."""
    tokens = f"{record.steps.tokens:,} tokens"
    if len(record.measured) < 2:
        return f"Trained on {tokens}; held-out text was not measured during training."
    first, last = record.measured[0], record.measured[-1]
    measure = MEASURE[record.objective].capitalize()
    text = f"{measure} after {tokens}: {target} {_moved(first.target_bits, last.target_bits)}"
    if first.base_bits is not None and last.base_bits is not None:
        text += f", {other} {_moved(first.base_bits, last.base_bits)}"
    return f"{text}."


def _unknown(record: TrainingRecord) -> tuple[str, ...]:
    if _is_base_alone(record):
        return ()
    sentence = (
        "Whether this is better than the base would be after as much training is not known: the base left "
        "alone may learn faster"
    )
    can = record.method.name != "rows"
    return (f"{sentence}; --contest trains it and says so." if can else f"{sentence}.",)


def _is_base_alone(record: TrainingRecord) -> bool:
    """Whether this is the run of a base, which has no new rows."""
    return record.first_id >= record.rows


def _steps(record: TrainingRecord) -> tuple[Step, ...]:
    command = record.run.command
    out = option_of(command, "--out") or f"{record.base.directory.rstrip('/')}-trained"
    steps = [
        Step(
            "Merge it into a checkpoint that needs no adapters",
            shlex.join(["vocabx", "merge", out, "--out", f"{out}-merged"]),
        )
    ]
    unknown = record.contest is None and record.method.name != "rows" and not _is_base_alone(record)
    if unknown and command.startswith("vocabx train "):
        steps.insert(
            0,
            Step(
                "Train the base left alone for as long, and compare both",
                changed_command(
                    command,
                    {"--resume": None, "--contest": None},
                    switches=("--force", "--quiet", "--json"),
                ),
            ),
        )
    if record.contest is not None:
        alone = f"{out}/{record.contest.directory}"
        steps.append(
            Step(
                "Or merge the base left alone, if that is better",
                shlex.join(["vocabx", "merge", alone, "--out", f"{out}-base-alone"]),
            )
        )
    return tuple(steps)


def _moved(before: float, after: float) -> str:
    share = 100 * (after / before - 1)
    sign = "\u2212" if share < 0 else "+"
    return f"{before:.3f} → {after:.3f} ({sign}{abs(share):.1f}{_SPACE}%)"
