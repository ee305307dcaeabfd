"""Training with and without replay at the demonstration's budget: what is learned, what is forgotten.

    python benchmarks/train_demo.py [--checkpoint runs/demo] [--max-steps 460]

Trains one extended SmolLM2 twice from the same state with the same seed, steps and settings, once with a
share of English replay and once without, and sets the held-out curves of both languages side by side. The
checkpoint is made first (8,000 tokens for zh-Hant, zip-tie) unless one is given. Where a GPU is, the same
settings run on it.
"""

import argparse
import json
import shutil
import statistics
from pathlib import Path
from typing import Any

from common import machine

from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.run import extend
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import TrainResult, train

RESULTS = Path(__file__).parent / "results" / "train-demo.json"
LANGUAGES = {"target_bits": "zh-Hant", "base_bits": "English"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="an extended SmolLM2; made where none is given")
    parser.add_argument("--scratch", type=Path, default=Path("runs/train-demo"))
    parser.add_argument("--new-tokens", type=int, default=8000, help="of the checkpoint that is made")
    parser.add_argument("--method", default="lora")
    parser.add_argument("--replay-shares", default="0.25,0.0", help="one run each")
    parser.add_argument("--max-steps", type=int, default=460)
    parser.add_argument("--sequence-length", type=int, default=512)
    parser.add_argument("--step-sequences", type=int, default=1)
    parser.add_argument("--lora-rank", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--rows-learning-rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.25)
    parser.add_argument("--rows-first", type=float, default=0.0, help="0 as in make demo-train")
    parser.add_argument("--evaluate-every", type=int, help="default: a tenth of the steps")
    parser.add_argument("--heldout-bytes", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    settings = {
        name: getattr(options, name)
        for name in (
            "method", "max_steps", "sequence_length", "step_sequences", "lora_rank", "learning_rate",
            "rows_learning_rate", "rows_first", "decay", "evaluate_every", "heldout_bytes", "seed",
        )
    }  # fmt: skip
    checkpoint = options.checkpoint or extended(options.scratch / "extended", options.new_tokens)
    result: dict[str, Any] = {"machine": machine(), "settings": settings, "runs": {}}
    for share in map(float, options.replay_shares.split(",")):
        out = options.scratch / f"replay-{share:g}"
        for left in (out, out.with_name(out.name + ".unfinished")):
            shutil.rmtree(left, ignore_errors=True)
        trained = train(TrainOptions(directory=checkpoint, out=out, replay_share=share, **settings))
        result["runs"][f"replay {share:g}"] = figures(trained)
        # A run takes long: what is known is written down before the next.
        options.results.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def extended(out: Path, new_tokens: int) -> Path:
    """The demonstration's checkpoint."""
    for left in (out, out.with_name(out.name + ".unfinished")):
        shutil.rmtree(left, ignore_errors=True)
    extend(ExtendOptions(base="smollm2", lang="zh-Hant", new_tokens=new_tokens, evaluate=False, out=out))
    return out


def figures(trained: TrainResult) -> dict[str, Any]:
    """A run in numbers: curves of held-out text, their relative change, speed, time."""
    record = trained.record
    assert record is not None
    measured = record.measured
    steps = [entry for entry in trained.metrics if "loss" in entry]
    found: dict[str, Any] = {
        "new tokens": record.rows - record.first_id,
        "device": record.run["versions"]["device"],
        "tokens": record.steps["tokens"],
        "tokens/s": statistics.median(entry["tokens_per_second"] for entry in steps),
        "seconds": record.run["seconds"],
        "seconds of steps": round(sum(entry["seconds"] for entry in steps), 1),
        "sequences": record.text["sequences"],
        "replay sequences": record.text["replay_sequences"],
        "bits per byte": {},
        "relative change": {},
    }
    for name, language in LANGUAGES.items():
        curve = [[entry["step"], round(entry[name], 4)] for entry in measured if name in entry]
        if curve:
            found["bits per byte"][language] = curve
            found["relative change"][language] = round(curve[-1][1] / curve[0][1] - 1, 4)
    return found


if __name__ == "__main__":
    main()
