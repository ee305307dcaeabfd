import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import ENCODERS, PLAIN
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from vocabx.checkpoint.proof import prove_tables
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.replace import replace_checkpoint
from vocabx.checkpoint.special_ids import SpecialIds
from vocabx.errors import BaseModelError
from vocabx.mixture.draws import Draws
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import Mixture, from_rows

SMALL = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64,
}  # fmt: skip
GPT = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "rotary_dim": 4}
NEO = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "attention_types": [[["global"], 1]]}
DISTIL = {"dim": 16, "hidden_dim": 32, "n_layers": 1, "n_heads": 2}
SHAPES = {
    "gpt2": GPT, "gptj": GPT, "gpt_neo": NEO, "distilbert": DISTIL,
    "electra": {**SMALL, "embedding_size": 16},
}  # fmt: skip
# New row 0 is the mean, 1 to 3 and 6 are old rows, 4 and 5 are mixtures, 7 is drawn.
COPIES = {1: 3, 2: 0, 3: 1, 6: 7}
SPECIAL = SpecialIds({0: 2, 1: 3, 3: 1}, {"bos": 2, "eos": 3, "pad": 1})


def head_of(kind: str):
    return AutoModelForMaskedLM if kind in ENCODERS else AutoModelForCausalLM


def random_model(directory: Path, kind: str = "llama", rows: int = 50, dtype=torch.float32, **changes):
    torch.manual_seed(0)
    ids = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1 if kind in ENCODERS else 3}
    settings = {**SHAPES.get(kind, SMALL), "vocab_size": rows, **ids, **changes}
    model = head_of(kind).from_config(AutoConfig.for_model(kind, **settings)).to(dtype)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    model.save_pretrained(directory, max_shard_size="2KB" if kind == "llama" else "5GB")
    return directory


def mixture_of(old_rows: int) -> Mixture:
    parts = [
        ([], []),
        ([3], [1.0]),
        ([0], [1.0]),
        ([1], [1.0]),
        ([0, 4], [0.5, 0.5]),
        ([1, 2, 5], [0.25, 0.25, 0.5]),
    ]
    parts += [([7], [1.0]), ([], [])]
    mixture = from_rows([(np.array(i, np.int64), np.array(w, np.float64)) for i, w in parts], old_rows)
    return mixture.drawing(Draws(np.array([0, 7]), "diagonal", 1.0, 3)).averaging([0])


def replace(base: Path, target: Path, special=SPECIAL, suppressed=(7,)) -> tuple[str, ...]:
    target.mkdir()
    checkpoint = read_checkpoint(base)
    initialization = everywhere(mixture_of(checkpoint.input.rows))
    return replace_checkpoint(checkpoint, initialization, target, suppressed, special)


def tensors_of(directory: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in sorted(directory.glob("*.safetensors")) for k, v in load_file(path).items()}


def load(directory: Path, kind: str):
    return head_of(kind).from_pretrained(directory, local_files_only=True, dtype="auto").eval()


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return torch.atleast_1d(tensor).contiguous().view(torch.uint8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("kind", PLAIN)
def test_only_the_embeddings_are_replaced(tmp_path, kind, dtype):
    base, target = random_model(tmp_path / "base", kind, dtype=dtype), tmp_path / "out"
    replace(base, target)
    tables = {table.name for table in read_checkpoint(base).tables}
    old, new = tensors_of(base), tensors_of(target)
    assert old.keys() == new.keys()
    for name in old.keys() - tables:
        assert torch.equal(bits(new[name]), bits(old[name])), name
    for name in tables:
        assert new[name].shape == (8, *old[name].shape[1:]) and new[name].dtype == old[name].dtype
        for row, source in COPIES.items():
            assert torch.equal(bits(new[name][row]), bits(old[name][source])), (name, row)
        wide = old[name].double()
        close = {"rtol": 1e-2, "atol": 1e-3} if dtype == torch.bfloat16 else {"rtol": 1e-5, "atol": 1e-6}
        blend = (wide[1] + wide[2]) / 4 + wide[5] / 2
        torch.testing.assert_close(new[name][0].double(), wide.mean(dim=0), **close)
        torch.testing.assert_close(new[name][4].double(), (wide[0] + wide[4]) / 2, **close)
        torch.testing.assert_close(new[name][5].double(), blend, **close)
        assert not torch.equal(new[name][7], new[name][0])


@pytest.mark.parametrize("kind", PLAIN)
def test_the_result_loads_and_moved_tokens_keep_their_embeddings(tmp_path, kind):
    base, target = random_model(tmp_path / "base", kind), tmp_path / "out"
    replace(base, target)
    old, new = load(base, kind), load(target, kind)
    assert new.config.vocab_size == 8 == len(new.get_input_embeddings().weight)
    assert new.config.tie_word_embeddings == old.config.tie_word_embeddings
    with torch.inference_mode():
        before = old(torch.tensor([[3, 0, 7, 3]])).logits
        after = new(torch.tensor([[1, 2, 6, 1]])).logits
    if kind not in ENCODERS:
        torch.testing.assert_close(after[..., list(COPIES)], before[..., list(COPIES.values())])


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "camembert", "bert", "distilbert"])
def test_positions_of_an_encoder_are_unchanged(tmp_path, kind):
    base, target = random_model(tmp_path / "base", kind), tmp_path / "out"
    special = SpecialIds({1: 1}, {"pad": 1})
    target.mkdir()
    checkpoint = read_checkpoint(base)
    copies = {1: 1, 0: 3, 2: 0, 3: 7}
    mixture = from_rows([(np.array([copies[n]]), np.ones(1)) for n in range(4)], 50)
    replace_checkpoint(checkpoint, everywhere(mixture), target, (), special)
    with torch.inference_mode():
        before = load(base, kind)(
            torch.tensor([[3, 0, 7, 1]]), attention_mask=torch.tensor([[1, 1, 1, 0]])
        ).logits
        after = load(target, kind)(
            torch.tensor([[0, 2, 3, 1]]), attention_mask=torch.tensor([[1, 1, 1, 0]])
        ).logits
    torch.testing.assert_close(after[:, :3], before[:, :3][..., [3, 1, 0, 7]])


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "camembert"])
def test_a_pad_token_that_would_move_the_positions_is_refused(tmp_path, kind):
    base = random_model(tmp_path / "base", kind)
    with pytest.raises(BaseModelError, match=r"with the id 1$"):
        replace(base, tmp_path / "out", SpecialIds({1: 2}, {"pad": 2}))


