"""Split tables and their loss against peft's ways to train new rows: memory and tokens a second.

    python benchmarks/split_table.py [--shape llama-7b --method qlora] [--runs 3]

Random weights of the shape of a Llama whose vocabulary grew, one batch of random ids, the same adapters on
all linear layers, AdamW, autocast to bfloat16. What differs is how the new rows train:

- "split": `split_tables` and `ModelLoss` of vocabx; old rows are frozen, new ones are in float32;
- "modules-to-save": peft's `modules_to_save`, copies of both tables, here in float32 as the trained rows of
  the other two are; so they are, too, after peft's own `prepare_model_for_kbit_training`;
- "modules-to-save-bf16": the same as peft leaves it without that: copies, gradients and moments in bfloat16;
- "token-indices": peft's `trainable_token_indices` for both tables.

Where tables are tied, peft is told to keep them so. That it is the same work is recorded with each: the loss
of the first step, and the length of the gradient of the new rows.

Every case runs in a process of its own, one after the other and in turn. "peak" is the most memory of its
steps: what torch allocated on a GPU; elsewhere what was resident beyond what was after the imports. "trained
bytes" are counted from the objects and are the same on every machine: the parameters of the tables, their
gradients and AdamW's moments. "frozen bytes" are what of the tables is kept beside them.

On a GPU it runs the shape of Llama 2 7B by QLoRA and that of Llama 3.2 1B by LoRA; elsewhere a small shape,
tied and untied. `--layers 1 --sequence 8 --batch 1 --steps 1` counts the bytes of a large shape where there
is no GPU; with fewer layers than the shape has, nothing else is kept.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from common import Result, WorkerError, machine, new_parser, read_result, run_script, run_worker, write_result
from split_table_case import SHAPES, VARIANTS, Case
from split_table_model import work

NAME = "split-table"
# What depends on the machine.
VARYING = ("tokens/s", "peak MB", "peak reserved MB")
LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")
GOALS = (
    "at shapes of 1B to 7B, over modules-to-save: memory of trained tables at most 0.6, tokens/s at least 1.2"
)


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--method", choices=("lora", "qlora"), default="lora")
    parser.add_argument("--tied", action=argparse.BooleanOptionalAction, help="default: as the shape is")
    parser.add_argument("--layers", type=int, help="fewer than the shape has")
    parser.add_argument("--new-tokens", type=int, help="default: 27,264; 8,000 for small")
    parser.add_argument("--sequence", type=int, help="default: 2,048; 256 for small")
    parser.add_argument("--batch", type=int, help="default: 4; 2 for small")
    parser.add_argument("--steps", type=int, help="timed, after one that is not; default: 10; 5 for small")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument(
        "--gradient-checkpointing", action=argparse.BooleanOptionalAction, help="default: for 3B and 7B"
    )
    parser.add_argument("--threads", type=int, default=1, help="of a CPU; a busy one is faster with 1")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=VARIANTS, metavar="VARIANT")
    parser.add_argument("--runs", type=int, default=1, help="of each case, in turn; medians are kept")
    options = parser.parse_args(arguments)
    results = read_result(options.out, NAME).get("results", {})
    for case in cases(options):
        results[case.label] = compare(case, options.only, options.runs)
        # Cases take long: what is known is written down before the next.
        write_result(options.out, NAME, summary(results))
        print(json.dumps({case.label: results[case.label]}, indent=2))
    return summary(results)


def cases(options: argparse.Namespace) -> list[Case]:
    """What was asked for, or what this machine can bear."""
    if options.shape:
        shape = SHAPES[options.shape]
        both = options.shape == "small" and options.tied is None
        tied = (True, False) if both else (shape.tied if options.tied is None else options.tied,)
        return [case_of(options, options.shape, options.method, each) for each in tied]
    if device_name() == "cpu":
        return [case_of(options, "small", "lora", tied) for tied in (True, False)]
    return [case_of(options, "llama-7b", "qlora", False), case_of(options, "llama-1b", "lora", True)]


def case_of(options: argparse.Namespace, name: str, method: Literal["lora", "qlora"], tied: bool) -> Case:
    """A case by what was asked for, and else by what its shape bears."""
    small = name == "small"
    again = options.gradient_checkpointing
    return Case(
        shape=name,
        method=method,
        tied=tied,
        layers=options.layers or SHAPES[name].layers,
        new_tokens=options.new_tokens or (8_000 if small else 27_264),
        sequence=options.sequence or (256 if small else 2048),
        batch=options.batch or (2 if small else 4),
        steps=options.steps or (5 if small else 10),
        rank=options.rank,
        checkpointing=name in ("llama-3b", "llama-7b") if again is None else again,
        threads=options.threads,
    )


@cache
def device_name() -> str:
    """Asked of another process, so that this one takes nothing of a GPU."""
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu')"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def compare(case: Case, variants: Sequence[str], runs: int) -> dict[str, Any]:
    """Each variant in turn, and ours over each other."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}
    for _ in range(runs):
        for name in variants:
            found[name].append(measured(replace(case, variant=name)))
    figures = {name: median_of(each) for name, each in found.items()}
    if not case.whole:
        figures = {name: without(each, VARYING) for name, each in figures.items()}
    ours = figures.get("split", {})
    ratios = {
        name: over(ours, peer) for name, peer in figures.items() if name != "split" and "error" not in peer
    }
    settings = {name: value for name, value in asdict(case).items() if name != "variant"}
    return {
        "device": device_name(),
        "machine": machine(),
        "versions": {name: version(name) for name in LIBRARIES},
        **settings,
        "runs": runs,
        "figures": figures,
        "split over": ratios if "error" not in ours else {},
    }


