"""Attention in blocks, compared with its definition in float64 and with torch's kernel in real classes."""

import copy

import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from vocabx._util.causal_attention import BLOCK, blocks_of, causal_attention, document_starts
from vocabx._util.model_attention import NAME, causal_attention_in, torch_attention_in, use_causal_attention

# One document, two, many short ones, and one that begins at the edge of a block.
LENGTHS = [[100], [70, 80], [1, 2, 3, 1, 1, 60, 4, 90], [BLOCK, BLOCK, 5]]


def starts_of(lengths):
    return [sum(lengths[:index]) for index, length in enumerate(lengths) for _ in range(length)]


def mask_of(starts):
    positions = torch.arange(len(starts))
    return (positions <= positions[:, None]) & (positions >= torch.tensor(starts)[:, None])


def by_definition(query, key, value, scale, starts):
    """softmax(scale · Q Kᵀ) V for a sequence, a head and a position at a time, (B, T, H, E)."""
    rows = []
    for index, heads in enumerate(query):
        group = len(heads) // key.shape[1]
        outputs = []
        for head, queries in enumerate(heads):
            keys, values = key[index, head // group], value[index, head // group]
            shares = [
                torch.softmax(scale * keys[start : at + 1] @ queries[at], dim=0) @ values[start : at + 1]
                for at, start in enumerate(starts[index])
            ]
            outputs.append(torch.stack(shares))
        rows.append(torch.stack(outputs, dim=1))
    return torch.stack(rows)


def drawn(heads, length, width, dtype=torch.float64, count=1):
    # As transformers lays it out: positions before heads.
    return torch.randn(count, length, heads, width, dtype=dtype).transpose(1, 2).requires_grad_()


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("heads", [(4, 4), (6, 2)])
def test_outputs_and_gradients_are_those_of_the_definition(lengths, heads):
    torch.manual_seed(0)
    starts = starts_of(lengths)
    query, key = drawn(heads[0], len(starts), 8), drawn(heads[1], len(starts), 8)
    value = drawn(heads[1], len(starts), 5)
    slope = torch.randn(1, len(starts), heads[0], 5, dtype=torch.float64)
    expected = by_definition(query, key, value, 0.3, [starts])
    expected_slopes = torch.autograd.grad(expected, (query, key, value), slope)
    found = causal_attention(query, key, value, 0.3, (blocks_of(starts),))
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    for ours, theirs in zip(
        torch.autograd.grad(found, (query, key, value), slope), expected_slopes, strict=True
    ):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_each_sequence_of_a_batch_has_documents_of_its_own():
    torch.manual_seed(0)
    both = [starts_of([90, 10]), starts_of([30, 70])]
    query, key, value = (drawn(2, 100, 4, count=2) for _ in range(3))
    found = causal_attention(query, key, value, 0.5, tuple(blocks_of(starts) for starts in both))
    assert torch.allclose(found, by_definition(query, key, value, 0.5, both), rtol=0, atol=1e-12)


def test_in_bfloat16_it_is_within_a_rounding_of_the_exact_result():
    torch.manual_seed(0)
    narrow = [drawn(9, 300, 64, torch.bfloat16).detach() for _ in range(3)]
    exact = by_definition(*(one.double() for one in narrow), 64**-0.5, [[0] * 300])
    found = causal_attention(*narrow, 64**-0.5, (blocks_of([0] * 300),))
    assert (found.double() - exact).norm() < 2**-8 * exact.norm()


@pytest.mark.parametrize("lengths", LENGTHS)
def test_documents_are_read_off_a_mask(lengths):
    starts = starts_of(lengths)
    assert document_starts(mask_of(starts)[None, None]) == [starts]


def test_masks_of_anything_else_than_documents_are_left_to_torch():
    positions, whole = torch.arange(9), mask_of([0] * 9)
    window = whole & (positions > positions[:, None] - 3)
    padded = whole.clone()
    padded[:, 0] = False
    prefix = whole | (positions < 4)
    for mask in (window, padded, prefix, torch.ones(9, 9, dtype=torch.bool)):
        assert document_starts(mask[None, None]) is None
    assert document_starts(torch.zeros(1, 1, 9, 9)) is None


def packed_batch(vocabulary):
    ids = torch.randint(5, vocabulary, (2, 150), generator=torch.Generator().manual_seed(0))
    lengths = ([80, 70], [20, 1, 129])
    positions = torch.stack([torch.cat([torch.arange(one) for one in row]) for row in lengths])
    return {"input_ids": ids, "position_ids": positions}


SMALL = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 90, "head_dim": 8, "pad_token_id": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llama", {}),
        ("qwen3", {}),
        ("mistral", {"sliding_window": 16}),
        ("gemma3_text", {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}),
        ("granite", {"attention_multiplier": 0.5}),
        ("phi", {"num_key_value_heads": 4}),
    ],
)
def test_a_model_gives_the_logits_and_gradients_that_it_gives_with_torch(kind, settings):
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**SMALL, **settings})
    theirs = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
    ours = copy.deepcopy(theirs)
    use_causal_attention(ours)
    assert ours.config._attn_implementation == NAME
    batch = packed_batch(90)
    results = [model(**batch, use_cache=False).logits for model in (theirs, ours)]
    assert torch.allclose(results[0], results[1], atol=1e-5)
    for logits in results:
        logits.logsumexp(dim=2).square().mean().backward()
    for one, other in zip(theirs.parameters(), ours.parameters(), strict=True):
        assert (one.grad is None and other.grad is None) or torch.allclose(one.grad, other.grad, atol=1e-6)


def test_blocks_are_what_computes_a_packed_batch(monkeypatch):
    called = []
    monkeypatch.setattr(
        "vocabx._util.model_attention.causal_attention",
        lambda *given: called.append(given) or causal_attention(*given),
    )
    config = AutoConfig.for_model("llama", **SMALL)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
    use_causal_attention(model)
    model(**packed_batch(90), use_cache=False)
    model(input_ids=torch.arange(5, 40)[None], use_cache=False)
    assert len(called) == 4


def test_an_encoder_and_a_step_of_generation_stay_with_torch():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, vocab_size=90
    )
    model = transformers.BertModel._from_config(config, attn_implementation="sdpa").eval()
    ids = torch.arange(5, 40)[None]
    expected = model(ids).last_hidden_state
    use_causal_attention(model)
    assert torch.equal(model(ids).last_hidden_state, expected)
    decoder = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SMALL)).eval()
    use_causal_attention(decoder)
    whole = decoder(ids, use_cache=False).logits[0, -1]
    cached = decoder(ids[:, :-1], use_cache=True)
    step = decoder(ids[:, -1:], past_key_values=cached.past_key_values).logits[0, -1]
    assert torch.allclose(step, whole, atol=1e-5)


def test_a_model_is_left_as_it_was():
    config = AutoConfig.for_model("llama", **SMALL)
    for before in ("sdpa", "eager"):
        model = AutoModelForCausalLM.from_config(config, attn_implementation=before)
        with pytest.raises(KeyError), causal_attention_in(model):
            assert model.config._attn_implementation == (NAME if before == "sdpa" else before)
            raise KeyError
        assert model.config._attn_implementation == before
        use_causal_attention(model)
        with torch_attention_in(model):
            assert model.config._attn_implementation == before
