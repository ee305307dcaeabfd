"""transformers' Trainer with our optimizer, schedule, order and checkpoints, and its own loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer

from vocabx.checkpoint.journal import sync
from vocabx.training.alignment import weight_at
from vocabx.training.composed_adamw import Composed, ComposedAdamW
from vocabx.training.metrics import METRICS
from vocabx.training.rows_adamw import RowsAdamW, Seen
from vocabx.training.run_checkpoints import mark_complete, remove_old
from vocabx.training.schedule import Schedule
from vocabx.training.state import save_trained

# Parameters of single tokens, and those that the embeddings of all tokens share.
_ROWS, _SHARED = ("new", "new_bias"), ("new_primitives",)
_BETAS = (0.9, 0.999)


@dataclass(frozen=True)
class Rates:
    """Learning rates of the new rows, of everything else, and of what composes rows; the weight decay of
    everything else; AdamW's epsilon of the new rows.
    """

    rows: float
    others: float
    weight_decay: float
    composition: float = 0.0
    rows_epsilon: float = 1e-8

    def at(self, step: int, schedule: Schedule, model: Any) -> dict[str, float]:
        """The learning rates of a model's parameter groups at a step, counted from 0."""
        rows, _, others = _parts(model)
        found = {"rows": self.rows * schedule.of_rows(step)} if rows else {}
        found |= {"composition": self.composition * schedule.of_rows(step)} if self.composition else {}
        return found | ({"others": self.others * schedule.of_others(step)} if others else {})


class VocabularyTrainer(Trainer):  # type: ignore[misc]
    """A Trainer of a `ModelLoss`.

    Attributes:
        run: the directory of the run.
        schedule: the schedule of its learning rates.
        rates: the peak learning rates.
        keep: number of checkpoints to keep.
        composed: the new rows that are composed.
        align_weight: of the loss of hidden states at the first step.
        seen: collects which new tokens have occurred; None to move all new rows from the first step on.
    """

    optimizer: Any
    lr_scheduler: Any

    def __init__(
        self,
        *,
        run: Path,
        schedule: Schedule,
        rates: Rates,
        keep: int,
        composed: Sequence[Composed] = (),
        align_weight: float = 0.0,
        seen: Seen | None = None,
        **settings: Any,
    ) -> None:
        self.run, self.schedule, self.rates, self.keep = run, schedule, rates, keep
        self.composed, self.align_weight, self.seen = composed, align_weight, seen
        super().__init__(**settings)

    def create_optimizer(self, model: Any = None) -> Any:
        """RowsAdamW over groups: new rows without weight decay, all other trained parameters, and maps."""
        if self.optimizer is None:
            rows, shared, others = _parts(self.model if model is None else model)
            groups = [
                {
                    "params": rows + shared,
                    "lr": self.rates.rows,
                    "weight_decay": 0.0,
                    "eps": self.rates.rows_epsilon,
                },
                {"params": others, "lr": self.rates.others, "weight_decay": self.rates.weight_decay},
            ]
            groups = [group for group in groups if group["params"]]
            for composed in self.composed:
                maps = composed.maps.groups_of_maps(self.rates.composition)
                groups += [{**group, "weight_decay": 0.0} for group in maps]
            if self.composed:
                self.optimizer = ComposedAdamW(
                    groups, composed=self.composed, rows=rows, seen=self.seen, betas=_BETAS
                )
            else:
                self.optimizer = RowsAdamW(groups, rows=rows, seen=self.seen, betas=_BETAS)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The schedule, with one function per group."""
        if self.lr_scheduler is None:
            rows, _, others = _parts(self.model)
            # The schedule of a run with a time limit becomes known while it runs.
            factors: list[Any] = [lambda step: self.schedule.of_rows(step)] * bool(rows)
            factors += [lambda step: self.schedule.of_others(step)] * bool(others)
            optimizer = self.optimizer if optimizer is None else optimizer
            maps = len(optimizer.param_groups) - len(factors)
            factors += [lambda step: self.schedule.of_rows(step)] * maps
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factors)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def training_step(self, model: Any, inputs: Any, *given: Any, **named: Any) -> Any:
        """The gradients of a batch as the Trainer computes them, with the loss of hidden states weighted."""
        if self.seen is not None:
            self.seen.see(inputs)
        alignment = self.model.alignment
        if alignment is not None:
            alignment.weight = weight_at(self.align_weight, self.state.global_step, self.schedule)
        return super().training_step(model, inputs, *given, **named)

    def _save(self, output_dir: str | None = None, state_dict: Mapping[str, Any] | None = None) -> None:
        if self.args.should_save:
            directory = Path(output_dir or self.args.output_dir)
            directory.mkdir(parents=True, exist_ok=True)
            save_trained(self.model, directory, state_dict)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing: trained parameters are loaded before the model is wrapped, see commands/train/loop.py."""

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """As the Trainer does, but with the settings of this run, which may branch from one of others."""
        if checkpoint is None:
            return
        names = ("initial_lr", "weight_decay", "eps")
        given = [{name: group[name] for name in names} for group in self.optimizer.param_groups]
        super()._load_optimizer_and_scheduler(checkpoint)
        self.lr_scheduler.base_lrs = [settings["initial_lr"] for settings in given]
        for group, settings in zip(self.optimizer.param_groups, given, strict=True):
            group.update(settings)
        self._set_rates()

    def follow(self, schedule: Schedule, save_every: int) -> None:
        """Go on by another schedule, between two steps.

        Args:
            schedule: it must have the same rates as the one before for the steps that are done.
            save_every: steps between two checkpoints.
        """
        self.schedule = schedule
        self.state.max_steps, self.state.save_steps = schedule.steps, save_every
        self._set_rates()

    def _set_rates(self) -> None:
        """Set the rates of the next step."""
        scheduler = self.lr_scheduler
        scheduler._last_lr = [
            rate * factor(scheduler.last_epoch)
            for rate, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
        ]
        for group, rate in zip(self.optimizer.param_groups, scheduler._last_lr, strict=True):
            group["lr"] = rate

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            # A run that goes on from here reads there how far it was.
            sync(self.run / METRICS)
            mark_complete(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")
            remove_old(self.run, self.keep, self.schedule.stable_end, int(self.args.save_steps))


def _parts(model: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The trained parameters: rows of tokens, what factorized embeddings share, and others."""
    rows: list[Any] = []
    shared: list[Any] = []
    others: list[Any] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            own = name.rpartition(".")[2]
            (rows if own in _ROWS else shared if own in _SHARED else others).append(parameter)
    return rows, shared, others
