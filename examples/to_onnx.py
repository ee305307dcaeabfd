"""A checkpoint, extended or not, as an .onnx file that onnxruntime and OpenVINO run.

    pip install 'vocabx[onnx]'
    python examples/to_onnx.py runs/demo runs/demo.onnx

The file computes logits: `input_ids` and `attention_mask` (batch, length), padded on either side, become
`logits` (batch, length, rows). It keeps no state between calls, and is in float32.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


class Logits(torch.nn.Module):
    """A model without its cache and its output class."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The logits of each token."""
        return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path, help="the checkpoint")
    parser.add_argument("out", type=Path, help="the .onnx file to write")
    options = parser.parse_args(arguments)
    # Any text will do that is more than one token long, with another: a size of one would become fixed.
    ids = torch.arange(16).reshape(2, 8)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    torch.onnx.export(
        Logits(options.directory),
        (ids, torch.ones_like(ids)),
        str(options.out),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes=(axes, axes),
        dynamo=True,
    )


if __name__ == "__main__":
    main()
