"""distill and what it is made of, against slow float64 versions and a plain implementation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_model

from vocabx.errors import InitializerError
from vocabx.initializers.composition import PLACES, Composition
from vocabx.initializers.distill import distill
from vocabx.initializers.first_layers import GivenRows, last_states, layers_of, states_at
from vocabx.initializers.first_piece import first_piece
from vocabx.initializers.fit_inputs import fit_inputs, student_loss, teach
from vocabx.initializers.fit_outputs import output_loss, positions_of, read_once, read_twice
from vocabx.initializers.inputs import LINE_END, InitializerInputs, Tables
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.windows import LONGEST, windows_of

V, D = 40, 16
PIECES = ((3, 7), (5,), (3, 9, 1), (7, 3), (39, 2), (8, 3, 4, 9, 7, 6, 11, 12))
RANDOM = np.random.RandomState(5)


def text_of(lines: int) -> np.ndarray:
    rows = [[*RANDOM.randint(1, V + len(PIECES), RANDOM.randint(3, 30)), LINE_END] for _ in range(lines)]
    return np.array([one for row in rows for one in row], np.int64)


TEXT = text_of(60)


def inputs_of(model, text=TEXT, **changes) -> InitializerInputs:
    table = model.get_input_embeddings().weight.detach().numpy().astype(np.float64)
    head = model.get_output_embeddings().weight.detach().numpy().astype(np.float64)
    fields = {"tables": Tables(table, head), "settings": InitializerOptions(distill_tokens=600)} | changes
    return InitializerInputs(
        tokens=(b"x",) * len(PIECES), pieces=PIECES, old_rows=V, seed=0, text=text, model=lambda: model,
        **fields,
    )  # fmt: skip


@pytest.fixture(scope="module")
def llama():
    return tiny_model("llama", rows=V, tied=False, num_hidden_layers=3)


def composition_of(model, rank=None, both_ends=False, own=None) -> Composition:
    table = model.get_input_embeddings().weight.detach()
    start = table[[pieces[-1] for pieces in PIECES]].float()
    return Composition(PIECES, table, start, rank=rank, both_ends=both_ends, seed=1, own=own)


def windows(text=TEXT, limit=600):
    return windows_of(text, PIECES, V, 0, None, limit)


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("both_ends", [False, True])
@pytest.mark.parametrize("owned", [False, True])
def test_composed_rows_are_those_of_the_formula_in_float64(llama, rank, both_ends, owned):
    own = torch.randn(len(PIECES), D, generator=torch.Generator().manual_seed(6)) if owned else None
    made = composition_of(llama, rank, both_ends, own)
    random = torch.Generator().manual_seed(2)
    for parameter in made.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=random))
    maps = made.maps[0].double() if rank is None else made.maps[0].double() @ made.maps[1].double()
    table = llama.get_input_embeddings().weight.double()
    for row, pieces in enumerate(PIECES):
        expected = made.start[row].double() + made.shared.double() + made.free[row].double()
        for place, piece in enumerate(reversed(pieces)):
            if place < PLACES:
                expected = expected + table[piece] @ maps[place]
        for place, piece in enumerate(pieces if both_ends else ()):
            if place < PLACES:
                expected = expected + table[piece] @ maps[PLACES + place]
        if own is not None:
            expected = expected + (own[row] - own.mean(dim=0)).double() @ maps[-1]
        torch.testing.assert_close(made()[row].double(), expected, rtol=1e-4, atol=1e-4)
    some = torch.tensor([4, 0, 5])
    torch.testing.assert_close(made(some), made()[some])


def test_a_composition_begins_at_its_start(llama):
    for rank in (None, 3):
        made = composition_of(llama, rank, both_ends=True)
        torch.testing.assert_close(made(), made.start)
        assert not made.change().any()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.integers(1, V + len(PIECES) - 1), max_size=900), max_size=9), st.integers(1, 2000)
)
def test_windows_hold_the_text_in_order_and_the_places_of_last_pieces(lines, limit):
    text = np.array([one for line in lines for one in [*line, LINE_END]], np.int64)
    found = windows_of(text, PIECES, V, 0, 2, limit)
    for one in found:
        assert one.ids[0] == one.old[0] == 0 and 2 <= len(one.ids) <= LONGEST + 1
        assert (one.ids >= V).any() and not (one.old >= V).any()
        starts = [0, *(one.last[:-1] + 1)]
        for token, start, end in zip(one.ids.tolist(), starts, one.last.tolist(), strict=True):
            expected = list(PIECES[token - V]) if token >= V else [token]
            assert one.old[start : end + 1].tolist() == expected
    whole = [one for line in lines if line for one in [*line, 2]]
    joined = [one for window in windows_of(text, PIECES, V, 0, 2, 10**9) for one in window.ids[1:].tolist()]
    if all(any(one >= V for one in whole[start : start + 1]) for start in range(len(whole))):
        assert joined == whole
    assert sum(len(one.ids) for one in found[:-1]) < limit


@pytest.mark.parametrize("kind", ["llama", "gpt2", "opt", "gpt_neox", "gemma2", "qwen2"])
def test_states_of_some_layers_are_those_of_a_whole_pass(kind):
    model = tiny_model(kind, rows=V, **{"n_layer" if kind == "gpt2" else "num_hidden_layers": 3})
    assert len(layers_of(model)) == 3
    ids = torch.arange(1, 12)
    with torch.no_grad():
        whole = model(input_ids=ids[None], output_hidden_states=True, use_cache=False)
        for layer in range(1, len(layers_of(model))):
            torch.testing.assert_close(states_at(model, ids, layer), whole.hidden_states[layer][0])
        head = model.get_output_embeddings()
        assert head(last_states(model, ids)).shape == whole.logits[0].shape


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "gemma3"])
def test_given_rows_stand_where_the_matrix_would_hold_them(kind):
    model = tiny_model(kind, rows=V + 2)
    table = model.get_input_embeddings().weight.detach()
    ids = torch.tensor([4, V, 7, V + 1, V])
    with torch.no_grad():
        given = GivenRows(V, table[[V, V + 1, V]])
        torch.testing.assert_close(last_states(model, ids, given), last_states(model, ids))


def test_the_loss_is_that_of_a_plain_implementation(llama):
    """Full depth, hidden states of all layers, one matrix with all rows."""
    layer, made = 1, composition_of(llama)
    made.free.data.normal_(generator=torch.Generator().manual_seed(0))
    for window in windows()[:5]:
        table = torch.cat([llama.get_input_embeddings().weight.detach()[:V], made().detach()])
        ids, old = torch.from_numpy(window.ids), torch.from_numpy(window.old)
        with torch.no_grad():
            taught = llama(input_ids=old[None], output_hidden_states=True).hidden_states[layer][
                0, window.last
            ]
            student = llama(inputs_embeds=table[ids][None], output_hidden_states=True).hidden_states[layer][0]
        first = int((ids >= V).nonzero()[0, 0])
        difference = (student - taught)[first:].double()
        expected = difference.pow(2).mean() / taught[first:].double().pow(2).mean()
        loss = student_loss(llama, made, teach(llama, window, layer, V), layer, V)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_token_of_one_piece_that_has_its_row_loses_nothing(llama):
    text = np.array([5, V + 1, 4, V + 1, LINE_END] * 5)
    (window, *_) = windows(text)
    assert student_loss(llama, composition_of(llama), teach(llama, window, 1, V), 1, V).item() == 0


def test_the_output_loss_is_the_cross_entropy_of_the_extended_model(llama):
    made = composition_of(llama)
    head = llama.get_output_embeddings().weight.detach()
    new = torch.randn(len(PIECES), D, generator=torch.Generator().manual_seed(4))
    chosen = windows()[:4]
    positions = positions_of(llama, made, read_once(chosen), head[:V], 1.0)
    logits, labels = [], []
    for window in chosen:
        ids = torch.from_numpy(window.ids)
        table = torch.cat([llama.get_input_embeddings().weight.detach()[:V], made().detach()])
        with torch.no_grad():
            states = llama.get_decoder()(inputs_embeds=table[ids][None]).last_hidden_state[0, :-1]
        logits.append(states.double() @ torch.cat([head[:V], new]).double().T)
        labels.append(ids[1:])
    expected = torch.nn.functional.cross_entropy(torch.cat(logits), torch.cat(labels))
    found = output_loss(new, positions, torch.arange(len(positions.labels)))
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_text_read_twice_counts_from_its_second_beginning():
    (window,) = windows_of(np.array([V, 5, 6, 7, 8, LINE_END]), PIECES, V, 0, None, 10)
    (found,) = read_twice([window])
    assert found.ids.tolist() == [0, V, 5, 6, V, 5, 6] and found.first == 3


def test_distilled_rows_bring_states_closer_and_predict_better_than_first_piece(llama):
    inputs = inputs_of(llama, text_of(900), settings=InitializerOptions(distill_tokens=15_000))
    found, plain = distill(inputs), first_piece(inputs)
    tables, unseen = inputs.tables, windows(text_of(60), 900)

    def losses(initialization) -> tuple[float, float]:
        rows = torch.from_numpy(initialization.apply("input", tables.input))
        made = composition_of(llama)
        made.free.data.copy_(rows - made.start)
        head = llama.get_output_embeddings().weight.detach()[:V]
        new = torch.from_numpy(initialization.apply("output", tables.output))
        positions = positions_of(llama, made, read_once(unseen), head, 1.0)
        student = [student_loss(llama, made, teach(llama, one, 1, V), 1, V).item() for one in unseen]
        return float(np.mean(student)), output_loss(new, positions, torch.arange(len(positions.old))).item()

    (state, output), (old_state, old_output) = losses(found), losses(plain)
    assert state < old_state
    assert output < old_output


def test_the_same_text_and_seed_give_the_same_rows(llama):
    inputs = inputs_of(llama)
    assert distill(inputs).digest() == distill(inputs).digest()


def test_tied_matrices_are_refused_before_the_work(llama):
    inputs = inputs_of(llama)
    with pytest.raises(InitializerError, match="and these are tied"):
        distill(replace(inputs, tables=Tables(inputs.tables.input), model=None))


def test_a_limit_of_time_ends_the_fit_with_the_rate_fallen(llama):
    ticks = iter(range(1000))
    made = composition_of(llama)
    steps = fit_inputs(
        llama, made, windows(), layer=1, first_new=V, passes=9, seed=0, seconds=7, clock=lambda: next(ticks)
    )
    assert 0 < steps < 7
    assert made.change().any()


def test_text_without_new_tokens_is_refused(llama):
    with pytest.raises(InitializerError, match="no new token occurs in the text"):
        distill(inputs_of(llama, np.array([4, 5, 6, LINE_END])))


def test_a_model_that_breaks_is_refused():
    model = tiny_model("llama", rows=V, tied=False)
    with torch.no_grad():
        layers_of(model)[0].mlp.down_proj.weight.fill_(float("nan"))
    with pytest.raises(InitializerError, match="NaN or infinity"):
        distill(inputs_of(model))


def test_the_model_is_left_as_it_was_given(llama):
    before = {name: tensor.clone() for name, tensor in llama.state_dict().items()}
    frozen = llama.model.norm.weight.requires_grad_(False)
    trained = {name for name, parameter in llama.named_parameters() if parameter.requires_grad}
    llama.train()
    distill(inputs_of(llama))
    assert llama.training and not frozen.requires_grad
    assert trained == {name for name, parameter in llama.named_parameters() if parameter.requires_grad}
    llama.eval()
    frozen.requires_grad_(True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in llama.state_dict().items())
    assert llama(input_ids=torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, V)
