"""Runs tasks of lm-eval, the public harness, on a loaded model: by name, or from a task file of one's own.

A task's data set comes from the hub unless its file names local data. Metrics and prompts are lm-eval's.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.extras import Packages, need
from vocabx._util.loading import load_auto
from vocabx._util.shorten import shortened
from vocabx._util.suggest import nearest
from vocabx.errors import CorpusError
from vocabx.evaluation.side_by_side import Boundaries, TaskNumber
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

PACKAGES: Packages = {"lm_eval": "tasks", "torch": "evaluate", "transformers": "evaluate"}
_SHOWN = 100
# What opening a data set raises where the hub cannot be reached.
_UNREACHABLE = (
    "ConnectionError", "ConnectError", "ConnectTimeout", "OfflineModeIsEnabled", "LocalEntryNotFoundError",
    "DatasetNotFoundError", "HfHubHTTPError", "MaxRetryError", "ReadTimeout",
)  # fmt: skip


@dataclass(frozen=True)
class Tasks:
    """Tasks whose data is at hand.

    Attributes:
        names: as the user gave them.
        manager: lm-eval's TaskManager.
        examples: the number of examples of all tasks, at most those asked for.
    """

    names: tuple[str, ...]
    manager: Any
    examples: int


def load_tasks(names: Sequence[str], limit: int | None) -> Tasks:
    """Find tasks and open their data.

    Args:
        names: names of lm-eval's tasks, groups or tags, or paths of task files (.yaml).
        limit: the largest number of examples of each; None for all.

    Raises:
        CorpusError: there is no such task, its file is damaged, or its data cannot be had.
        MissingPackageError: lm-eval is not installed.
    """
    need("lm_eval", "tasks")
    is_file = [name.endswith((".yaml", ".yml")) for name in names]
    with _quiet():
        # The index of its own tasks takes seconds, which files do without.
        manager = need("lm_eval.tasks", "tasks").TaskManager(include_defaults=not all(is_file))
        examples = 0
        for name, file in zip(names, is_file, strict=True):
            if file and not Path(name).is_file():
                raise CorpusError(f"no such task file: {name}")
            if not file and name not in manager.all_tasks:
                raise CorpusError(
                    f"lm-eval has no task {shortened(name, _SHOWN)!r}.{nearest(name, manager.all_tasks)} "
                    "Pass the name of one, or a task file ending in .yaml"
                )
            examples += _examples(name, manager, limit)
    return Tasks(tuple(names), manager, examples)


def run_tasks(
    model: Any,
    directory: Path,
    tokenizer: FastTokenizer,
    tasks: Tasks,
    limit: int | None,
    seed: int,
    advance: Advance = lambda done: None,
) -> tuple[tuple[TaskNumber, ...], Boundaries]:
    """The results of a loaded model on tasks, and how it tokenizes where contexts end.

    Args:
        model: of transformers, on its own device.
        directory: of the checkpoint, whose tokenizer transformers loads.
        tokenizer: the same tokenizer.
        tasks: see `load_tasks`.
        limit: the largest number of examples of each; None for all.
        seed: of few-shot examples and bootstraps.
        advance: called with the number of all examples at the end; lm-eval does not say where it is.
    """
    evaluator = need("lm_eval.evaluator", "tasks")
    from vocabx.evaluation.task_model import TaskModel

    with _quiet():
        seen = TaskModel(model, load_auto("AutoTokenizer", directory, "evaluate"), tokenizer)
        found = evaluator.simple_evaluate(
            model=seen,
            tasks=list(tasks.names),
            task_manager=tasks.manager,
            limit=limit,
            log_samples=False,
            random_seed=seed,
            numpy_random_seed=seed,
            torch_random_seed=seed,
            fewshot_random_seed=seed,
        )
    advance(tasks.examples)
    return tuple(_numbers(found)), seen.boundaries


def _examples(name: str, manager: Any, limit: int | None) -> int:
    """The number of examples of what a name stands for; opening its data."""
    try:
        tasks = manager.load([name])["tasks"].values()
        return sum(min(limit or len(task.eval_docs), len(task.eval_docs)) for task in tasks)
    except Exception as error:
        # What a task's file may hold, and what a hub may answer, has no end of exceptions.
        kinds = {type(one).__name__ for one in _causes(error)}
        if kinds & set(_UNREACHABLE):
            raise CorpusError(
                f"the task {shortened(name, _SHOWN)} needs a data set of the hub, which is not there or "
                "cannot be reached: pass a task file with local data (dataset_path: json, dataset_kwargs: "
                "data_files)"
            ) from error
        reason = shortened(" ".join(str(error).split()), _SHOWN) or type(error).__name__
        raise CorpusError(
            f"lm-eval cannot load the task {shortened(name, _SHOWN)} ({reason}): repair it"
        ) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _numbers(found: Mapping[str, Any]) -> Iterator[TaskNumber]:
    """The metrics of each task, without those of groups."""
    better = found.get("higher_is_better", {})
    for task, results in sorted(found["results"].items()):
        for key, value in results.items():
            name, _, chosen = key.partition(",")
            if not chosen or name.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = results.get(f"{name}_stderr,{chosen}")
            yield TaskNumber(
                task=task,
                metric=name if chosen == "none" else f"{name}, {chosen}",
                value=float(value),
                stderr=float(error) if isinstance(error, int | float) else None,
                higher_is_better=better.get(task, {}).get(name),
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without lm-eval's log and bars: the stages here report their own progress."""
    bars = need("datasets.utils.logging", "tasks")
    logger = logging.getLogger("lm_eval")
    level, shown = logger.level, bars.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    bars.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()
