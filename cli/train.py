"""vocabx train: continued pretraining of an extended checkpoint."""

import os
from typing import Any

import typer

from vocabx.commands.train.options import TrainOptions
from vocabx.errors import VocabxError

from .options import command
from .plain_line import json_line


@command(TrainOptions, out="{directory}-trained", dry_run=True)
def train(options: TrainOptions, quiet: bool, dry_run: bool, as_json: bool) -> None:
    """Continue pretraining an extended checkpoint: new token embeddings, and adapters on the rest."""
    from .progress import TerminalProgress

    if dry_run:
        _plan(options, as_json)
        return
    from vocabx.commands.train.run import train as run

    try:
        result = run(options, TerminalProgress(quiet))
    except VocabxError as error:
        # If several processes find the same error, only one reports it.
        if os.environ.get("RANK", "0") != "0":
            raise typer.Exit(error.exit_code) from None
        raise
    if not result.main:
        return
    if as_json:
        print(json_line(result.to_dict()))
    else:
        from .train_table import print_training

        print_training(result)


def _plan(options: TrainOptions, as_json: bool) -> None:
    from vocabx.commands.train.contest import plan_base_alone
    from vocabx.commands.train.packages import check_packages
    from vocabx.commands.train.plan import make_train_plan
    from vocabx.progress import Quiet
    from vocabx.training.processes import Processes
    from vocabx.training.speed import speeds

    check_packages(options)
    processes = Processes()
    plan = make_train_plan(options, processes.device, processes.count)
    if options.contest:
        plan_base_alone(plan, processes, Quiet())
    described = plan.describe(*speeds(processes.device, plan.method.dtype))
    if not processes.main:
        return
    if as_json:
        print(json_line(described))
        return
    from .terminal import print_properties

    print_properties(_lines(described))


def _size(subset: str) -> str:
    return "as much as the run needs" if subset == "auto" else f"{int(subset):,} bytes"


def _lines(plan: dict[str, Any]) -> dict[str, str]:
    from vocabx.training.duration import described

    trained = ", ".join(f"{count / 1e6:,.1f} M {name}" for name, count in plan["trained"].items())
    memory = ", ".join(f"{name} {size / 1e9:.2f}" for name, size in plan["memory"].items())
    text = (
        "a stream" if plan["corpus_tokens"] is None else f"about {plan['corpus_tokens'] / 1e6:,.1f} M tokens"
    )
    rows = {
        "checkpoint": f"{plan['directory']}, {plan['parameters'] / 1e6:,.0f} M parameters",
        "method": f"{plan['method']} in {plan['dtype']}",
        "trains": trained,
        "text": f"{plan['corpus']}, {text}" + (f". {plan['corpus_unread']}" if plan["corpus_unread"] else ""),
        "subset": f"{_size(plan['subset'])} of it, {plan['passes']} passes" if plan["subset"] else "",
        "replay": f"{plan['replay']}, {plan['replay_share']:.0%} of the sequences"
        if plan["replay"]
        else "none",
        "measured": plan["measured"] and f"{plan['measured']}, beside the language",
        "decay": f"{plan['decay_corpus']}, {plan['decay_replay_share']:.0%} of the sequences replay"
        if plan["decay_corpus"]
        else "",
        "step": f"{plan['step_sequences']} sequences of {plan['sequence_length']:,} tokens: "
        f"{plan['processes']} × "
        f"{plan['accumulation']} × {plan['batch_size']}"
        + (", gradient checkpointing" if plan["gradient_checkpointing"] else ""),
        "memory": f"about {plan['memory_bytes'] / 1e9:.2f} GB of {plan['memory_free'] / 1e9:.1f} GB: "
        f"{memory}",
    }
    if plan["steps"] is not None:
        rows["length"] = f"{plan['steps']:,} steps, {plan['tokens'] / 1e6:,.2f} M tokens"
        rows["time"] = (
            f"{described(plan['estimated_seconds'])}, at {plan['tokens_per_second']:,.0f} tokens/s, with "
            f"{described(plan['scoring_seconds'])} of scoring and {described(plan['reading_seconds'])} to "
            "load the model and read the text"
        )
        if plan["max_minutes"] is not None:
            rows["time"] += "; measured and fitted in the first steps"
        if plan["contest"]:
            rows["contest"] = "the base left alone is trained for as long: this doubles the time"
    rows["writes"] = plan["out"]
    return {name: value for name, value in rows.items() if value}
