"""The recipe against the stability gap beside one pass over the text, at equal steps.

    python benchmarks/stability_gap.py --checkpoint runs/demo

All runs read as many sequences, score the same held-out text, and replay the same share but for the last one,
which replays nothing. English is measured on a text of another domain than the one that is replayed, unless
`--base-text` and `--replay` say otherwise. With --chapters N, the text is the first N chapters of the
packaged Bible in the language, and English is measured on as many of the World English Bible; so little is
read in a moment.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import Result, finish, machine, new_parser, read_result, run_script, write_result
from texts import chapters_of
from training_runs import add_training_options, clear, figures, settings_of

from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train
from vocabx.training.record import TrainingRecord
from vocabx.training.stability_gap import find_gap

NAME = "stability-gap"
SETTINGS = {
    "max_steps": 60, "sequence_length": 256, "step_sequences": 2, "lora_rank": 16, "learning_rate": 2e-4,
    "rows_learning_rate": 3e-4, "rows_first": 0.0, "decay": 0.1, "heldout_bytes": 3_000,
    "text_bytes": 1_000_000, "seed": 0,
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "one pass": {"epochs": 1},
    "4 passes over the best part": {"subset": "auto", "epochs": 4},
    "one pass, no replay": {"epochs": 1, "replay_share": 0.0},
}


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="an extended checkpoint")
    parser.add_argument("--name", default=NAME, help=f"of the JSON file; default: {NAME}")
    parser.add_argument("--scratch", type=Path, default=Path("runs/stability-gap"))
    parser.add_argument("--ways", nargs="+", default=tuple(WAYS), choices=tuple(WAYS), help="default: all")
    parser.add_argument(
        "--base-text", nargs="+", default=(), metavar="PATH", help="default: the packaged text"
    )
    parser.add_argument(
        "--quality",
        action="store_true",
        help="judge documents by the rules of --quality before their perplexity",
    )
    parser.add_argument("--chapters", type=int, default=0, help="default: 0, the whole packaged text")
    add_training_options(parser, **SETTINGS)
    options = parser.parse_args(arguments)
    settings = settings_of(options, tuple(SETTINGS)) | {
        "base_text": tuple(options.base_text),
        "quality": True if options.quality else None if not options.corpus else False,
    }
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    if options.chapters:
        settings |= chapters_of(options.chapters, options.scratch.with_name(f"{options.scratch.name}-text"))
        # A corpus of chapters is as good as any: --quality would judge it by its length.
        settings["quality"] = bool(options.quality)
        plain["chapters"] = options.chapters
    result = read_result(options.out, options.name)
    if result.get("settings") != plain:
        result = {"machine": machine(), "settings": plain, "runs": {}}
    for way in options.ways:
        if way not in result["runs"]:
            result["runs"][way] = run_of(options.checkpoint, options.scratch / "run", settings | WAYS[way])
            # A run takes long: what is known is written down before the next.
            write_result(options.out, options.name, result)
    return finish(options.out, options.name, result)


def run_of(checkpoint: Path, out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Train `checkpoint` into `out`, and give the run in numbers, with its gaps."""
    clear(out)
    trained = train(TrainOptions(directory=checkpoint, out=out, **settings))
    assert trained.record is not None
    record = trained.record
    gaps = {name: _gap(record, kind) for name, kind in (("target", "target_bits"), ("base", "base_bits"))}
    text = record.text
    return {
        **figures(trained),
        "text": text.corpus,
        "passes": text.passes,
        "gaps": {name: gap for name, gap in gaps.items() if gap},
    }


def _gap(record: TrainingRecord, kind: str) -> dict[str, Any] | None:
    scored = [(one.step, bits) for one in record.measured if (bits := getattr(one, kind)) is not None]
    gap = find_gap([step for step, _ in scored], [bits for _, bits in scored])
    return None if gap is None else {**gap.plain(), "depth": round(gap.depth, 4)}


if __name__ == "__main__":
    run_script(main)
