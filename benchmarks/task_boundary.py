"""What becomes of lines that are split into a context and a continuation, as tasks split them.

    python benchmarks/task_boundary.py DIR [--base smollm2] [--lines 40] [--corpus heldout.txt]

DIR is an extension of the base. Each held-out line is split in its middle. Counted are lines with a token
over that place, and lines of which lm-eval (0.4.13) would feed another text: it tokenizes both parts
together, and takes what follows as many tokens as the context alone has for the continuation. Then the
continuation is scored in three ways, and told from those of three other lines, by its likelihood over its
bytes as by acc_norm:

- cut: as lm-eval does; a continuation of which no token is left scores 0
- parts: both parts tokenized alone
- text: as `vocabx evaluate --tasks` does, see vocabx/evaluation/boundary.py
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bases import base_directory
from common import Result, finish, machine, new_parser, run_script, write_result
from numpy.typing import NDArray
from texts import add_text_options, sample_text

from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.special_ids import begin_id
from vocabx.evaluation.boundary import Vocabulary, continuation_scores, split_group
from vocabx.evaluation.load_model import load_model
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

# Characters of a line that is used, and the choices for each.
_SHORT, _LONG, _CHOICES = 24, 80, 4
NAME = "task-boundary"


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="smollm2", lines=40, heldout_bytes=400_000)
    parser.add_argument("directory", type=Path)
    add_text_options(parser, "corpus")
    options = parser.parse_args(arguments)
    corpus = sample_text("zh-Hant", options.corpus, 1000, options.heldout_bytes)
    lines = list(dict.fromkeys(line for text in corpus.heldout for line in text.split("\n")))
    halves = [
        (line[: len(line) // 2], line[len(line) // 2 :]) for line in lines if _SHORT <= len(line) <= _LONG
    ]
    scored = halves[:: max(1, len(halves) // options.lines)][: options.lines]
    directories = {"base": base_directory(options.base), "extended": options.directory}
    tokenizers = {name: read_tokenizer(directory) for name, directory in directories.items()}
    shares = {name: altered(tokenizer, halves) for name, tokenizer in tokenizers.items()}
    scorers = {name: Scorer(directories[name], tokenizer) for name, tokenizer in tokenizers.items()}
    result: Result = {}
    for number, (context, own) in enumerate(scored):
        others = [scored[(number + step) % len(scored)][1] for step in _steps(len(scored))]
        for scorer in scorers.values():
            scorer.add(context, [own, *others])
        result = {"machine": machine(), "lines": len(halves), "scored": number + 1, "choices": _CHOICES}
        result |= {name: {**shares[name], **scorer.figures()} for name, scorer in scorers.items()}
        # One that is stopped keeps what it has measured.
        write_result(options.out, NAME, result)
    return finish(options.out, NAME, result)


def _steps(lines: int) -> list[int]:
    """How far away the lines are whose halves are the other choices."""
    return [1 + number * max(1, lines // 5) for number in range(_CHOICES - 1)]


def altered(tokenizer: FastTokenizer, halves: Sequence[tuple[str, str]]) -> dict[str, float]:
    """The shares of lines with a token over their middle, fed as another text, and with nothing to score."""
    contexts = tokenizer.encode([first for first, _ in halves])
    joint = tokenizer.encode([first + second for first, second in halves])
    straddled = changed = empty = 0
    for (first, second), own, both in zip(halves, contexts, joint, strict=True):
        straddled += both[: len(own)] != own
        changed += tokenizer.decode([*own, *both[len(own) :]]) != first + second
        empty += len(both) <= len(own)
    names = ("straddled", "fed as another text", "nothing left to score")
    counts = (straddled, changed, empty)
    return {name: round(count / len(halves), 4) for name, count in zip(names, counts, strict=True)}


class Scorer:
    """Scores continuations with one model: bits per byte, and the share told from others, each way."""

    def __init__(self, directory: Path, tokenizer: FastTokenizer) -> None:
        with quiet_transformers("evaluate"):
            self.model = load_model(directory).eval()
        self.tokenizer, self.begin = tokenizer, begin_id(self.model.config)
        self.vocabulary = Vocabulary(tokenizer.token_bytes)
        self.lines = self.bytes = 0
        self.nats, self.right = dict.fromkeys(_WAYS, 0.0), dict.fromkeys(_WAYS, 0)
        self._asked: dict[tuple[int, ...], NDArray[np.floating]] = {}

    def add(self, context: str, choices: Sequence[str]) -> None:
        """Score the choices after a context; the first is the right one."""
        # Where nothing straddles, all ways ask the same.
        self._asked.clear()
        sizes = np.array([len(choice.encode()) for choice in choices])
        for way, score in _WAYS.items():
            found = np.array(score(self, context, choices))
            self.nats[way] -= found[0]
            self.right[way] += int((found / sizes).argmax() == 0)
        self.lines += 1
        self.bytes += int(sizes[0])

    def figures(self) -> dict[str, Any]:
        """What was found so far."""
        return {
            "bits per byte": {way: round(n / math.log(2) / self.bytes, 4) for way, n in self.nats.items()},
            "told from others": {way: round(count / self.lines, 4) for way, count in self.right.items()},
        }

    def ask(self, before: Sequence[int], tokens: Sequence[int]) -> NDArray[np.floating]:
        """The log p of every id in place of each of `tokens`: (tokens, ids)."""
        import torch

        ids = (*before, *tokens)
        if ids not in self._asked:
            with torch.inference_mode():
                logits = self.model(torch.tensor([ids[:-1]], device=self.model.device)).logits[0].float()
                self._asked[ids] = torch.log_softmax(logits, dim=-1).cpu().numpy()
        return self._asked[ids][-len(tokens) :]

    def sum(self, before: Sequence[int], tokens: Sequence[int]) -> float:
        """The log p of `tokens`, 0 for none."""
        if not tokens:
            return 0.0
        return float(self.ask(before, tokens)[np.arange(len(tokens)), list(tokens)].sum(dtype=np.float64))


def _cut(scorer: Scorer, context: str, choices: Sequence[str]) -> list[float]:
    own, *joint = scorer.tokenizer.encode([context, *(context + choice for choice in choices)])
    return [scorer.sum([scorer.begin, *own], both[len(own) :]) for both in joint]


def _parts(scorer: Scorer, context: str, choices: Sequence[str]) -> list[float]:
    own, *parts = scorer.tokenizer.encode([context, *choices])
    return [scorer.sum([scorer.begin, *own], tokens) for tokens in parts]


def _text(scorer: Scorer, context: str, choices: Sequence[str]) -> list[float]:
    own, *joint = scorer.tokenizer.encode([context, *(context + choice for choice in choices)])
    split = split_group([scorer.begin, *own], [[scorer.begin, *both] for both in joint])
    return [score for score, _ in continuation_scores(split, scorer.vocabulary, scorer.ask)]


_WAYS: dict[str, Callable[[Scorer, str, Sequence[str]], list[float]]] = {
    "cut": _cut, "parts": _parts, "text": _text
}  # fmt: skip


if __name__ == "__main__":
    run_script(main)
