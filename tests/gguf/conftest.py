"""Small random models of each type, with real tokenizers."""

import json
from pathlib import Path

import pytest

from vocabx.tokenizer.byte_alphabet import to_alphabet
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.write import write_tokenizer

# Large enough for the order of positions to matter, small enough to run in a second.
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "tie_word_embeddings": False,
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A directory with a tokenizer of ASCII, 130 letter pairs and three special tokens, split as in SmolLM2.

    It has no partial characters: llama.cpp's server only reports a step once its text is complete.
    """
    pairs = [(left, right) for left in "aeiou" for right in "abcdefghijklmnopqrstuvwxyz"]
    tokens = [*(to_alphabet(bytes([byte])) for byte in range(128)), *map("".join, pairs)]
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    alphabet = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    spec = {
        "version": "1.0",
        "added_tokens": [{"id": 258 + n, "content": name, **plain} for n, name in enumerate(names)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, alphabet]},
        "post_processor": None,
        "decoder": alphabet,
        "model": {
            "type": "BPE",
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": [" ".join(pair) for pair in pairs],
        },
    }
    config = {"bos_token": names[1], "eos_token": names[2], "pad_token": names[0]}
    directory = tmp_path / "small"
    directory.mkdir()
    (directory / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (directory / "chat_template.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    return directory


@pytest.fixture
def random_model(tmp_path: Path):
    """A function that makes a random model of a type with the tokenizer of a file, in its own directory."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    def make(kind: str, tokenizer: Path, dtype: str = "float32", pad: int = 64, **settings) -> Path:
        read = read_tokenizer(tokenizer)
        rows = -(-read.size // pad) * pad
        torch.manual_seed(0)
        config = CONFIG_MAPPING[kind](**{**SIZES, "vocab_size": rows, **settings})
        model = AutoModelForCausalLM.from_config(config).to(getattr(torch, dtype))
        # Biases and norms are initialized to zeros and ones, which would hide mistakes.
        with torch.no_grad():
            for tensor in model.parameters():
                if tensor.ndim == 1:
                    tensor.add_(torch.randn(tensor.shape).to(tensor.dtype) * 0.2)
        directory = tmp_path / f"model-{len(list(tmp_path.iterdir()))}"
        model.save_pretrained(directory)
        write_tokenizer(read, tokenizer if tokenizer.is_dir() else tokenizer.parent / "none", directory)
        return directory

    return make
