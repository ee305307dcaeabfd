"""Mixture laws: short trainings with several shares of replay, and how well they predict another share.

    python benchmarks/mixture_law.py --checkpoint runs/demo [--check-share 0.4]
    python benchmarks/mixture_law.py --refit benchmarks/results/mixture-law.json

The checkpoint is one that `vocabx extend` wrote. The runs are kept in --scratch, and finished ones are not
made again. With --chapters N, the text is the first N chapters of the packaged Bible in the language, and
English is measured on as many of the World English Bible; so little is read in a moment. --refit fits
the laws to the scores that a file of results holds, and trains nothing.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from common import Result, finish, machine, new_parser, run_script
from texts import chapters_of

from vocabx.commands.mixture.options import MixtureOptions
from vocabx.commands.mixture.run import fit_mixture
from vocabx.training.metrics import Measured
from vocabx.training.mixture_study import (
    Asked,
    MixtureStudy,
    Prediction,
    ShareAnswer,
    ShortRun,
    study_of,
)

NAME = "mixture-law"
SETTINGS: dict[str, Any] = {
    "max_steps": 50, "sequence_length": 256, "step_sequences": 1, "lora_rank": 16, "learning_rate": 2e-4,
    "rows_learning_rate": 3e-4, "heldout_bytes": 1_500, "text_bytes": 1_000_000, "tolerance": 5.0,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--checkpoint", type=Path, help="an extended checkpoint")
    given.add_argument("--refit", type=Path, metavar="FILE", help="results whose scores are fitted again")
    parser.add_argument("--scratch", type=Path, default=Path("runs/mixture"))
    parser.add_argument("--name", default=NAME, help=f"of the JSON file; default: {NAME}")
    parser.add_argument("--replay-shares", default="0,0.25,0.5,0.75")
    parser.add_argument("--check-share", type=float, help="default: none")
    for name, value in SETTINGS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default: {value:,}"
        )
    for name in ("corpus", "replay", "base-text"):
        parser.add_argument(
            f"--{name}", nargs="+", default=(), metavar="PATH", help="default: the packaged text"
        )
    parser.add_argument("--chapters", type=int, default=0, help="default: 0, the whole packaged text")
    options = parser.parse_args(arguments)
    if options.refit:
        return finish(options.out, options.refit.stem, refitted(options.refit))
    settings: dict[str, Any] = {
        name: getattr(options, name) for name in (*SETTINGS, "replay_shares", "check_share")
    }
    texts: dict[str, Any] = {
        name: tuple(getattr(options, name)) for name in ("corpus", "replay", "base_text")
    }
    if options.chapters:
        texts |= chapters_of(options.chapters, options.scratch.with_name(f"{options.scratch.name}-text"))
    start = time.process_time()
    study = fit_mixture(
        MixtureOptions(
            directory=options.checkpoint, out=options.scratch, method="lora", resume=options.scratch.is_dir(),
            **settings, **texts,
        )
    ).study  # fmt: skip
    result = {
        "machine": machine(),
        "checkpoint": options.checkpoint.name,
        "settings": {**settings, "chapters": options.chapters},
        # Of this call: runs of an earlier one are not in it.
        "processor seconds": round(time.process_time() - start, 1),
        **figures(study),
    }
    return finish(options.out, options.name, result)


def refitted(path: Path) -> Result:
    """The figures of a file, with the laws fitted again to the scores that it holds."""
    result: Result = json.loads(path.read_text(encoding="utf-8"))
    settings = result["settings"]
    step_tokens = settings["sequence_length"] * settings["step_sequences"]
    runs = tuple(
        ShortRun(
            run["replay"],
            "",
            tuple(
                Measured(step=step, tokens=step * step_tokens, target_bits=new, base_bits=old, seconds=0.0)
                for (step, new), (_, old) in zip(run["target"], run["base language"], strict=True)
            ),
            # Warmup is a fiftieth of the steps.
            warmup=settings["max_steps"] // 50,
            fitted=run["fitted"],
        )
        for run in result["runs"]
    )
    tokens = result["target tokens"]
    found = study_of(runs, Asked(settings["tolerance"], tokens, seed=0))
    study = MixtureStudy(
        version="", command="", checkpoint=result["checkpoint"], language="zh-Hant", base_language="en",
        tolerance=settings["tolerance"], base_before=runs[0].base_before, target_tokens=tokens, runs=runs,
        **msgspec.structs.asdict(found),
    )  # fmt: skip
    return {**result, **figures(study)}


def figures(study: MixtureStudy) -> dict[str, Any]:
    """A study in numbers."""
    return {
        "base language before": round(study.base_before, 4),
        "target tokens": study.target_tokens,
        "points": study.points,
        "dropped": study.dropped,
        "runs": [
            {
                "replay": run.replay_share,
                "fitted": run.fitted,
                "target": [[one.step, round(one.target_bits, 4)] for one in run.measured],
                "base language": [[one.step, round(one.base_bits or 0.0, 4)] for one in run.measured],
            }
            for run in study.runs
        ],
        "laws": {"target": study.target_law.plain(), "base language": study.base_law.plain()},
        "worst error of the base language's laws": {
            name: round(error, 5) for name, error in study.base_laws.items()
        },
        "left out": [_errors(one) for one in study.left_out],
        "never fitted": [_errors(one) for one in study.checked],
        "answers": {
            "within the tolerance after a short run": _answer(study.kept_in_runs),
            "critical mixture ratio": _answer(study.critical),
            "within the tolerance after the text": _answer(study.kept),
            "best for the text": _answer(study.best),
        },
    }


def _errors(one: Prediction) -> dict[str, float]:
    return {
        "replay": one.replay_share,
        "target error": round(one.target_error, 5),
        "base language error": round(one.base_error, 5),
    }


def _answer(one: ShareAnswer) -> dict[str, Any]:
    return {name: round(value, 4) for name, value in one.plain().items() if value is not None}


if __name__ == "__main__":
    run_script(main)
