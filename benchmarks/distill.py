"""Fitting the input rows of `distill` beside a plain implementation, same text, same first rows, in one run.

    python benchmarks/distill.py [--base smollm2] [--lang zh-Hant] [--windows 24] [--passes 2] [--threads 1]

The plain one does what the method's description says: it reads each sequence to the last layer, in the base's
tokens and in new ones, each time, and the whole embedding matrix is a parameter, of which old rows are put
back after each step. Ours stops both passes at the layer compared, computes the teacher once, and trains the
rows of new tokens alone. Checked on the way: both give the same loss on the first rows.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from common import Result, finish, machine, new_parser, run_script, timed

from vocabx.commands.extend.learn import embedding_initializer, learn
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.plan import make_plan
from vocabx.evaluation.load_model import load_model
from vocabx.initializers.composition import Composition
from vocabx.initializers.first_layers import layers_of, mean_square
from vocabx.initializers.fit_inputs import fit_inputs, student_loss, teach
from vocabx.initializers.tokenized_text import tokenize_lines
from vocabx.initializers.windows import Window, windows_of
from vocabx.progress import Quiet

RATE = 3e-3


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(
        __doc__, base="smollm2", lang="zh-Hant", new_tokens=8000, windows=24, passes=2, threads=1
    )
    parser.add_argument("--corpus", default="", help="text to learn from; default: the language's own")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with TemporaryDirectory() as directory:
        request = ExtendOptions(
            base=options.base, lang=options.lang, out=Path(directory) / "out",
            corpus=(options.corpus,) if options.corpus else (), init="distill", untie=True,
            new_tokens=options.new_tokens, evaluate=False,
        )  # fmt: skip
        plan = make_plan(request, Quiet())
        learned = learn(plan, Quiet())
    tokens = embedding_initializer(plan, learned, Quiet()).tokens
    pieces, old = tuple(tokens.pieces), tokens.base.size
    model = load_model(plan.base.directory)
    model.requires_grad_(False)
    text = tokenize_lines(tokens.tokenizer, tokens.ids, old, learned.target.learning[:4000])
    windows = windows_of(text, pieces, old, 0, None, 10**9)[: options.windows]
    layer = max(1, round(len(layers_of(model)) / 3))
    table = model.get_input_embeddings().weight.detach()
    start = table[[one[-1] for one in pieces]].float()
    composition = Composition(pieces, table[:old], start, rank=None, both_ends=False, seed=0)
    taught = teach(model, windows[0], layer, old)
    ours = student_loss(model, composition, taught, layer, old).item()
    plain = Plain(model, start, old, layer)
    theirs = plain.loss(windows[0]).item()
    fit = partial(fit_inputs, model, composition, windows, layer=layer, first_new=old, passes=options.passes)
    steps, seconds = timed(lambda: fit(seed=0))
    _, plain_seconds = timed(lambda: plain.fit(windows, options.passes))
    result = {
        "machine": machine(),
        "base": options.base,
        "new_tokens": len(pieces),
        "windows": len(windows),
        "ids_of_a_window": round(float(np.mean([len(one.ids) for one in windows])), 1),
        "passes": options.passes,
        "loss_at_the_start": {"vocabx": ours, "plain": theirs},
        "snippets_a_second": {
            "vocabx": round(steps / seconds, 3),
            "plain": round(steps / plain_seconds, 3),
        },
        "vocabx over plain": round(plain_seconds / seconds, 2),
    }
    return finish(options.out, "distill", result)


class Plain:
    """Token Distillation without anything that saves work."""

    def __init__(self, model: Any, start: torch.Tensor, old: int, layer: int) -> None:
        self.model, self.old, self.layer = model, old, layer
        known = model.get_input_embeddings().weight.detach()[:old].float()
        self.table = torch.nn.Parameter(torch.cat([known, start]))
        self.known = known

    def loss(self, window: Window) -> torch.Tensor:
        """The same loss as ours, from hidden states of all layers and the logits of all positions."""
        ids, base = torch.from_numpy(window.ids), torch.from_numpy(window.old)
        with torch.no_grad():
            teacher = self.model(input_ids=base[None], output_hidden_states=True)
        dtype = self.model.dtype
        embedded = torch.nn.functional.embedding(ids, self.table).to(dtype)[None]
        student = self.model(inputs_embeds=embedded, output_hidden_states=True)
        first = int((ids >= self.old).nonzero()[0, 0])
        target = teacher.hidden_states[self.layer][0, torch.from_numpy(window.last[first:])]
        return mean_square(student.hidden_states[self.layer][0, first:], target)

    def fit(self, windows: Sequence[Window], passes: int) -> None:
        """Adam over the whole matrix; old rows are put back after each step."""
        optimizer = torch.optim.Adam([self.table], lr=RATE)
        for _ in range(passes):
            for window in windows:
                torch.autograd.backward(self.loss(window))
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                with torch.no_grad():
                    self.table[: self.old] = self.known


if __name__ == "__main__":
    run_script(main)
