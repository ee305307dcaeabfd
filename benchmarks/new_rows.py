"""Ways to train new token embeddings: one checkpoint, text and number of steps, one option changed.

    python benchmarks/new_rows.py --checkpoint runs/distilled [--max-steps 100] [--ways composition]

Each run is shown by its held-out curve, by what new tokens cost after it by how often they occurred, and by
the seconds of its steps. A run that is in the result already, with the same settings, is not made again. The
checkpoint is what `vocabx extend --base smollm2 --lang zh-Hant --init distill --untie --out runs/distilled`
writes, unless another is given.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import Result, finish, machine, new_parser, read_result, run_script, write_result
from training_runs import add_training_options, clear, figures, settings_of

from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train

NAME = "new-rows"
SETTINGS = {
    "max_steps": 100, "sequence_length": 512, "step_sequences": 1, "lora_rank": 16, "learning_rate": 1e-3,
    "rows_learning_rate": 1e-3, "rows_first": 0.0, "decay": 0.25, "replay_share": 0.0, "evaluate_every": 25,
    "heldout_bytes": 10_000, "text_bytes": 1_000_000, "seed": 0,
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "rows that have occurred": {},
    "all rows": {"rows_update": "all"},
    "rows at 3e-4": {"rows_learning_rate": 3e-4},
    "composition": {"composition": 32},
    "composition at 1e-3, rows at 3e-4": {
        "composition": 32, "composition_learning_rate": 1e-3, "rows_learning_rate": 3e-4,
    },
    "epsilon of rows 1e-4": {"rows_epsilon": 1e-4},
    "all rows, epsilon 1e-4": {"rows_update": "all", "rows_epsilon": 1e-4},
    "align": {"align_weight": 4.0},
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="an extended checkpoint")
    parser.add_argument("--name", default=NAME, help=f"of the JSON file; default: {NAME}")
    parser.add_argument("--scratch", type=Path, default=Path("runs/new-rows"))
    parser.add_argument("--ways", nargs="+", default=tuple(WAYS), choices=tuple(WAYS), help="default: all")
    add_training_options(parser, **SETTINGS)
    options = parser.parse_args(arguments)
    settings = settings_of(options, tuple(SETTINGS))
    result = read_result(options.out, options.name)
    if result.get("settings") != _plain(settings):
        result = {"machine": machine(), "settings": _plain(settings), "runs": {}}
    for way in options.ways:
        if way in result["runs"]:
            continue
        result["runs"][way] = run_of(options.checkpoint, options.scratch / "run", {**settings, **WAYS[way]})
        # A run takes long: what is known is written down before the next.
        write_result(options.out, options.name, result)
    return finish(options.out, options.name, result)


def run_of(checkpoint: Path, out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Train `checkpoint` into `out`, and give the run in numbers."""
    clear(out)
    trained = train(TrainOptions(directory=checkpoint, out=out, **settings))
    assert trained.record is not None
    groups = [group.plain() for group in trained.record.occurrences]
    return {**figures(trained), "new tokens by occurrences": groups}


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}


if __name__ == "__main__":
    run_script(main)