def without(figures: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The figures whose names do not begin with one of `names`."""
    return {name: value for name, value in figures.items() if not name.startswith(names)}


def measured(case: Case) -> dict[str, Any]:
    """A case in a process of its own; one that fails is a result, too."""
    try:
        return run_worker(__file__, asdict(case))
    except WorkerError as error:
        return {"error": str(error)}


def median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Runs of one variant as one: medians of what varies, and what each run had of tokens a second."""
    failed = [run for run in runs if "error" in run]
    if failed:
        return failed[0]
    speeds = [run["tokens/s"] for run in runs]
    medians = {name: statistics.median(run[name] for run in runs) for name in VARYING if name in runs[0]}
    return {**runs[0], **medians, "tokens/s of each run": speeds}


def over(ours: dict[str, Any], peer: dict[str, Any]) -> dict[str, float]:
    """Ours over a peer's, and how far apart what should be the same is."""
    if not ours or "error" in ours:
        return {}
    names = (*VARYING, "trained bytes", "frozen bytes", "bytes of tables")
    ratios = {name: round(ours[name] / peer[name], 3) for name in names if peer.get(name)}
    apart = abs(ours["first loss"] - peer["first loss"])
    norms = abs(ours["first gradient of new rows"] / peer["first gradient of new rows"] - 1)
    return {**ratios, "first losses apart": round(apart, 6), "first gradients apart": round(norms, 6)}


def summary(results: dict[str, Any]) -> dict[str, Any]:
    """All results, and what is known of the goals on a GPU."""
    on_gpu = {name: found for name, found in results.items() if found["device"] != "cpu"}
    whole = {
        name: found["split over"]["modules-to-save"]
        for name, found in on_gpu.items()
        if "modules-to-save" in found["split over"]
        and "tokens/s" in found["split over"]["modules-to-save"]
        and found["shape"].startswith("llama")
    }
    goals = {
        name: {
            "memory of trained tables at most 0.6": ratio["trained bytes"] <= 0.6,
            "tokens/s at least 1.2": ratio["tokens/s"] >= 1.2,
        }
        for name, ratio in whole.items()
    }
    return {
        "device": "cpu" if not on_gpu else next(iter(on_gpu.values()))["device"],
        "goals": GOALS,
        "goals on a GPU": goals or "not yet measured on a GPU",
        "results": results,
    }


if __name__ == "__main__":
    run_script(main, work)
