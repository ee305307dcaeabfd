"""A short continued pretraining that tells initializers apart: new rows and adapters, some 50 steps.

The loss before any training does not predict which initializer is best after training; some 50 steps of
training do (arXiv 2608.03494). The rates, the batch and the schedule here are inferred: they suit LoRA on a
small model, and are the same for everything that is compared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from vocabx._util.extras import Packages, need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.errors import CorpusError
from vocabx.progress import Advance
from vocabx.training.hiding import Hidden
from vocabx.training.methods import Method, target_names, with_adapters
from vocabx.training.packed import IGNORED, packed_row
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
        first: the id of the first of them.
    """

    model: Any
    rows: Sequence[Any]
    first: int


@contextmanager
def adapted(model: Any, first: int, seed: int) -> Iterator[Adapted]:
    """Give a model adapters and new rows inside the block; after it, the model is as it was.

    Nothing is written into the weights of `model`, so that restoring it is exact.

    Args:
        model: a transformers model with its lm_head.
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
                yield Adapted(wrapped, rows, first)
            finally:
                wrapped.unload()
        finally:
            model.set_input_embeddings(embedding)
            put_output(model, output)


def train_steps(
    to_train: Adapted,
    sequences: Sequences,
    steps: int,
    advance: Advance = lambda done: None,
    hidden: Hidden | None = None,
) -> None:
    """Train adapters and new rows by AdamW for some steps of two sequences each.

    The rates rise over the first tenth and fall over the last quarter. A new row stays as it was initialized
    until its token has occurred, as in training (`rows_adamw`). Deterministic for given sequences and seed of
    `adapted`.

    Args:
        to_train: the model.
        sequences: see `probe_sequences`; read in order, and again if there are fewer than the steps need.
        steps: optimizer steps.
        advance: called with steps done.
        hidden: what is hidden from the model; None to predict each next token.
    """
    torch = need("torch", "train")
    from vocabx._util.model_attention import causal_attention_in
    from vocabx.training.rows_adamw import RowsAdamW, Seen

    model, rows = to_train.model, to_train.rows
    batch_of, loss_of = _batches(model, hidden), _loss(model, hidden)
    seen = Seen(to_train.first, len(rows[0])) if rows else None
    adapters = [one for name, one in model.named_parameters() if one.requires_grad and "lora_" in name]
    groups = [{"params": adapters, "lr": _RATE}, {"params": [*rows], "lr": _ROWS_RATE}]
    kept = [{**group, "weight_decay": 0.0} for group in groups if group["params"]]
    optimizer = RowsAdamW(kept, rows=rows, seen=seen)
    schedule = make_schedule(steps, 0.0, _WARMUP, _DECAY)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.of_others)
    model.train()
    with causal_attention_in(model.get_base_model()):
        for step in range(steps):
            chosen = [sequences[(step * SEQUENCES + at) % len(sequences)] for at in range(SEQUENCES)]
            batch = batch_of(chosen, step * SEQUENCES)
            if seen is not None:
                seen.see(batch)
            loss_of(batch).backward()
            torch.nn.utils.clip_grad_norm_([*adapters, *rows], _MAX_NORM)
            optimizer.step()
            rates.step()
            optimizer.zero_grad()
            advance(1)
    model.eval()


def _loss(model: Any, hidden: Hidden | None) -> Callable[[Mapping[str, Any]], Any]:
    """The loss of a batch of `_batches`."""
    from vocabx.training import masked_loss, model_loss

    loss = (
        model_loss.ModelLoss(model, model_loss.find_abilities(model))
        if hidden is None
        else masked_loss.MaskedLoss(model, masked_loss.find_abilities(model))
    )
    return lambda batch: loss(**batch)["loss"]


def _batches(model: Any, hidden: Hidden | None) -> Callable[[Sequences, int], dict[str, Any]]:
    """Makes batches of sequences, the first of which is at a position of the run."""
    torch = need("torch", "train")
    if hidden is not None:
        return lambda chosen, position: {
            name: part.to(model.device) for name, part in _hide(hidden, chosen, position).items()
        }
    positions = torch.arange(LENGTH, device=model.device).expand(SEQUENCES, -1)
    begin = begin_id(model.config)

    def read_on(chosen: Sequences, position: int) -> dict[str, Any]:
        ids = torch.tensor([[begin, *sequence] for sequence in chosen], device=model.device)
        labels = torch.nn.functional.pad(ids[:, 1:], (0, 1), value=IGNORED)
        return {"input_ids": ids, "position_ids": positions, "labels": labels}

    return read_on


def _hide(hidden: Hidden, chosen: Sequences, position: int) -> dict[str, Any]:
    """Sequences with marks as one batch; the first is at a position of the run."""
    from vocabx.training.batches import collate

    before = [] if hidden.ends.begin is None else [hidden.ends.begin]
    rows = [[*before, *sequence, hidden.ends.end] for sequence in chosen]
    stored = [packed_row([row], len(row), hidden.ends.end) for row in rows]
    return collate([hidden.hiding.item(row, position + at) for at, row in enumerate(stored)])


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
