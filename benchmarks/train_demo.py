"""Training with and without replay at the demonstration's budget: what is learned, what is forgotten.

    python benchmarks/train_demo.py [--checkpoint runs/demo] [--max-steps 460]

Trains one extended SmolLM2 twice from the same state with the same seed, steps and settings, once with a
share of English replay and once without, and sets the held-out curves of both languages side by side. The
checkpoint is made first (8,000 tokens for zh-Hant, zip-tie) unless one is given. Where a GPU is, the same
settings run on it.
"""

from collections.abc import Sequence
from pathlib import Path

from common import Result, finish, machine, new_parser, run_script, write_result
from training_runs import add_training_options, clear, settings_of, trained_figures

from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.run import extend

NAME = "train-demo"
# As in `make demo-train`.
SETTINGS = {
    "max_steps": 460, "sequence_length": 512, "step_sequences": 1, "lora_rank": 16, "learning_rate": 1e-3,
    "rows_learning_rate": 2e-3, "rows_first": 0.0, "decay": 0.25, "evaluate_every": None,
    "heldout_bytes": 20_000, "text_bytes": 1_000_000_000, "seed": 0,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=8000)
    parser.add_argument("--checkpoint", type=Path, help="an extended SmolLM2; made where none is given")
    parser.add_argument("--scratch", type=Path, default=Path("runs/train-demo"))
    parser.add_argument("--name", default=NAME, help=f"of the JSON file; default: {NAME}")
    parser.add_argument("--replay-shares", nargs="+", type=float, default=(0.25, 0.0), help="one run each")
    add_training_options(parser, **SETTINGS)
    options = parser.parse_args(arguments)
    settings = settings_of(options, tuple(SETTINGS))
    checkpoint = options.checkpoint or extended(options.scratch / "extended", options.new_tokens)
    result: Result = {"machine": machine(), "settings": settings, "runs": {}}
    for share in options.replay_shares:
        out = options.scratch / f"replay-{share:g}"
        run = trained_figures(checkpoint, out, {**settings, "replay_share": share})
        result["runs"][f"replay {share:g}"] = run
        # A run takes long: what is known is written down before the next.
        write_result(options.out, options.name, result)
    return finish(options.out, options.name, result)


def extended(out: Path, new_tokens: int) -> Path:
    """The demonstration's checkpoint."""
    clear(out)
    extend(ExtendOptions(base="smollm2", lang="zh-Hant", new_tokens=new_tokens, evaluate=False, out=out))
    return out


if __name__ == "__main__":
    run_script(main)
