"""The rows of new tokens."""

import numpy as np
import pytest

from vocabx.commands.doctor.checks.embeddings import mean_cosine
from vocabx.commands.doctor.examine import examine


@pytest.fixture
def extended(model_of_mistral, append, small_file, few_pieces):
    """A small model with new pieces that score below Mistral's own."""
    model = append(small_file.read_bytes(), few_pieces, lambda place: -40_000.0 - place)
    return model_of_mistral(model, 9_000)


def rows_of(found):
    return [finding for finding in found.findings if finding.name == "new-rows"]


def test_new_rows_that_are_nearly_the_mean_are_noted_with_advice(
    extended, small_file, edit_tables, names, small
):
    def resize(tensors):
        """As transformers does: sampled around the mean with almost no variance."""
        table = tensors["model.embed_tokens.weight"]
        table[: small.size] += 1
        noise = np.random.RandomState(0).normal(0, 1e-5, (len(table) - small.size, table.shape[1]))
        table[small.size :] = table[: small.size].mean(axis=0) + noise.astype(np.float32)

    found = examine(edit_tables(extended, resize), small_file)
    assert names(found) == {}
    (finding,) = rows_of(found)
    assert "mean cosine of 1.0000" in finding.sentence
    assert finding.remedy


def test_new_rows_that_differ_are_noted_without_advice(extended, small_file):
    (finding,) = rows_of(examine(extended, small_file))
    assert finding.remedy == ""


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_with_nan_or_inf_are_fatal(bare_model, edit_tables, names, value):
    def spoil(tensors):
        tensors["model.embed_tokens.weight"][[100, 4_000], 3] = value

    found = names(examine(edit_tables(bare_model(dtype="float32"), spoil)))
    assert (found["not-finite"].severity, found["not-finite"].count) == ("fatal", 2)
    assert found["not-finite"].examples[0] == "no token (id 100)"


def test_the_mean_cosine_is_that_of_all_pairs():
    table = np.random.RandomState(0).normal(size=(20, 8)) + 0.5
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    pairs = [float(unit[a] @ unit[b]) for a in range(20) for b in range(a)]
    assert mean_cosine(table, list(range(20))) == pytest.approx(np.mean(pairs))
    assert mean_cosine(table, [3]) == 0
