"""A real run on SmolLM2 with every initializer at one budget: does a better start stay ahead?

    python benchmarks/train_initializers.py [--max-steps 2000] [--init zip-tie mean]

Extends SmolLM2 for zh-Hant by the same tokens with each initializer, trains each with the same text, order,
seed and settings, and tabulates held-out bits per byte of both languages before and after. Meant for a GPU,
where 2,000 steps are 262 million tokens. The packaged text has fewer, and comes round as often as it must:
pass `--corpus` and `--replay` for more. Fewer steps of shorter sequences run on a CPU:

    python benchmarks/train_initializers.py --max-steps 50 --sequence-length 128 --step-sequences 4
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common import Result, machine, new_parser, run_script, write_result
from measure_extension import add_adversarial_option
from training_runs import LANGUAGES, add_training_options, clear, settings_of, trained_figures

from vocabx.checkpoint.manifest import file_hash
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.run import extend

NAME = "train-initializers"
INITIALIZERS = (
    "zip-tie", "wechsel", "ofa", "cw2v", "focus", "mean", "multivariate", "univariate", "resize",
)  # fmt: skip
SETTINGS = {
    "max_steps": 2000, "sequence_length": None, "step_sequences": None, "epochs": 1, "lora_rank": 64,
    "learning_rate": 2e-4, "rows_learning_rate": 1e-3, "heldout_bytes": 20_000, "seed": 0,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="smollm2", new_tokens=8000, learn_bytes=8_000_000)
    parser.add_argument("--init", nargs="+", choices=INITIALIZERS, default=INITIALIZERS, metavar="NAME")
    parser.add_argument("--scratch", type=Path, default=Path("runs/train-initializers"))
    add_adversarial_option(parser)
    add_training_options(parser, **SETTINGS)
    options = parser.parse_args(arguments)
    settings = settings_of(options, tuple(SETTINGS))
    result: Result = {"machine": machine(), "settings": settings, "initializers": {}}
    for name in options.init:
        extension = options.scratch / f"{name}-extended"
        clear(extension)
        extend(
            ExtendOptions(
                base=options.base,
                lang="zh-Hant",
                init=name,
                new_tokens=options.new_tokens,
                learn_bytes=options.learn_bytes,
                adversarial=options.adversarial,
                corpus=settings["corpus"],
                evaluate=False,
                out=extension,
            )
        )
        require_same_tokens(result, extension)
        out = options.scratch / f"{name}-trained"
        result["initializers"][name] = trained_figures(extension, out, settings)
        # A run takes long: what is known is written down before the next.
        write_result(options.out, NAME, result)
        shutil.rmtree(extension)
    print(table(result["initializers"]))
    return result


def require_same_tokens(result: Result, extension: Path) -> None:
    """Stop where an initializer would be trained with other tokens than the first was."""
    found = file_hash(extension / "tokenizer.json")
    if result.setdefault("tokenizer", found) != found:
        raise SystemExit(f"{extension} has other tokens than the first: the runs would not compare")


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
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
    run_script(main)
