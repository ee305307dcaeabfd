"""Training of the new rows alone: all other weights and all old rows stay unchanged.

A short run that shows how good an initializer is once training begins, without adapters, schedule or resume.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx.errors import CorpusError
from vocabx.progress import Advance

# Found suitable for new rows in a trial on SmolLM2; rows have no weight decay.
RATE = 2e-3
_SEQUENCE = 256
_SEQUENCES = 2
_WARM_UP = 10


def train_rows(
    model: Any,
    rows: range,
    sequences: Sequence[Sequence[int]],
    tokens: int,
    pauses: Sequence[int],
    pause: Callable[[int], None],
    advance: Advance = lambda done: None,
) -> None:
    """Train the embeddings of some ids of a causal model, in place.

    AdamW on float32 copies of the rows, constant rate after a short warmup. Deterministic for given sequences
    and order.

    Args:
        model: a transformers causal language model that has `rows`.
        rows: the ids to train.
        sequences: training sequences in order, see `split_sequences`.
        tokens: number of tokens to train on, in whole batches.
        pauses: numbers of tokens after which to pause, ascending; 0 is before the first step.
        pause: called with each of these numbers, when the trained rows are in the model.
        advance: called with tokens done.

    Raises:
        CorpusError: if there are no sequences.
    """
    torch = need("torch", "evaluate")
    if not sequences:
        raise CorpusError("the text is too short to train on: pass more with --corpus")
    part = slice(rows.start, rows.stop)
    tables = _tables(model)
    model.requires_grad_(False)
    for table in tables:
        table.requires_grad_(True)
    copies = [table.detach()[part].float().clone().requires_grad_(True) for table in tables]
    optimizer = torch.optim.AdamW(copies, lr=RATE, weight_decay=0.0)
    waiting, done = list(pauses), 0
    for step, batch in enumerate(_batches(sequences, tokens)):
        while waiting and waiting[0] <= done:
            pause(waiting.pop(0))
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / _WARM_UP)
        ids = torch.tensor(batch)
        model(ids, labels=ids).loss.backward()
        with torch.no_grad():
            for table, copy in zip(tables, copies, strict=True):
                copy.grad = table.grad[part].float()
                table.grad = None
            optimizer.step()
            for table, copy in zip(tables, copies, strict=True):
                table[part] = copy.to(table.dtype)
        done += ids.numel()
        advance(ids.numel())
    for left in waiting:
        pause(left)
    model.requires_grad_(False)


def split_sequences(texts: Sequence[Sequence[int]], begin: int, seed: int) -> list[list[int]]:
    """Shuffle texts, join them, and split them into sequences of one length, each after the bos token.

    Args:
        texts: ids of each text.
        begin: the id that begins a text.
        seed: seed of the order.
    """
    order = np.random.RandomState(seed).permutation(len(texts))
    joined = [token for index in order for token in texts[index]]
    length = _SEQUENCE - 1
    return [[begin, *joined[start : start + length]] for start in range(0, len(joined) - length + 1, length)]


def _batches(sequences: Sequence[Sequence[int]], tokens: int) -> Iterator[list[Sequence[int]]]:
    """Batches in order until `tokens` are reached, starting over if the text is shorter."""
    size = min(_SEQUENCES, len(sequences))
    done = start = 0
    while done < tokens:
        if start + size > len(sequences):
            start = 0
        batch = list(sequences[start : start + size])
        yield batch
        done += sum(map(len, batch))
        start += size


def _tables(model: Any) -> list[Any]:
    """The input embeddings and, if untied, the lm_head."""
    tables = [model.get_input_embeddings().weight]
    output = model.get_output_embeddings()
    if output is not None and output.weight is not tables[0]:
        tables.append(output.weight)
    return tables
