"""What the steps of a recipe would take, by the commands' own plans: in the worker, which may load torch.

What is not made yet is planned on a skeleton of it, see `skeleton.py`, with as many rows as it will have, and
the tokenizer of the base: a text counts more tokens by that one, so that its time is an upper bound.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vocabx._util.json_file import Count, Written
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.run.kinds import CHECKPOINT, KINDS, TRAINED, options_class
from vocabx.commands.run.process import Refused
from vocabx.commands.run.skeleton import write_skeleton
from vocabx.commands.run.step import named, substituted
from vocabx.errors import VocabxError
from vocabx.progress import Progress
from vocabx.training.duration import LOADING_SECONDS, generating_seconds, scoring_seconds
from vocabx.training.model_sizes import sizes_of

# Python and its libraries; bytes a second of reading, changing and writing weights, on two cores.
_LIBRARIES, _COPY_RATE = 1_000_000_000, 1.5e8
_OTHER_BYTES = 50_000_000
_TOKENS_PER_BYTE = 0.45
_TRAINED_BYTES = 16
_EXPORTED = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 1.0625, "int8": 1.0}


class Forecast(Written, frozen=True):
    """What a step would take: seconds, bytes of memory and of disk, None if unknown; and what it does."""

    name: str
    seconds: float | None = None
    memory: Count | None = None
    bytes: Count | None = None
    what: str = ""


def plan_step(steps: Sequence[Mapping[str, Any]], progress: Progress) -> list[Forecast]:
    """Plan the steps of a recipe that are not finished.

    Args:
        steps: of all steps, in order: `name`, `command`, the options as `values`, whether it is `finished`,
            and then its `place`.
        progress: receives notes.

    Raises:
        Refused: a plan was refused; the message begins with the name of the step and a colon.
    """
    found: list[Forecast] = []
    with TemporaryDirectory(prefix="vocabx-") as made:
        places: dict[str, Path] = {}
        for step in steps:
            try:
                forecast = _planned(step, places, Path(made), progress)
            except VocabxError as error:
                raise Refused(f"{step['name']}: {error}", error.exit_code) from None
            if forecast is not None:
                found.append(forecast)
    return found


def _planned(
    step: Mapping[str, Any], places: dict[str, Path], scratch: Path, progress: Progress
) -> Forecast | None:
    """The forecast of a step, None if it is finished; adds what it makes, or a skeleton, to `places`."""
    name, command = step["name"], step["command"]
    values = {
        option: value for option, value in step["values"].items() if option != "init" or not [*named(value)]
    }
    if step["finished"]:
        if KINDS[command].makes in (CHECKPOINT, TRAINED):
            # A training is known by what it trains: that has the sizes of what it will be.
            trained = next(iter(named(values.get("directory", ""))), "") if command == "train" else ""
            places[name] = places.get(trained, Path(step["place"]))
        return None
    missing = [one for value in values.values() for one in named(value) if one not in places]
    if missing:
        return Forecast(name, what=f"planned once {missing[0]} is finished")
    values = {
        option: substituted(value, {one: str(path) for one, path in places.items()})
        for option, value in values.items()
    }
    if KINDS[command].out:
        values["out"] = str(scratch / name)
    if KINDS[command].takes == "base":
        return _extension(name, command, values, places, scratch, progress)
    options = options_class(command)(**values)
    if command == "train":
        places[name] = options.directory
        return _training(name, options)
    if command == "merge":
        places[name] = options.directory
        return _merge(name, options, read_checkpoint(places[name]))
    if command == "evaluate":
        return _evaluation(name, options)
    if command == "export":
        return _export(name, options)
    return Forecast(
        name, memory=_LIBRARIES, what="checks a result" if command == "verify" else f"to {values['to']}"
    )


def _extension(
    name: str,
    command: str,
    values: Mapping[str, Any],
    places: dict[str, Path],
    scratch: Path,
    progress: Progress,
) -> Forecast:
    options = options_class(command)(**values)
    if command == "transfer":
        from vocabx.commands.transfer.plan import make_transfer_plan

        transfer = make_transfer_plan(options, progress)
        size = transfer.checkpoint.weight_bytes
        return Forecast(
            name, memory=_memory(size, 2 if transfer.evaluate else 0), bytes=transfer.disk_bytes,
            what=f"{transfer.new.size:,} tokens for {transfer.language.tag}, not {transfer.old.size:,}",
        )  # fmt: skip
    from vocabx.commands.extend.plan import make_plan
    from vocabx.commands.extend.vocabulary_plan import make_vocabulary_plan

    if options.tokenizer_only:
        vocabulary = make_vocabulary_plan(options, progress)
        what = f"{vocabulary.new_tokens:,} tokens for {vocabulary.language.tag}, the tokenizer alone"
        return Forecast(name, memory=_LIBRARIES, bytes=vocabulary.disk_bytes, what=what)
    plan = make_plan(options, progress)
    memory = _memory(plan.checkpoint.weight_bytes, 2 if plan.evaluate else 0)
    if command == "compare":
        return Forecast(
            name,
            memory=memory,
            bytes=1_000_000,
            what=f"{len(options.initializers)} initializers on the same tokens",
        )
    if not options.factorised:
        write_skeleton(plan, scratch / name)
        places[name] = scratch / name
    return Forecast(
        name, round(plan.estimated_seconds(), 3), memory, plan.disk_bytes,
        f"{plan.new_tokens:,} tokens for {plan.language.tag}, initialized by {options.init}",
    )  # fmt: skip


def _memory(weight_bytes: int, models: int) -> int:
    """Memory of a step that loads so many models of that size, in the dtype of their files."""
    return _LIBRARIES + models * weight_bytes


def _training(name: str, options: Any) -> Forecast:
    from vocabx.commands.train.packages import check_packages
    from vocabx.commands.train.plan import make_train_plan
    from vocabx.training.processes import Processes
    from vocabx.training.speed import speeds

    check_packages(options)
    processes = Processes()
    plan = make_train_plan(options, processes.device, processes.count)
    told = plan.describe(*speeds(processes.device, plan.method.dtype))
    seconds = told["estimated_seconds"]
    total = None if seconds is None else seconds + told["contest_seconds"]
    steps = "as many steps as the text gives" if told["steps"] is None else f"{told['steps']:,} steps"
    return Forecast(
        name, total, told["memory_bytes"],
        round(sum(plan.trained.values()) * _TRAINED_BYTES * (options.keep + 1) * (1 + options.contest)),
        f"{steps}, {told['method']} in {told['dtype']}" + (", and the base as long" * options.contest),
    )  # fmt: skip


def _merge(name: str, options: Any, checkpoint: Checkpoint) -> Forecast:
    size = checkpoint.weight_bytes
    seconds = LOADING_SECONDS + 2 * size / _COPY_RATE
    if options.compare:
        seconds += LOADING_SECONDS
    # Both models, computed in float32 where they are stored in 16 bits.
    memory = _LIBRARIES + 3 * size * options.compare
    return Forecast(name, seconds, memory, size + _OTHER_BYTES, "a checkpoint without adapters")


def _evaluation(name: str, options: Any) -> Forecast:
    from vocabx.training.speed import operations_a_second

    models = [read_checkpoint(directory) for directory in options.directories]
    rate = operations_a_second("cpu", "float32", training=False)
    tokens = 2 * options.heldout_bytes * _TOKENS_PER_BYTE
    seconds = LOADING_SECONDS
    # The base is one more, and KL from it takes one text of each model again.
    for checkpoint in (models[0], *models):
        sizes = sizes_of(checkpoint)
        seconds += scoring_seconds(sizes, 1.5 * tokens, rate, "cpu")
        generated = (options.samples + 2 * options.generate) * options.generate_tokens
        seconds += generating_seconds(checkpoint.weight_bytes, generated, "cpu")
    largest = max(checkpoint.weight_bytes for checkpoint in models)
    return Forecast(name, seconds, _memory(largest, 2), 1_000_000, f"{len(models)} models and their base")


def _export(name: str, options: Any) -> Forecast:
    size = read_checkpoint(options.directory).weight_bytes
    if options.tiktoken is not None:
        return Forecast(name, LOADING_SECONDS, _LIBRARIES, 10_000_000, "the tokenizer, for tiktoken")
    target = "llama.cpp" if options.gguf is not None else "CTranslate2"
    size = round(size * _EXPORTED.get(options.dtype, 2.0) / 2.0)
    return Forecast(name, LOADING_SECONDS + 2 * size / _COPY_RATE, _LIBRARIES + size, size, f"for {target}")
