"""first-piece and what it computes with the base model, against slow float64 versions."""

from dataclasses import replace

import dense_initializers as oracle
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_model

from vocabx.errors import InitializerError
from vocabx.initializers.base_tokenization import in_pieces, lines_of
from vocabx.initializers.first_piece import first_piece
from vocabx.initializers.inputs import LINE_END, InitializerInputs, Tables
from vocabx.initializers.mean_state import LONGEST, SAMPLE, mean_state
from vocabx.initializers.options import InitializerOptions

V, D = 40, 16
RANDOM = np.random.RandomState(3)
INPUT, OUTPUT = RANDOM.standard_normal((2, V, D))
PIECES = ((3, 7), (5,), (3, 9, 1), (7, 3), (39, 0))
# Ids of new tokens as pairs; the fourth new token and the old token 5 do not occur.
LINES = [[("new", 0), 4, ("new", 0), 3], [("new", 2)], [3, 3, ("new", 1), 11, ("new", 0)], [("new", 4), 2]]


def ids_of(lines) -> np.ndarray:
    rows = [[V + one[1] if isinstance(one, tuple) else one for one in line] for line in lines]
    return np.array([one for row in rows for one in [*row, LINE_END]], np.int64)


def inputs_of(model, lines=LINES, **changes) -> InitializerInputs:
    return InitializerInputs(
        tokens=(b"x",) * len(PIECES), pieces=PIECES, old_rows=V, seed=0, text=ids_of(lines),
        tables=Tables(INPUT, OUTPUT), model=lambda: model, **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def llama():
    return tiny_model("llama", rows=V, tied=False).double()


@pytest.mark.parametrize("boost", [0.0, 2.0, -1.5])
def test_output_rows_are_those_of_the_definition_in_float64(llama, boost):
    found = first_piece(inputs_of(llama, settings=InitializerOptions(boost=boost)))
    expected = oracle.first_piece(llama, OUTPUT, PIECES, LINES, boost)
    np.testing.assert_allclose(found.apply("output", OUTPUT), expected, rtol=1e-5, atol=1e-6)


def test_input_rows_are_copies_of_the_last_piece(llama):
    found = first_piece(inputs_of(llama))
    np.testing.assert_array_equal(found.apply("input", INPUT), INPUT[[7, 5, 1, 3, 0]].astype(np.float32))
    assert found.copied("input")[1].tolist() == [7, 5, 1, 3, 0]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.lists(st.integers(1, V + len(PIECES) - 1), min_size=1, max_size=9), min_size=1, max_size=9)
)
def test_at_the_mean_state_tokens_with_one_first_piece_share_its_probability(llama, lines):
    text = np.array([one for line in lines for one in [*line, LINE_END]])
    inputs = replace(inputs_of(llama, settings=InitializerOptions(boost=0.0)), text=text)
    rows = first_piece(inputs).apply("output", OUTPUT).astype(np.float64)
    ids, _ = in_pieces(text, PIECES, V)
    state = mean_state(llama, lines_of(ids, LINE_END)).state
    counts = np.bincount(text[text != LINE_END], minlength=V + len(PIECES))
    for piece in (3, 5, 7, 39):
        mine = [row for row, pieces in enumerate(PIECES) if pieces[0] == piece]
        shares = np.exp(rows[mine] @ state - OUTPUT[piece] @ state)
        expected = counts[V:][mine] + 0.5
        np.testing.assert_allclose(shares, expected / (expected.sum() + counts[piece]), rtol=1e-3)
        assert shares.sum() <= 1 + 1e-6


def test_without_an_lm_head_of_its_own_the_model_is_not_loaded(llama):
    def load():
        raise AssertionError

    inputs = replace(inputs_of(llama), tables=Tables(INPUT), model=load)
    found = first_piece(inputs)
    assert found.output is found.input and not found.differs


