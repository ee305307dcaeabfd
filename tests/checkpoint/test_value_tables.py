"""Tables and settings that hold more than a row for each token: values, cut logits, dtypes, directions."""

import json

import numpy as np
import pytest
import torch
from architectures_models import VOCABULARY, small_model
from architectures_proof import COPIED, NEW, prove
from safetensors.torch import load_file, save_file

from vocabx.checkpoint import built_architecture as building
from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.model_types import recorded_types
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.mixture.draws import Draws
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import from_rows, without_rows

WEIGHTS = "model.safetensors"


def grown(base, out, rows):
    """Extend the model in `base` by mixtures, each of (old ids, weights); the first copies COPIED."""
    checkpoint = read_checkpoint(base)
    made = everywhere(from_rows(rows, checkpoint.input.rows)).copying({0: COPIED})
    out.mkdir()
    grow_checkpoint(checkpoint, made, out, range(0))
    return checkpoint


@pytest.fixture
def parts():
    return [(np.array([3, 5 + n, 7]), np.array([0.2, 0.5, 0.3])) for n in range(NEW)]


def test_the_experts_of_a_new_token_are_those_of_its_strongest_piece(tmp_path, parts):
    model = small_model("deepseek_v4", "DeepseekV4ForCausalLM")
    model.save_pretrained(tmp_path / "base")
    base = grown(tmp_path / "base", tmp_path / "out", parts)
    before, after = (load_file(tmp_path / part / WEIGHTS) for part in ("base", "out"))
    assert base.choices and len({tuple(row.tolist()) for row in before[base.choices[0].name]}) > 2
    for table in base.choices:
        old, new = before[table.name], after[table.name]
        assert old.dtype == new.dtype == torch.int64 and torch.equal(new[:VOCABULARY], old)
        assert torch.equal(new[VOCABULARY:], old[[COPIED, 6, 7]])


def test_integers_for_each_token_of_another_meaning_are_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_CHOICES", ())
    small_model("deepseek_v4", "DeepseekV4ForCausalLM").save_pretrained(tmp_path)
    with pytest.raises(BaseModelError, match=r"has integers for each token in model\.layers\.0\.\S+tid2eid"):
        read_checkpoint(tmp_path)


