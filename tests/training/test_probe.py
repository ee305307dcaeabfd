import pytest
import torch
from transformers import AutoModelForCausalLM

from vocabx.errors import CorpusError
from vocabx.training.probe import adapted, probe_sequences, train_steps

FIRST, ROWS = 4_044, 4_096


def by_words(texts):
    return [[FIRST + int(word) for word in text.split()] for text in texts]


def by_letters(texts):
    return [[int(letter) for letter in text.replace(" ", "")] for text in texts]


TEXTS = [" ".join(str((start + step) % 52) for step in range(40)) for start in range(60)]


def sequences(seed=0, steps=3):
    return probe_sequences(TEXTS, by_words, steps, seed)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("first", [FIRST, ROWS], ids=["new rows", "base left alone"])
def test_training_lowers_the_loss_and_leaves_every_weight_as_it_was(tiny_model, tied, first):
    model = AutoModelForCausalLM.from_pretrained(tiny_model(tied=tied))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    ids = torch.tensor(sequences())
    losses = []
    for _ in range(2):
        with adapted(model, first, 0) as to_train, torch.no_grad():
            start = to_train.model(ids, labels=ids).loss.item()
            with torch.enable_grad():
                train_steps(to_train, sequences(), 3)
            losses.append(to_train.model(ids, labels=ids).loss.item())
        assert losses[-1] < start
    assert losses[0] == losses[1]
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) == tied


def test_a_new_row_whose_token_does_not_occur_stays_as_it_was_initialized(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model())
    read = [[FIRST + (token - FIRST) % 20 for token in sequence] for sequence in sequences()]
    with adapted(model, FIRST, 0) as to_train:
        before = [rows.detach().clone() for rows in to_train.rows]
        train_steps(to_train, read, 3)
        for start, rows in zip(before, to_train.rows, strict=True):
            moved = (rows != start).any(-1)
            assert moved[:20].all() and not moved[20:].any()


def test_an_error_in_between_leaves_the_model_as_it_was(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model())
    names = list(model.state_dict())
    with pytest.raises(KeyboardInterrupt), adapted(model, FIRST, 0):
        raise KeyboardInterrupt
    assert list(model.state_dict()) == names


def test_all_tokenizers_read_the_same_texts_in_the_same_order():
    words = [str(token - FIRST) for sequence in sequences() for token in sequence]
    letters = [str(token) for one in probe_sequences(TEXTS, by_letters, 3, 0) for token in one]
    assert len(words) == len(letters) == 3 * 2 * 255
    assert "".join(words).startswith("".join(letters))
    assert sequences(seed=0) != sequences(seed=1)


def test_too_little_text_for_one_step_is_refused_and_a_little_more_is_not():
    with pytest.raises(CorpusError, match="too short for one step"):
        probe_sequences([" ".join(["1"] * 509)], by_words, 50, 0)
    assert len(probe_sequences([" ".join(["1"] * 510)], by_words, 50, 0)) == 2