@pytest.mark.parametrize(
    "kind",
    [
        "llama",
        "gemma2",
        "granite",
        "cohere",
        "gpt2",
        "gptj",
        "opt",
        "gpt_neox",
        "gemma3",
        "qwen2_vl",
        "smolvlm",
    ],
)
def test_a_new_logit_is_that_of_the_first_piece_plus_its_share_in_every_kind_of_model(kind):
    changes = {"logits_scaling": 8.0} if kind == "granite" else {}
    model = tiny_model(kind, rows=V, **changes).double()
    table = model.get_output_embeddings().weight.detach().numpy()
    inputs = replace(inputs_of(model), tables=Tables(table, table))
    found = first_piece(inputs)
    state = mean_state(model, lines_of(in_pieces(ids_of(LINES), PIECES, V)[0], LINE_END))
    gained = (found.apply("output", table).astype(np.float64) - table[[3, 5, 3, 7, 39]]) @ state.state
    shares = np.log(np.array([3.5 / 8, 1.5 / 1.5, 1.5 / 8, 0.5 / 0.5, 1.5 / 1.5])) + 2
    np.testing.assert_allclose(gained * state.scale, shares, rtol=1e-4)
    scale = {"granite": 1 / 8, "cohere": 0.0625}.get(kind, 1.0)
    np.testing.assert_allclose(state.scale, scale, rtol=1e-2)


def test_the_states_are_what_the_lm_head_multiplies_and_the_model_stays_as_it_was(llama):
    llama.train()
    lines = [np.array([4, 5, 6]), np.array([7])]
    found = mean_state(llama, lines)
    assert llama.training and not llama.get_output_embeddings()._forward_pre_hooks
    llama.eval()
    states = []
    for line in lines:
        with torch.no_grad():
            out = llama.model(torch.tensor([[0, *line.tolist()]])).last_hidden_state
        states.append(out[0, 1:].numpy())
    np.testing.assert_allclose(found.state, np.concatenate(states).mean(axis=0), rtol=1e-9)
    assert found.scale == 1.0


def test_a_long_text_is_sampled_evenly(llama):
    read = []

    class Counting(torch.nn.Module):
        config, device, training = llama.config, llama.device, False

        def get_output_embeddings(self):
            return llama.get_output_embeddings()

        def forward(self, input_ids, **given):
            read.append(input_ids[0, 1:].tolist())
            return llama(input_ids=input_ids[:, :9], **given)

    lines = [np.full(30 if number else 3 * LONGEST, number % V) for number in range(1000)]
    mean_state(Counting(), lines)
    assert SAMPLE <= sum(map(len, read)) <= 2 * SAMPLE
    assert len(read[0]) == LONGEST and read[-1][0] > V / 2


def test_a_model_whose_states_are_not_finite_is_refused_in_one_sentence():
    model = tiny_model("llama", rows=V)
    with torch.no_grad():
        model.model.norm.weight[0] = float("nan")
    with pytest.raises(InitializerError, match="the base's last hidden states hold NaN or infinity"):
        first_piece(inputs_of(model))


def test_what_it_needs_is_asked_for_in_one_sentence(llama):
    for change, sentence in (
        ({"model": None}, "computes with the base model, but there is none"),
        ({"text": None}, "learns from text in the language, but there is none"),
        ({"text": np.array([LINE_END])}, "pass some with --corpus"),
        ({"tables": None}, "reads the embedding matrices, but there are none"),
    ):
        with pytest.raises(InitializerError, match=sentence):
            first_piece(replace(inputs_of(llama), **change))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=5),
    st.lists(st.integers(-1, 14), max_size=30),
)
def test_new_tokens_become_their_pieces_and_every_id_knows_its_last(pieces, text):
    text = [one for one in text if one < 10 + len(pieces)]
    ids, ends = in_pieces(np.array(text, np.int64), pieces, 10)
    parts = [pieces[one - 10] if one >= 10 else [one] for one in text]
    assert ids.tolist() == [piece for part in parts for piece in part]
    assert ends.tolist() == [sum(map(len, parts[: n + 1])) - 1 for n in range(len(parts))]
    lines, here = [], []
    for one in [*ids.tolist(), LINE_END]:
        if one == LINE_END and here:
            lines.append(here)
        here = [] if one == LINE_END else [*here, one]
    assert [line.tolist() for line in lines_of(ids, LINE_END)] == lines


def test_the_pieces_of_extended_text_are_the_tokenization_of_the_base(extension, verses):
    lines = verses[:200]
    text = [np.array(ids, np.int64) for ids in extension.tokenizer.encode(lines)]
    pieces = list(extension.pieces.values())
    for line, expected in zip(text, extension.base.encode(lines), strict=True):
        assert in_pieces(line, pieces, extension.base.size)[0].tolist() == expected
