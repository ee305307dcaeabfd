"""Encoders in llama.cpp: how it tokenizes with an exported file, and the states that it computes."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from llama_cpp import ask
from real_tokenizers import read_once

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError, TokenizerError
from vocabx.gguf.bert import bert_settings_of
from vocabx.gguf.export_gguf import export_gguf
from vocabx.gguf.modernbert import modernbert_settings_of
from vocabx.gguf.vocabulary import vocabulary_of
from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.write import write_tokenizer

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 130,
    "initializer_range": 0.3,
}
ODD = "\x0b\x0c\x85\u1680\u2028\u2029\u202f"
TOKENIZERS = {
    "bert": "bert_json",
    "roberta": "roberta_json",
    "xlm-roberta": "xlmr_json",
    "modernbert": "roberta_json",
}
# Of ModernBERT, blocks with a window as well as without, and a window that is shorter than the texts.
MODERN = {"num_hidden_layers": 4, "local_attention": 12}
IDS = {"bos_token_id": 0, "cls_token_id": 0, "eos_token_id": 2, "sep_token_id": 2}


@pytest.fixture
def xlmr_json(t5_json, tmp_path) -> Path:
    """A tokenizer of XLM-R's kind: T5's pieces and characters, with the special tokens of XLM-R."""
    spec = json.loads(t5_json.read_text(encoding="utf-8"))
    pieces = [entry for entry in spec["model"]["vocab"] if not entry[0].startswith("<")]
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = [*([name, 0.0] for name in names), *pieces, ["<mask>", 0.0]]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": index, "content": name, **plain} for index, name in enumerate(names)]
    added.append({"id": len(vocabulary) - 1, "content": "<mask>", **plain, "lstrip": True})
    around = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}
    around |= {"trim_offsets": True, "add_prefix_space": False}
    spec |= {"added_tokens": added, "post_processor": around}
    spec["model"] |= {"vocab": vocabulary, "unk_id": 3}
    path = tmp_path / "xlmr" / "tokenizer.json"
    path.parent.mkdir()
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


@pytest.fixture
def encoder(request, tmp_path, verses, chinese):
    """A function that makes a random encoder with the tokenizer of a type, extended by 200 tokens."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForMaskedLM

    def make(kind: str) -> Path:
        file = request.getfixturevalue(TOKENIZERS[kind])
        base = read_once(file)
        longer = extend_tokenizer(
            base, verses[:600], chinese, TokenRequest(200), base.size, Quiet()
        ).tokenizer
        torch.manual_seed(0)
        # RoBERTa counts positions from 2 on.
        more = {} if kind == "bert" else {"pad_token_id": 1, "type_vocab_size": 1}
        more |= {**MODERN, **IDS} if kind == "modernbert" else {}
        config = CONFIG_MAPPING[kind](**{**SIZES, "vocab_size": longer.size + 5, **more})
        model = AutoModelForMaskedLM.from_config(config)
        with torch.no_grad():
            for tensor in model.parameters():
                if tensor.ndim == 1:
                    tensor.add_(torch.randn(tensor.shape) * 0.2)
        directory = tmp_path / kind
        model.save_pretrained(directory)
        write_tokenizer(longer, file, directory, beside=kind)
        return directory

    return make


def states_of(directory: Path, prompts) -> list[np.ndarray]:
    """The last states of transformers, with GELU as llama.cpp looks it up."""
    import torch
    from gelu import gelu_of_16_bits
    from transformers import AutoModel

    model = AutoModel.from_pretrained(directory, dtype=torch.float32)
    # It computes that of ModernBERT exactly.
    for block in () if model.config.model_type == "modernbert" else model.encoder.layer:
        block.intermediate.intermediate_act_fn.forward = gelu_of_16_bits
    with torch.no_grad():
        return [model(torch.tensor([ids])).last_hidden_state[0].numpy() for ids in prompts]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_llama_cpp_tokenizes_and_computes_as_transformers(kind, encoder, verses, english, tmp_path):
    directory = encoder(kind)
    tokenizer = read_tokenizer(directory)
    exported = export_gguf(directory, tmp_path / "model.gguf")
    texts = [*verses[:300], *english[:200]]
    around = [tokenizer.rust.encode(text).ids for text in texts]
    found = ask(exported.path, texts, around[:3] + around[-3:], special=True, embed=True)
    assert found["ids"] == around
    new = range(tokenizer.size - 200, tokenizer.size)
    assert any(index in new for ids in around for index in ids)
    for ours, theirs in zip(found["states"], states_of(directory, around[:3] + around[-3:]), strict=True):
        np.testing.assert_allclose(np.array(ours), theirs, atol=1e-3)
    # RoBERTa has a piece of this name, which llama.cpp takes for a special token.
    hard = [text for text in adversarial_strings(400, long=False) if "<|endoftext|>" not in text]
    ours, theirs = tokenizer.encode(hard), ask(exported.path, hard, embed=True)["ids"]
    differ = [text for text, one, other in zip(hard, ours, theirs, strict=True) if one != other]
    assert [text for text in differ if plain(kind, text)] == []


