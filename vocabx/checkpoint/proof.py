"""Claims about a checkpoint with other embedding matrices, proven from its files: rows, tensors, tokens.

Nothing is assumed about how it was written. Tensors are read in pieces.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import installed
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import same_tensor
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Advance
from vocabx.tokenizer.agreement import TransformersReader
from vocabx.tokenizer.certificate import Claim, Tally, claim
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

_ROWS = 1024
_BATCH = 512


def prove_tables(
    base: Checkpoint, directory: Path, initialization: Initialization, tokenizer: FastTokenizer
) -> tuple[Claim, ...]:
    """Check the weights in `directory` against those of `base`.

    Args:
        base: the checkpoint whose embedding matrices were replaced.
        directory: the result.
        initialization: how the new rows were computed.
        tokenizer: the tokenizer of the new rows.
    """
    written = read_checkpoint(directory, like=base.architecture)
    heights = ((table.name, table.rows >= tokenizer.size) for table in written.tables)
    return (
        claim("rows", "Every token has a row in each embedding matrix.", heights),
        claim(
            "copied-rows",
            "Rows copied from the base are identical bit for bit.",
            _copied(base, written, initialization),
        ),
        claim(
            "other-tensors", "All other tensors are those of the base, bit for bit.", _others(base, written)
        ),
    )


def prove_untied(base: Checkpoint, directory: Path) -> tuple[Claim, ...]:
    """Check the weights of an untied checkpoint in `directory` against those of its tied base.

    Args:
        base: the checkpoint that was untied and extended.
        directory: the result.
    """
    written = read_checkpoint(directory, like=base.architecture)
    return (
        claim(
            "untied-rows",
            "Old rows of the input embeddings and of the lm_head are those of the base's one matrix, bit for "
            "bit.",
            _untied(base, written),
        ),
        claim(
            "other-tensors", "All other tensors are those of the base, bit for bit.", _others(base, written)
        ),
    )


def prove_tokenizer(
    given: FastTokenizer, new: FastTokenizer, directory: Path, texts: Sequence[str], advance: Advance
) -> tuple[Claim, ...]:
    """Check that the tokenizer in `directory` tokenizes `texts` like the one that was given.

    Args:
        given: the tokenizer in the user's file.
        new: the same, with the pad token at the id that the model needs.
        directory: the result.
        texts: the texts to tokenize.
        advance: called with texts done.
    """
    tokens = Tally("tokens", "Every text is tokenized as by the given tokenizer.")
    written = read_tokenizer(directory)
    reader = TransformersReader(directory, written) if installed("transformers") else None
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        before, after = (one.rust.encode_batch(batch) for one in (given, written))
        for text, old, now in zip(batch, before, after, strict=True):
            tokens.add(text, old.tokens == now.tokens)
        if reader is not None:
            reader.add(batch, (), new.encode(batch))
        advance(len(batch))
    return (tokens.claim(), *(reader.claims() if reader is not None else ()))


def _copied(
    base: Checkpoint, written: Checkpoint, initialization: Initialization
) -> Iterator[tuple[str, bool]]:
    for before, after in zip(base.tables, written.tables, strict=True):
        own = initialization if before.rows >= base.input.rows else initialization.folding(before.rows)
        new, old = own.copied(base.kind_of(before))
        source, result = _bits(before), _bits(after)
        for start in range(0, len(new), _ROWS):
            part = slice(start, start + _ROWS)
            same = (source[old[part]] == result[new[part]]).all(axis=1)
            yield from (
                (f"row {row} of {after.name}", bool(s)) for row, s in zip(new[part], same, strict=True)
            )


def _untied(base: Checkpoint, written: Checkpoint) -> Iterator[tuple[str, bool]]:
    before = _bits(base.input)
    for table in (written.input, *(() if written.output is None else (written.output,))):
        after = _bits(table)
        for start in range(0, len(before), _ROWS):
            part = before[start : start + _ROWS]
            same = (part == after[start : start + len(part)]).all(axis=1)
            yield from ((f"row {start + row} of {table.name}", bool(s)) for row, s in enumerate(same))
    yield "config.json says that they are not tied", not written.tied


def _bits(table: Table) -> NDArray[np.uint8]:
    """A matrix as bytes, memory-mapped, (rows, bytes per row) uint8."""
    entry = table.file.tensors[table.name]
    shape = (table.rows, (entry.end - entry.begin) // max(1, table.rows))
    offset = table.file.data_start + entry.begin
    return np.memmap(table.file.path, dtype=np.uint8, mode="r", offset=offset, shape=shape)


def _others(base: Checkpoint, written: Checkpoint) -> Iterator[tuple[str, bool]]:
    tables = {table.name for table in (*base.tables, *written.tables)}
    for before, after in zip(base.files, written.files, strict=True):
        added = after.tensors.keys() - before.tensors.keys() - tables
        yield from ((name, False) for name in added)
        for name in before.tensors.keys() - tables:
            yield name, name in after.tensors and same_tensor(before, name, after, name)
