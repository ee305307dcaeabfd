import hashlib

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vocabx.checkpoint.hashing import examine_tables, table_bytes, table_hashes
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError

DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def spoil(directory, name, row, column, value):
    path = directory / "model.safetensors"
    tensors = load_file(path)
    tensors[name][row, column] = value
    save_file(tensors, path, {"format": "pt"})


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sound_base_is_hashed(tiny_model, dtype):
    checkpoint = read_checkpoint(tiny_model(tied=False, dtype=dtype, rows=300_000 // 16))
    done = []
    found, padded = examine_tables(checkpoint, done.append)
    assert not padded and found == table_hashes(checkpoint)
    table = checkpoint.output
    assert found["lm_head.weight"] == hashlib.sha256(np.ascontiguousarray(table.map()).tobytes()).hexdigest()
    assert sum(done) == table_bytes(checkpoint) == 2 * table.map().nbytes


@pytest.mark.parametrize(
    ("dtype", "value", "name", "row"),
    [
        ("bfloat16", np.nan, "model.embed_tokens.weight", 0),
        ("float16", np.inf, "lm_head.weight", 1234),
        # In the last of several chunks.
        ("float32", -np.inf, "lm_head.weight", 149_999),
    ],
)
def test_nan_and_inf_are_refused_with_their_row(tiny_model, dtype, value, name, row):
    directory = tiny_model(tied=False, dtype=dtype, rows=150_000)
    spoil(directory, name, row, 7, value)
    with pytest.raises(BaseModelError, match=f"row {row} of {name} holds NaN or Inf") as told:
        examine_tables(read_checkpoint(directory))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_and_the_smallest_numbers_are_accepted(tiny_model, dtype):
    directory = tiny_model(dtype=dtype, rows=100)
    largest = ml_dtypes.finfo(DTYPES[dtype]).max
    tiny = ml_dtypes.finfo(DTYPES[dtype]).smallest_subnormal
    for column, value in enumerate((largest, -largest, tiny, -tiny, 0.0, -0.0)):
        spoil(directory, "model.embed_tokens.weight", 3, column, value)
    examine_tables(read_checkpoint(directory))


@pytest.mark.parametrize("rows", [100, 300_000])
def test_nan_in_rows_after_the_last_token_is_told_and_not_refused(tiny_model, rows):
    directory = tiny_model(tied=False, rows=rows)
    checkpoint = read_checkpoint(directory)
    before, _ = examine_tables(checkpoint)
    spoil(directory, "lm_head.weight", 90, 0, np.nan)
    found, padded = examine_tables(read_checkpoint(directory), tokens=90)
    assert padded and found["model.embed_tokens.weight"] == before["model.embed_tokens.weight"]
    with pytest.raises(BaseModelError, match=r"row 90 of lm_head\.weight holds NaN or Inf"):
        examine_tables(read_checkpoint(directory), tokens=91)