def test_experts_that_are_stored_as_floats_are_refused(tmp_path):
    small_model("deepseek_v4", "DeepseekV4ForCausalLM").save_pretrained(tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    name = next(name for name in tensors if name.endswith("tid2eid"))
    save_file({**tensors, name: tensors[name].float()}, tmp_path / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match="tid2eid is stored as 'F32'"):
        read_checkpoint(tmp_path)


def test_multipliers_that_are_stored_stay_and_others_are_refused_by_name(tmp_path, parts):
    ngrams = {
        "eos_token_id": 2,
        "ple_layer_ids": [1, 3],
        "ngram_vocab_size_base": 101,
        "split_ngram_parts": 3,
    }
    model = small_model("qwen4_exp_text", "Qwen4ExpForCausalLM", **ngrams)
    model.save_pretrained(tmp_path / "base")
    base = grown(tmp_path / "base", tmp_path / "out", parts)
    assert "The model hashes n-grams of ids by model.layers.0.ple" in base.note
    ids = torch.tensor([[5, 40, 9, 41]])
    again = type(model).from_pretrained(tmp_path / "out", dtype="float32").eval()
    with torch.no_grad():
        one, other = (m(input_ids=ids).logits for m in (model, again))
    assert torch.equal(one, other[..., :VOCABULARY])
    before, after = (load_file(tmp_path / part / WEIGHTS) for part in ("base", "out"))
    names = [name for name in before if name.endswith("layer_multipliers")]
    assert names and all(torch.equal(before[name], after[name]) for name in names)
    kept = {name: tensor for name, tensor in before.items() if name not in names}
    save_file(kept, tmp_path / "base" / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match=r"computes \S+layer_multipliers from vocab_size"):
        read_checkpoint(tmp_path / "base")


def test_a_copy_differs_from_its_token_by_embeddings_of_n_grams_and_nothing_else(tmp_path, parts):
    """Its id hashes to other n-grams. Where all of these have one embedding, it acts as its token."""
    settings = {"eos_token_id": 2, "ple_layer_ids": [1], "ngram_vocab_size_base": 101, "split_ngram_parts": 3}
    model = small_model("qwen4_exp_text", "Qwen4ExpForCausalLM", **settings)
    model.save_pretrained(tmp_path / "base")
    grown(tmp_path / "base", tmp_path / "out", parts)
    after = type(model).from_pretrained(tmp_path / "out", dtype="float32").eval()
    old = torch.tensor([[5, 40, COPIED, 41, 9]])
    new = torch.where(old == COPIED, VOCABULARY, old)
    with torch.no_grad():
        assert 0 < (after(old).logits - after(new).logits).abs().max() < 0.1
        for name, rows in after.named_parameters():
            if name.endswith("ngram_embedding.weight"):
                rows[:] = rows[0]
        assert torch.equal(after(old).logits, after(new).logits)


@pytest.mark.parametrize(("kind", "name"), [
    ("inkling_text", "InklingForCausalLM"), ("inkling2_text", "Inkling2ForCausalLM"),
])  # fmt: skip
def test_logits_of_new_tokens_are_not_cut_off_and_padding_is_not_generated(tmp_path, parts, kind, name):
    cut = VOCABULARY - 5
    model = small_model(kind, name, unpadded_vocab_size=cut)
    model.save_pretrained(tmp_path / "base")
    base = grown(tmp_path / "base", tmp_path / "out", parts)
    assert base.architecture.cut == cut
    after = type(model).from_pretrained(tmp_path / "out", dtype="float32").eval()
    ids = torch.tensor([[5, COPIED, 9]])
    with torch.no_grad():
        one, other = (m(input_ids=ids).logits for m in (model, after))
    assert one.shape[-1] == cut and other.shape[-1] == VOCABULARY + NEW
    # Matrix products of other widths may add in another order.
    torch.testing.assert_close(one, other[..., :cut], rtol=0, atol=1e-6)
    torch.testing.assert_close(other[..., VOCABULARY], other[..., COPIED], rtol=0, atol=1e-6)
    written = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert written["suppress_tokens"] == list(range(cut, VOCABULARY))


def test_a_padded_head_without_a_cut_is_extended_with_the_proof(tmp_path):
    proof = prove(small_model("inkling_text", "InklingForCausalLM", unpadded_vocab_size=VOCABULARY), tmp_path)
    assert proof.holds and not proof.checkpoint.architecture.cut


def test_a_head_of_another_dtype_than_the_input_keeps_it(tmp_path, parts):
    model = small_model("hy_v4", "HYV4ForCausalLM")
    model.save_pretrained(tmp_path / "base")
    tensors = load_file(tmp_path / "base" / WEIGHTS)
    name = "model.embed_tokens.weight"
    tensors[name] = tensors[name].bfloat16()
    save_file(tensors, tmp_path / "base" / WEIGHTS, metadata={"format": "pt"})
    grown(tmp_path / "base", tmp_path / "out", parts)
    after = load_file(tmp_path / "out" / WEIGHTS)
    assert after[name].dtype == torch.bfloat16 and after["lm_head.weight"].dtype == torch.float32
    wanted = torch.tensor([0.2, 0.5, 0.3]) @ tensors["lm_head.weight"][[3, 6, 7]]
    torch.testing.assert_close(after["lm_head.weight"][VOCABULARY + 1], wanted)


def test_rows_are_mixed_by_their_directions(parts):
    table = np.random.default_rng(0).normal(size=(VOCABULARY, 16)) * np.geomspace(0.1, 9, VOCABULARY)[:, None]
    mixture = from_rows(parts, VOCABULARY).copying({0: COPIED})
    made = everywhere(mixture).of_directions(table.astype(np.float32))
    rows = made.apply("input", table)
    assert np.array_equal(made.copied("input")[1], [COPIED]) and made.output is mixture
    lengths = np.linalg.norm(table, axis=1)
    for row, (ids, weights) in list(zip(rows, parts, strict=True))[1:]:
        wanted = (weights[:, None] * table[ids] / lengths[ids, None]).sum(0)
        cosine = row @ wanted / np.linalg.norm(row) / np.linalg.norm(wanted)
        assert abs(cosine - 1) < 1e-6
        np.testing.assert_allclose(row, wanted * (weights @ lengths[ids]), rtol=1e-4)
    # Rows of one length are mixed as they are.
    same = table / lengths[:, None]
    np.testing.assert_allclose(made.input.of_directions(same).apply(same), made.input.apply(same), atol=1e-6)


def test_sampled_rows_and_rows_of_zeros_stay_as_they_are():
    draws = without_rows(3, 20, 0.0, Draws(np.arange(2), "diagonal", 1.0, 0))
    assert draws.of_directions(np.zeros((20, 4), np.float32)).digest() == draws.digest()
    mixture = from_rows([([1, 2], [0.5, 0.5])], 20)
    assert not mixture.of_directions(np.zeros((20, 4), np.float32)).apply(np.zeros((20, 4), np.float32)).any()


def test_the_strongest_old_row_is_that_of_the_largest_weight_and_of_several_the_first():
    mixture = from_rows([([4, 2, 9], [0.3, 0.4, 0.3]), ([8, 5], [0.5, 0.5]), ([], [])], 12)
    assert mixture.strongest().tolist() == [2, 5, 0]
    assert everywhere(mixture).apply("choice", np.arange(24).reshape(12, 2)).tolist() == [
        [4, 5],
        [10, 11],
        [0, 1],
    ]


def ignores_lengths(kind, name) -> bool:
    """Whether logits stay when the input embeddings of an untied model are three times as long."""
    model = small_model(kind, name)
    ids = torch.tensor([[5, 40, 9, 41]])
    with torch.no_grad():
        weight = model.get_input_embeddings().weight
        # Long enough for what is added to a variance not to matter.
        weight.div_(weight.std())
        before = model(input_ids=ids).logits
        weight.mul_(3)
        return bool((model(input_ids=ids).logits - before).abs().max() < 1e-3 * before.abs().max())


@pytest.mark.parametrize(("kind", "name"), [
    ("inkling_text", "InklingForCausalLM"), ("minimax", "MiniMaxForCausalLM"),
    ("nanochat", "NanoChatForCausalLM"), ("rwkv", "RwkvForCausalLM"), ("llama", "LlamaForCausalLM"),
    ("minimax_m2", "MiniMaxM2ForCausalLM"),
])  # fmt: skip
def test_classes_that_normalize_embeddings_are_known(tmp_path, kind, name):
    model = small_model(kind, name)
    model.save_pretrained(tmp_path)
    assert read_checkpoint(tmp_path).architecture.normalizes == ignores_lengths(kind, name)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), sorted(
    (one.type, one.name)
    for one in recorded_types().types
    if one.verdict == "extended" and one.map == "CAUSAL_LM" and one.output != "tied"
))  # fmt: skip
def test_every_class_that_normalizes_embeddings_is_known(tmp_path, kind, name):
    test_classes_that_normalize_embeddings_are_known(tmp_path, kind, name)
