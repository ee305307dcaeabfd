"""A .gguf file of a vocabulary alone: how llama.cpp tokenizes with an export, without its weights."""

from pathlib import Path

import numpy as np

from vocabx._util.extras import need
from vocabx.checkpoint.configuration import read_config, rows_by_configuration
from vocabx.gguf.export_gguf import add_value
from vocabx.gguf.settings import architecture_of
from vocabx.gguf.vocabulary import vocabulary_of
from vocabx.tokenizer.fast import FastTokenizer

# The smallest model that llama.cpp loads: one block of one head, all zeros.
_WIDTH = 32
_SETTINGS = {
    "context_length": 64,
    "embedding_length": _WIDTH,
    "block_count": 1,
    "feed_forward_length": _WIDTH,
    "attention.head_count": 1,
    "attention.head_count_kv": 1,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "rope.dimension_count": _WIDTH,
}
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_VECTORS = ("attn_norm", "ffn_norm")


def write_vocabulary(tokenizer: FastTokenizer, directory: Path, out: Path) -> None:
    """Write the vocabulary that an export of `directory` would have, with a model of zeros.

    Args:
        tokenizer: the tokenizer of `directory`.
        directory: a checkpoint, or a tokenizer alone.
        out: the file to write.

    Raises:
        BaseModelError: if its model type is not exported.
        TokenizerError: if the tokenizer has no counterpart in llama.cpp.
    """
    gguf = need("gguf", "gguf")
    config = read_config(directory) if (directory / "config.json").is_file() else {}
    if config:
        architecture_of(config, str(directory))
    rows = rows_by_configuration(directory) or tokenizer.size
    vocabulary = vocabulary_of(tokenizer, directory, config, rows)
    writer = gguf.GGUFWriter(out, "llama")
    settings = {f"llama.{name}": value for name, value in _SETTINGS.items()}
    for key, value in {"general.type": "model", "llama.vocab_size": rows, **settings}.items():
        add_value(writer, key, value)
    for key, value in vocabulary.values().items():
        add_value(writer, key, value)
    writer.add_tensor("token_embd.weight", np.zeros((rows, _WIDTH), dtype=np.float16))
    writer.add_tensor("output_norm.weight", np.zeros(_WIDTH, dtype=np.float32))
    for name in _MATRICES:
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((_WIDTH, _WIDTH), dtype=np.float16))
    for name in _VECTORS:
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(_WIDTH, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
