"""A short continued pretraining that tells initializers apart: new rows and adapters, some 50 steps.

The loss before any training does not predict which initializer is best after training; some 50 steps of
training do (arXiv 2608.03494). The rates, the batch and the schedule here are inferred: they suit LoRA on a
small model, and are the same for everything that is compared.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from vocabx._util.extras import Packages, need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.errors import CorpusError
from vocabx.progress import Advance
from vocabx.training.methods import Method, target_names, with_adapters
from vocabx.training.packed import IGNORED
from vocabx.training.schedule import make_schedule

# What it needs beside what scoring needs.
PACKAGES: Packages = {"peft": "train"}
STEPS = 50
# Tokens of a sequence, with its first, and sequences of a step.
LENGTH, SEQUENCES = 256, 2
ADAPTERS = Method(name="lora", dtype="float32", rank=16, alpha=32.0)
_RATE, _ROWS_RATE = 1e-3, 3e-4
_WARMUP, _DECAY, _MAX_NORM = 0.1, 0.25, 1.0

# Sequences of token ids, all of one length.
Sequences = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Adapted:
    """A model with adapters, whose new rows train.

    Attributes:
        model: the PeftModel.
        rows: the float32 parameters of its new rows.
    """

    model: Any
    rows: Sequence[Any]


@contextmanager
def adapted(model: Any, first: int, seed: int) -> Iterator[Adapted]:
    """Give a causal model adapters and new rows inside the block; after it, the model is as it was.

    Nothing is written into the weights of `model`, so that restoring it is exact.

    Args:
        model: a transformers model that predicts the next token.
        first: the id of the first row that trains; the number of rows trains adapters alone.
        seed: seed of the initial values of the adapters, and of the model's own dropout.

    Raises:
        MissingPackageError: if torch, transformers or peft is not installed.
    """
    from vocabx.training.split_table import put_output, split_tables

    torch = need("torch", "train")
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    model.requires_grad_(False)
    targets = target_names(model, tables=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            rows = tuple(split_tables(model, first).parameters.values())
            wrapped = with_adapters(model, ADAPTERS, targets)
            try:
                yield Adapted(wrapped, rows)
            finally:
                wrapped.unload()
        finally:
            model.set_input_embeddings(embedding)
            put_output(model, output)


def train_steps(
    to_train: Adapted, sequences: Sequences, steps: int, advance: Advance = lambda done: None
) -> None:
    """Train adapters and new rows by AdamW for some steps of two sequences each.

    The rates rise over the first tenth and fall over the last quarter. Deterministic for given sequences and
    seed of `adapted`.

    Args:
        to_train: the model.
        sequences: see `probe_sequences`; read in order, and again if there are fewer than the steps need.
        steps: optimizer steps.
        advance: called with steps done.
    """
    from vocabx.training.model_loss import ModelLoss, find_abilities

    torch = need("torch", "train")
    model, rows = to_train.model, to_train.rows
    loss_of = ModelLoss(model, find_abilities(model))
    adapters = [one for name, one in model.named_parameters() if one.requires_grad and "lora_" in name]
    groups = [{"params": adapters, "lr": _RATE}, {"params": [*rows], "lr": _ROWS_RATE}]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=0.0)
    schedule = make_schedule(steps, 0.0, _WARMUP, _DECAY)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.of_others)
    positions = torch.arange(LENGTH, device=model.device).expand(SEQUENCES, -1)
    begin = begin_id(model.config)
    model.train()
    for step in range(steps):
        chosen = [sequences[(step * SEQUENCES + at) % len(sequences)] for at in range(SEQUENCES)]
        ids = torch.tensor([[begin, *sequence] for sequence in chosen], device=model.device)
        labels = torch.nn.functional.pad(ids[:, 1:], (0, 1), value=IGNORED)
        loss_of(ids, positions, labels)["loss"].backward()
        torch.nn.utils.clip_grad_norm_([*adapters, *rows], _MAX_NORM)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        advance(1)
    model.eval()


def probe_sequences(
    texts: Sequence[str],
    encode: Callable[[Sequence[str]], Sequence[Sequence[int]]],
    steps: int,
    seed: int,
) -> list[list[int]]:
    """The sequences of a probe: shuffled texts, joined and split; each leaves room for the bos token.

    The order of the texts depends on the seed alone, so that all tokenizers see the same text in the same
    order. No more texts are tokenized than the steps need.

    Args:
        texts: the texts.
        encode: gives the ids of each text.
        steps: steps of the probe.
        seed: seed of the order.

    Returns:
        At most two sequences per step, all of one length.

    Raises:
        CorpusError: if the text is too short for one step.
    """
    length, wanted = LENGTH - 1, steps * SEQUENCES
    joined: list[int] = []
    for index in np.random.RandomState(seed % 2**32).permutation(len(texts)):
        if len(joined) >= wanted * length:
            break
        joined += encode([texts[index]])[0]
    count = min(wanted, len(joined) // length)
    if count < SEQUENCES:
        raise CorpusError(
            f"the text is too short for one step of the probe, {SEQUENCES * LENGTH} tokens: pass more with "
            "--corpus, or pass --probe-steps 0"
        )
    return [joined[at * length : (at + 1) * length] for at in range(count)]