def plain(kind: str, text: str) -> bool:
    """Whether llama.cpp normalizes a text as the tokenizer does: see the note on export."""
    if kind in ("roberta", "modernbert"):
        return True
    if kind == "xlm-roberta":
        return "\x85" not in text and not any(unicodedata.category(one)[0] == "M" for one in text)
    special = {"Mn", "Mc", "Me", "Cf", "Co", "Cn", "Cs"}
    letters = unicodedata.normalize("NFD", text)
    odd = any(unicodedata.category(one) in special or one in ODD for one in letters)
    hangul = any("\uac00" <= one <= "\ud7a3" for one in text)
    return not odd and not hangul and max(map(len, text.split()), default=0) <= 100


@pytest.mark.parametrize("change", [{"lowercase": False}, {"strip_accents": False}, {"clean_text": False}])
def test_a_wordpiece_that_llama_cpp_reads_otherwise_is_refused(change, bert_json):
    base = read_once(bert_json)
    other = type(base)({**base.spec, "normalizer": {**base.spec["normalizer"], **change}})
    with pytest.raises(TokenizerError, match="serve it with"):
        vocabulary_of(other, bert_json, {}, other.size)


@pytest.mark.parametrize(
    "change",
    [
        {"pre_tokenizer": {"type": "WhitespaceSplit"}},
        {"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}},
        {"normalizer": {"type": "Lowercase"}},
    ],
)
def test_a_unigram_that_llama_cpp_reads_otherwise_is_refused(change, xlmr_json):
    base = read_once(xlmr_json)
    other = type(base)({**base.spec, **change})
    with pytest.raises(TokenizerError, match="serve it with"):
        vocabulary_of(other, xlmr_json, {}, other.size)


@pytest.mark.parametrize(
    "change", [{"is_decoder": True}, {"position_embedding_type": "relative_key"}, {"hidden_act": "relu"}]
)
def test_an_encoder_that_llama_cpp_computes_otherwise_is_refused(change, tiny_encoder):
    edit(tiny_encoder, change)
    with pytest.raises(BaseModelError):
        bert_settings_of(read_checkpoint(tiny_encoder))


@pytest.mark.parametrize(
    "change",
    [
        {"layer_types": ["sliding_attention", "full_attention"]},
        {"layer_types": ["full_attention", "full_attention"]},
        {"hidden_activation": "relu"},
        {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 2.0}}},
    ],
)
def test_a_modernbert_that_llama_cpp_computes_otherwise_is_refused(change, tmp_path):
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    config = ModernBertConfig(**SIZES, vocab_size=64, pad_token_id=1, **IDS)
    ModernBertForMaskedLM(config).save_pretrained(tmp_path)
    edit(tmp_path, change)
    with pytest.raises(BaseModelError):
        modernbert_settings_of(read_checkpoint(tmp_path))


def test_the_pooling_of_sentence_transformers_is_written(tiny_encoder):
    assert "bert.pooling_type" not in bert_settings_of(read_checkpoint(tiny_encoder)).values()
    (tiny_encoder / "1_Pooling").mkdir()
    stated = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (tiny_encoder / "1_Pooling" / "config.json").write_text(json.dumps(stated))
    assert bert_settings_of(read_checkpoint(tiny_encoder)).values()["bert.pooling_type"] == 1


@pytest.fixture
def tiny_encoder(tmp_path) -> Path:
    from transformers import BertConfig, BertForMaskedLM

    directory = tmp_path / "tiny"
    BertForMaskedLM(BertConfig(**SIZES, vocab_size=64)).save_pretrained(directory)
    return directory


def edit(directory: Path, change) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
