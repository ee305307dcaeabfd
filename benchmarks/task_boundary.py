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
from common import Result, finish, machine, new_parser, run_script
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
Ask = Callable[[Sequence[int], Sequence[int]], NDArray[np.floating]]


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
    result: Result = {"machine": machine(), "lines": len(halves), "scored": len(scored), "choices": _CHOICES}
    for name, directory in (("base", base_directory(options.base)), ("extended", options.directory)):
        tokenizer = read_tokenizer(directory)
        result[name] = {**altered(tokenizer, halves), **scores(directory, tokenizer, scored)}
    return finish(options.out, "task-boundary", result)


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


def scores(directory: Path, tokenizer: FastTokenizer, halves: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Bits per byte of the continuations and the share that is told from others, each way."""
    with quiet_transformers("evaluate"):
        model = load_model(directory)
    model.eval()
    begin, vocabulary = begin_id(model.config), Vocabulary(tokenizer.token_bytes)

    # Where nothing straddles, all ways ask the same.
    asked: dict[tuple[int, ...], NDArray[np.floating]] = {}

    def ask(before: Sequence[int], tokens: Sequence[int]) -> NDArray[np.floating]:
        import torch

        ids = (*before, *tokens)
        if ids not in asked:
            with torch.inference_mode():
                logits = model(torch.tensor([ids[:-1]], device=model.device)).logits[0].float()
                asked[ids] = torch.log_softmax(logits, dim=-1).cpu().numpy()
        return asked[ids][-len(tokens) :]

    nats = dict.fromkeys(_WAYS, 0.0)
    right = dict.fromkeys(_WAYS, 0)
    for number, (context, own) in enumerate(halves):
        others = [
            halves[(number + 1 + n * (1 + len(halves) // 5)) % len(halves)][1] for n in range(_CHOICES - 1)
        ]
        choices = [own, *others]
        asked.clear()
        sizes = np.array([len(choice.encode()) for choice in choices])
        for way, score in _WAYS.items():
            found = np.array(score(ask, tokenizer, vocabulary, begin, context, choices))
            nats[way] -= found[0]
            right[way] += int((found / sizes).argmax() == 0)
    size = sum(len(own.encode()) for _, own in halves)
    return {
        "bits per byte": {way: round(total / math.log(2) / size, 4) for way, total in nats.items()},
        "told from others": {way: round(count / len(halves), 4) for way, count in right.items()},
    }


def _sum(ask: Ask, before: Sequence[int], tokens: Sequence[int]) -> float:
    if not tokens:
        return 0.0
    return float(ask(before, tokens)[np.arange(len(tokens)), list(tokens)].sum(dtype=np.float64))


def _cut(
    ask: Ask,
    tokenizer: FastTokenizer,
    vocabulary: Vocabulary,
    begin: int,
    context: str,
    choices: Sequence[str],
) -> list[float]:
    (own,) = tokenizer.encode([context])
    joint = tokenizer.encode([context + choice for choice in choices])
    return [_sum(ask, [begin, *own], both[len(own) :]) for both in joint]


def _parts(
    ask: Ask,
    tokenizer: FastTokenizer,
    vocabulary: Vocabulary,
    begin: int,
    context: str,
    choices: Sequence[str],
) -> list[float]:
    (own,) = tokenizer.encode([context])
    return [_sum(ask, [begin, *own], tokens) for tokens in tokenizer.encode(choices)]


def _text(
    ask: Ask,
    tokenizer: FastTokenizer,
    vocabulary: Vocabulary,
    begin: int,
    context: str,
    choices: Sequence[str],
) -> list[float]:
    own, *joint = tokenizer.encode([context, *(context + choice for choice in choices)])
    split = split_group([begin, *own], [[begin, *both] for both in joint])
    return [score for score, _ in continuation_scores(split, vocabulary, ask)]


_WAYS = {"cut": _cut, "parts": _parts, "text": _text}


if __name__ == "__main__":
    run_script(main)
