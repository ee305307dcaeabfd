"""A real run on SmolLM2 with every initializer at one budget: does a better start stay ahead?

    python benchmarks/train_initializers.py [--steps 2000] [--init zip-tie,mean]

Extends SmolLM2 for zh-Hant by the same tokens with each initializer, trains each with the same text, order,
seed and settings, and tabulates held-out bits per byte of both languages before and after. Meant for a GPU,
where 2,000 steps are 262 million tokens. The packaged text has fewer, and comes round as often as it must:
pass `--corpus` and `--replay` for more. Fewer steps of shorter sequences run on a CPU:

    python benchmarks/train_initializers.py --steps 50 --sequence-length 128 --step-sequences 4
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from common import machine
from train_demo import LANGUAGES, figures

from vocabx.checkpoint.manifest import file_hash
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.run import extend
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train

RESULTS = Path(__file__).parent / "results" / "train-initializers.json"
INITIALIZERS = "zip-tie,wechsel,ofa,cw2v,focus,mean,multivariate,univariate,resize"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--init", default=INITIALIZERS, help="names, parted by commas")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--new-tokens", type=int, default=8000)
    parser.add_argument("--learn-bytes", type=int, default=8_000_000, help="that tokens are learned from")
    parser.add_argument("--corpus", nargs="*", default=(), help="default: the demonstration's text")
    parser.add_argument("--replay", nargs="*", default=(), help="default: the demonstration's text")
    parser.add_argument("--method", default="lora")
    parser.add_argument("--sequence-length", type=int, help="default: 2,048 on a GPU, 256 elsewhere")
    parser.add_argument("--step-sequences", type=int, help="default: 64 on a GPU, 4 elsewhere")
    parser.add_argument("--epochs", type=int, default=1, help="least rounds over the text")
    parser.add_argument("--lora-rank", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--rows-learning-rate", type=float, default=1e-3)
    parser.add_argument("--heldout-bytes", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, default=Path("runs/train-initializers"))
    options = parser.parse_args()
    settings = {
        name: getattr(options, name)
        for name in (
            "method", "sequence_length", "step_sequences", "epochs", "lora_rank", "learning_rate",
            "rows_learning_rate", "heldout_bytes", "seed",
        )
    }  # fmt: skip
    texts = {"corpus": tuple(options.corpus), "replay": tuple(options.replay)}
    settings |= {"max_steps": options.steps}
    result: dict[str, Any] = {"machine": machine(), "settings": {**settings, **texts}, "initializers": {}}
    for name in options.init.split(","):
        extension, out = options.scratch / f"{name}-extended", options.scratch / f"{name}-trained"
        for directory in (extension, out):
            for left in (directory, directory.with_name(directory.name + ".unfinished")):
                shutil.rmtree(left, ignore_errors=True)
        extend(
            ExtendOptions(
                base="smollm2",
                lang="zh-Hant",
                init=name,
                new_tokens=options.new_tokens,
                learn_bytes=options.learn_bytes,
                corpus=texts["corpus"],
                evaluate=False,
                out=extension,
            )
        )
        require_same_tokens(result, extension)
        trained = train(TrainOptions(directory=extension, out=out, **settings, **texts))
        result["initializers"][name] = figures(trained)
        # A run takes long: what is known is written down before the next.
        RESULTS.write_text(json.dumps(result, indent=2) + "\n")
        shutil.rmtree(extension)
    print(table(result["initializers"]))


def require_same_tokens(result: dict[str, Any], extension: Path) -> None:
    """Stop where an initializer would be trained with other tokens than the first was."""
    found = file_hash(extension / "tokenizer.json")
    if result.setdefault("tokenizer", found) != found:
        raise SystemExit(f"{extension} has other tokens than the first: the runs would not compare")


def table(found: dict[str, Any]) -> str:
    """Bits per byte before and after, a line an initializer, the best of the new language first."""
    names = list(LANGUAGES.values())
    heads = [f"{name} {when}" for name in names for when in ("before", "after", "change")]
    lines = ["| initializer | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    rows = sorted(found.items(), key=lambda item: item[1]["bits per byte"][names[0]][-1][1])
    for name, run in rows:
        cells = []
        for language in names:
            curve = run["bits per byte"].get(language)
            if curve is None:
                cells += ["-"] * 3
                continue
            change = run["relative change"][language]
            cells += [f"{curve[0][1]:.3f}", f"{curve[-1][1]:.3f}", f"{change:+.1%}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
