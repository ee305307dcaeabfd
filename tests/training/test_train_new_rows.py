import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from vocabx.errors import CorpusError
from vocabx.training.train_new_rows import split_sequences, train_rows

ROWS = range(4_044, 4_096)


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def model(request, tiny_model):
    return AutoModelForCausalLM.from_pretrained(tiny_model(tied=request.param, dtype="float32"))


def sequences():
    ids = np.random.RandomState(0).randint(ROWS.start, ROWS.stop, (40, 60)).tolist()
    return split_sequences(ids, begin=1, seed=0)


def test_old_rows_and_all_other_weights_keep_every_bit(model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train_rows(model, ROWS, sequences(), 3000, [], lambda done: None)
    changed = []
    for name, tensor in model.state_dict().items():
        table = tensor.shape[0] == 4_096
        rest = tensor[: ROWS.start] if table else tensor
        assert torch.equal(rest, before[name][: ROWS.start] if table else before[name]), name
        if table and not torch.equal(tensor[ROWS.start :], before[name][ROWS.start :]):
            changed.append(name)
    assert "model.embed_tokens.weight" in changed
    assert "lm_head.weight" in changed


def test_training_lowers_the_loss(model):
    ids = torch.tensor(sequences()[:2])
    before = model(ids, labels=ids).loss.item()
    train_rows(model, ROWS, sequences(), 6000, [], lambda done: None)
    assert model(ids, labels=ids).loss.item() < before - 0.01


def test_each_pause_comes_once_in_order_and_also_at_the_end(model):
    met = []
    train_rows(model, ROWS, sequences(), 2000, [0, 700, 2000, 9999], met.append)
    assert met == [0, 700, 2000, 9999]


def test_the_same_text_gives_the_same_rows(tiny_model):
    results = []
    for _ in range(2):
        model = AutoModelForCausalLM.from_pretrained(tiny_model(dtype="float32"))
        train_rows(model, ROWS, sequences(), 2000, [], lambda done: None)
        results.append(model.get_input_embeddings().weight[ROWS.start :].clone())
    assert torch.equal(*results)


def test_sequences_have_one_length_and_start_with_bos():
    split = sequences()
    assert {len(sequence) for sequence in split} == {256}
    assert {sequence[0] for sequence in split} == {1}
    assert split != split_sequences([[2] * 600], 1, 0)


def test_too_little_text_is_refused_in_one_line(model):
    with pytest.raises(CorpusError, match="too short to train on"):
        train_rows(model, ROWS, split_sequences([[5] * 20], 1, 0), 100, [], lambda done: None)
