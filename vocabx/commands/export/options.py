"""The options of `vocabx export`."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import OUTPUT


@options
class ExportOptions:
    """Options of `export`; each has its own help text."""

    directory: Path = option("A checkpoint of the Llama family, extended by vocabx or not.", default=Path())
    gguf: Path = option(
        "The .gguf file to write, for llama.cpp.", default=Path("model.gguf"), panel=OUTPUT, metavar="<file>"
    )
    dtype: Literal["auto", "f32", "f16", "bf16", "q8_0"] = option(
        "Dtype of the matrices; auto keeps that of the checkpoint.", default="auto", panel=OUTPUT
    )
    pre: str = option(
        "llama.cpp's name of the pre-tokenizer, at your own risk. Default: found from tokenizer.json.",
        default="",
        panel=OUTPUT,
    )
