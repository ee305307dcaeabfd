"""What is hidden from an encoder: Linguistic Entity Masking against whole words, after the same steps.

    python benchmarks/masking.py [--max-steps 200] [--checkpoint runs/extended]

The checkpoint is MiniLM-L6 (see minilm.py), extended for Traditional Chinese, unless another is given. All
runs have the same text, seed and steps, and are scored in masked bits per byte of the same held-out text,
hidden by whole words.
"""

from collections.abc import Sequence
from pathlib import Path

from common import Result, finish, machine, new_parser, run_script, write_result
from minilm import minilm
from training_runs import add_training_options, settings_of, trained_figures

from vocabx import ExtendOptions, extend

NAME = "masking"
KINDS = ("words", "entities")
SETTINGS = {
    "max_steps": 200, "sequence_length": 128, "step_sequences": 4, "lora_rank": 16, "learning_rate": 1e-3,
    "rows_learning_rate": 1e-3, "rows_first": 0.0, "decay": 0.25, "replay_share": 0.0, "evaluate_every": 100,
    "heldout_bytes": 2000, "text_bytes": 1_000_000, "seed": 0,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=1000)
    parser.add_argument("--checkpoint", type=Path, help="an extended encoder; default: one is made")
    parser.add_argument("--scratch", type=Path, default=Path("runs/masking"))
    add_training_options(parser, **SETTINGS)
    options = parser.parse_args(arguments)
    settings = settings_of(options, tuple(SETTINGS))
    checkpoint = options.checkpoint or _extended(options.scratch, options.new_tokens, settings["corpus"])
    result: Result = {"machine": machine(), "settings": settings, "runs": {}}
    for kind in KINDS:
        run = trained_figures(checkpoint, options.scratch / "run", {**settings, "mask": kind})
        result["runs"][kind] = run
        # A run takes long: what is known is written down before the next.
        write_result(options.out, NAME, result)
    ends = [result["runs"][kind]["bits per byte"]["zh-Hant"][-1][1] for kind in KINDS]
    result["entities over words"] = round(ends[1] / ends[0], 4)
    return finish(options.out, NAME, result)


def _extended(scratch: Path, new_tokens: int, corpus: tuple[str, ...]) -> Path:
    out = scratch / "extended"
    if not out.is_dir():
        extend(
            ExtendOptions(base=str(minilm()), lang="zh-Hant", corpus=corpus, new_tokens=new_tokens, out=out)
        )
    return out


if __name__ == "__main__":
    run_script(main)
