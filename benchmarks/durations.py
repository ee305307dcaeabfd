"""What `compare`, `train` and `evaluate` say beforehand that they take, beside what they took.

    taskset -c 0 env OMP_NUM_THREADS=1 python benchmarks/durations.py [--base smollm2]

Extends the base, and a tiny random model with its tokenizer, by a few tokens, and runs each command on both
with small settings, each in a process of its own. Time is counted from the sentence that says how long it
takes to the end of the command: by the clock, and of the processor, which is the same on one core without
other work. `compare` says nothing of what the initializers themselves take, so its time is counted from the
end of the last of them.
"""

import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bases import base_directory
from common import Result, finish, machine, new_parser, run_script, run_worker

from vocabx.progress import Advance, Quiet

COMMANDS = ("compare", "train", "evaluate")
_SAID = re.compile(r"takes? about ([\d.]+) (second|minute|hour)")
_UNITS = {"second": 1, "minute": 60, "hour": 3600}


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(
        __doc__, base="smollm2", new_tokens=200, heldout_bytes=6000, steps=4, corpus="", base_text=""
    )
    options = parser.parse_args(arguments)
    texts = {
        "corpus": [options.corpus] if options.corpus else [],
        "base_text": [options.base_text] if options.base_text else [],
    }
    sizes = {
        "new_tokens": options.new_tokens,
        "heldout_bytes": options.heldout_bytes,
        "steps": options.steps,
    }
    found: Result = {"machine": machine(), **sizes}
    with tempfile.TemporaryDirectory() as place:
        directory = base_directory(options.base)
        for name, base in (("base", directory), ("tiny", _tiny(directory, Path(place) / "tiny"))):
            out = Path(place) / f"{name}-extended"
            common = {"base": str(base), "extended": str(out), **sizes, **texts}
            run_worker(__file__, {"command": "extend", **common})
            for command in COMMANDS:
                said = run_worker(__file__, {"command": command, **common})
                ratio = said["processor"] / max(said["said"], 1e-9)
                found[f"{command} {name}"] = {**said, "processor over said": round(ratio, 2)}
                print(command, name, found[f"{command} {name}"], file=sys.stderr, flush=True)
    return finish(options.out, "durations", found)


def worker(
    command: str,
    base: str,
    extended: str,
    new_tokens: int,
    heldout_bytes: int,
    steps: int,
    corpus: Sequence[str],
    base_text: Sequence[str],
) -> Result:
    """Run one command; the seconds that it said it would take, and those that it took from then on."""
    import vocabx

    watch = _Watch()
    text: Any = {
        "corpus": tuple(corpus), "base_text": tuple(base_text), "heldout_bytes": heldout_bytes,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out"
        tokens: Any = {"base": base, "lang": "zh-Hant", "new_tokens": new_tokens}
        if command == "extend":
            vocabx.extend(
                vocabx.ExtendOptions(
                    **tokens, **text, out=Path(extended), evaluate=False, learn_bytes=400_000, adversarial=50
                )
            )
        elif command == "compare":
            few: Any = {"init": "mean,zip-tie", "learn_bytes": 400_000, "probe_steps": steps}
            vocabx.compare(vocabx.CompareOptions(**tokens, **text, **few, out=out), watch)
        elif command == "evaluate":
            short: Any = {"samples": 1, "generate_tokens": 16}
            vocabx.evaluate(
                vocabx.EvaluateOptions(directories=(Path(extended),), base=base, **text, **short), watch
            )
        else:
            run: Any = {"method": "lora", "sequence_length": 256, "step_sequences": 2, "max_steps": steps}
            replay = text.pop("base_text")
            vocabx.train(
                vocabx.TrainOptions(directory=Path(extended), out=out, replay=replay, **text, **run), watch
            )
    return watch.result()


class _Watch(Quiet):
    """Notes what a command says, and when."""

    def __init__(self) -> None:
        self.said, self.begun = 0.0, _clocks()
        self._beside = False

    def note(self, text: str) -> None:
        found = _SAID.search(text)
        if found and not self.said:
            self.said = float(found[1]) * _UNITS[found[2]]
            self.begun = _clocks()
            self._beside = "initializers" in text

    @contextmanager
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        yield lambda amount: None
        # What is counted apart ends where scoring begins.
        if self._beside and not title.startswith(("Scoring", "Training")):
            self.begun = _clocks()

    def result(self) -> Result:
        took, processor = (now - begun for now, begun in zip(_clocks(), self.begun, strict=True))
        return {"said": self.said, "took": round(took, 1), "processor": round(processor, 1)}


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _tiny(base: Path, target: Path) -> Path:
    """A random model of two narrow layers with the tokenizer of `base`."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    rows = json.loads((base / "config.json").read_text("utf-8"))["vocab_size"]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=rows, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=2048, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(target)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(base / name, target / name)
    return target


if __name__ == "__main__":
    run_script(main, worker)
