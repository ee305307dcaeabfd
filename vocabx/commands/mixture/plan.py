"""The plan of a study of mixtures: one training plan for each share, checked before any of them begins."""

import shutil
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from vocabx.checkpoint.staging import check_free, unfinished_of
from vocabx.commands._training_options import TrainingOptions
from vocabx.commands.mixture.options import MixtureOptions
from vocabx.commands.train.job import JOB, job_of, read_job, refuse_other
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.packages import check_packages
from vocabx.commands.train.plan import TrainPlan, make_train_plan
from vocabx.errors import TrainingError
from vocabx.training.record import RECORD

# Rates stay constant, so that all scores of a run lie on one curve.
_OPTIONS: dict[str, Any] = {"rows_first": 0.0, "decay": 0.0, "keep": 1}
_SHARED = (*(one.name for one in fields(TrainingOptions)), "max_steps")


@dataclass(frozen=True)
class PlannedRun:
    """A short training: its options, whether the laws are fitted to it, and whether it is finished."""

    options: TrainOptions
    fitted: bool
    finished: bool


@dataclass(frozen=True)
class MixturePlan:
    """A checked study.

    Attributes:
        options: the options of the command.
        train: the training plan of the first run.
        runs: the short trainings, by share of replay.
        target_tokens: tokens in the new language that the wanted training reads.
    """

    options: MixtureOptions
    train: TrainPlan
    runs: tuple[PlannedRun, ...]
    target_tokens: int

    def describe(self, operations_a_second: float, scoring_rate: float = 0.0) -> dict[str, Any]:
        """What the study will do and need, as plain data; see `TrainPlan.describe`."""
        one = self.train.describe(operations_a_second, scoring_rate)
        left = sum(not run.finished for run in self.runs)
        return {
            **{
                name: one[name]
                for name in ("directory", "method", "dtype", "corpus", "steps", "memory_bytes")
            },
            "replay": self.train.base_source.description if self.train.base_source else "",
            "out": str(self.options.out),
            "replay_shares": list(self.options.shares),
            "check_share": self.options.check_share,
            "finished_runs": len(self.runs) - left,
            "runs": len(self.runs),
            "tokens_each": one["tokens"],
            "target_tokens": self.target_tokens,
            "estimated_seconds": round(left * (one["estimated_seconds"] or 0.0), 3),
        }


def make_mixture_plan(options: MixtureOptions, device: str) -> MixturePlan:
    """Check a study.

    Raises:
        VocabxError: the checkpoint cannot be trained this way, there is no text, or an earlier call was
            another.
    """
    if not options.resume:
        check_free(options.out)
    shares = dict.fromkeys(options.shares, True)
    if options.check_share is not None:
        shares[options.check_share] = False
    given = [(run_options(options, share), fitted) for share, fitted in sorted(shares.items())]
    plan = make_train_plan(given[-1][0], device, 1)
    runs = tuple(PlannedRun(one, fitted, _is_finished(plan, one)) for one, fitted in given)
    return MixturePlan(options, plan, runs, _target_tokens(options, plan))


def check_mixture_packages(options: MixtureOptions) -> None:
    """Refuse a study for want of packages; see `check_packages`."""
    check_packages(run_options(options, options.shares[-1]))


def run_options(options: MixtureOptions, share: float) -> TrainOptions:
    """The options of `vocabx train` for one share of replay."""
    out = options.out / f"replay-{share:g}"
    shared: dict[str, Any] = {name: getattr(options, name) for name in _SHARED}
    # Without --resume, an unfinished run would be refused.
    resume = unfinished_of(out).is_dir()
    return TrainOptions(**shared, **_OPTIONS, out=out, replay_share=share, resume=resume)


def _is_finished(plan: TrainPlan, options: TrainOptions) -> bool:
    """Whether a run of an earlier call is complete; one with other options is refused.

    Raises:
        OutputError: it was made with other options.
    """
    run = Path(options.out)
    if not (run / RECORD).is_file() or not (run / JOB).is_file():
        return False
    begun = read_job(run)
    asked = replace(plan.options, replay_share=options.replay_share, out=options.out)
    refuse_other(run, begun, job_of(asked, begun.tables, begun.schedule, begun.fits))
    return True


def _target_tokens(options: MixtureOptions, plan: TrainPlan) -> int:
    if options.target_bytes is None:
        tokens = plan.text_tokens()
        if tokens is None:
            raise TrainingError(
                "--corpus is a stream of unknown length: pass --target-bytes, how much of it will be read"
            )
        return max(1, tokens)
    return max(1, round(options.target_bytes * plan.tokens_per_byte))


def remove_checkpoints(run: Path) -> None:
    """Remove what a run needs no longer once it is trained, so that many of them take little room."""
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