def test_the_sign_of_a_zero_and_every_bit_of_a_float64_are_copied(tmp_path):
    base = random_model(tmp_path / "base", "gpt2", dtype=torch.float64)
    tensors = tensors_of(base)
    tensors["transformer.wte.weight"][3, :4] = torch.tensor([-0.0, 1 / 3, 5e-324, -1e30], dtype=torch.float64)
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    replace(base, tmp_path / "out")
    new = tensors_of(tmp_path / "out")["transformer.wte.weight"]
    assert torch.equal(bits(new[1]), bits(tensors["transformer.wte.weight"][3]))


def test_ids_of_special_tokens_follow_the_new_vocabulary(tmp_path):
    base = random_model(tmp_path / "base", eos_token_id=[1, 3], sep_token_id=9)
    generation = {
        "bos_token_id": 0, "eos_token_id": [1, 3], "pad_token_id": 9, "decoder_start_token_id": 3,
        "suppress_tokens": [0, 44], "bad_words_ids": [[5]], "temperature": 0.6,
    }  # fmt: skip
    (base / "generation_config.json").write_text(json.dumps(generation))
    dropped = replace(base, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]) == (2, [3, 1], 1)
    assert json.loads((tmp_path / "out" / "generation_config.json").read_text()) == {
        "bos_token_id": 2, "eos_token_id": [3, 1], "pad_token_id": 1, "decoder_start_token_id": 1,
        "suppress_tokens": [2, 7], "temperature": 0.6,
    }  # fmt: skip
    # eos takes the role of sep; forbidden words are dropped.
    assert config["sep_token_id"] == 3
    assert dropped == ("bad_words_ids",)


def test_ids_without_a_counterpart_are_null_and_not_the_default_of_the_class(tmp_path):
    base = random_model(tmp_path / "base", "gpt2", bos_token_id=40, eos_token_id=40, pad_token_id=41)
    dropped = replace(base, tmp_path / "out", SpecialIds({}, {}))
    assert set(dropped) == {"bos_token_id", "eos_token_id", "pad_token_id"}
    config = load(tmp_path / "out", "gpt2").config
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (None, None, None)


def test_ids_in_a_nested_configuration_are_mapped_too():
    moved, dropped = SPECIAL.in_config({"text_config": {"eos_token_id": 1, "image_token_id": 30}})
    assert moved["text_config"] == {
        "eos_token_id": 3, "image_token_id": None, "bos_token_id": 2, "pad_token_id": 1
    }  # fmt: skip
    assert dropped == ["text_config.image_token_id"]


def test_the_proof_finds_false_claims(tmp_path):
    base, target = random_model(tmp_path / "base", "gpt2"), tmp_path / "out"
    replace(base, target)

    class Eight:
        size = 8

    initialization = everywhere(mixture_of(50))
    checkpoint = read_checkpoint(base)
    assert all(
        claim.holds and claim.checked for claim in prove_tables(checkpoint, target, initialization, Eight())
    )
    tensors = tensors_of(target)
    tensors["transformer.wte.weight"][1, 0] += 1
    tensors["transformer.ln_f.weight"][0] += 1
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    Eight.size = 9
    claims = prove_tables(checkpoint, target, initialization, Eight())
    assert {claim.name: claim.failed for claim in claims} == {"rows": 1, "copied-rows": 1, "other-tensors": 1}
