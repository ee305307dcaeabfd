"""Small random encoders and encoder-decoders with real tokenizers, extended by some Chinese tokens."""

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5ForConditionalGeneration,
)

from vocabx import ExtendOptions, extend

_SHAPE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
KINDS = ("bert", "roberta", "distilbert", "modernbert", "t5")


def small_encoder(kind: str, **settings: Any) -> Any:
    """A random model with its lm_head, whose biases are not zero."""
    torch.manual_seed(0)
    model = _made(kind, settings)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.1)
    return model


def extended_encoder(kind: str, tokenizer: Path, texts: Path, directory: Path, new_tokens: int = 60) -> Path:
    """Write a small model with a real tokenizer, and extend it for Traditional Chinese.

    Args:
        kind: one of `KINDS`.
        tokenizer: its tokenizer.json.
        texts: a directory with zh.jsonl and en.txt.
        directory: where both are written.
        new_tokens: to learn.
    """
    base, out = directory / kind, directory / f"{kind}-extended"
    small_encoder(kind).save_pretrained(base)
    shutil.copyfile(tokenizer, base / "tokenizer.json")
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", out=out, corpus=(str(texts / "zh.jsonl"),), evaluate=False,
        base_text=(str(texts / "en.txt"),), new_tokens=new_tokens, adversarial=50, heldout_bytes=2000,
    )  # fmt: skip
    extend(options)
    return out


def _made(kind: str, settings: dict[str, Any]) -> Any:
    if kind == "bert":
        return BertForMaskedLM(BertConfig(**{**_SHAPE, "vocab_size": 30522, **settings}))
    if kind == "distilbert":
        shape = {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "vocab_size": 30522}
        return DistilBertForMaskedLM(DistilBertConfig(**{**shape, **settings}))
    if kind == "t5":
        shape = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "vocab_size": 32128}
        ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
        return T5ForConditionalGeneration(T5Config(**{**shape, **ids, **settings}))
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "vocab_size": 50265}
    if kind == "roberta":
        shape = {**_SHAPE, "max_position_embeddings": 514, "type_vocab_size": 1}
        return RobertaForMaskedLM(RobertaConfig(**{**shape, **ids, **settings}))
    more = {"cls_token_id": 0, "sep_token_id": 2, "max_position_embeddings": 512}
    return ModernBertForMaskedLM(ModernBertConfig(**{**_SHAPE, **ids, **more, **settings}))
