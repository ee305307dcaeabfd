"""The options of `vocabx export`."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import flag, option, options
from vocabx.commands._options import OUTPUT, command
from vocabx.errors import OptionError

_TARGETS = ("gguf", "tiktoken", "ctranslate2", "dense")
# The dtypes that each can store; what a tokenizer alone is written for has none.
_DTYPES = {"gguf": ("f32", "f16", "bf16", "q8_0"), "ctranslate2": ("f32", "f16", "bf16", "int8")}


@options
class ExportOptions:
    """Options of `export`, among them one of `gguf`, `tiktoken`, `ctranslate2` and `dense`."""

    directory: Path = option("A checkpoint, extended by vocabx or not.", default=Path())
    gguf: Path | None = option(
        "The .gguf file to write, for llama.cpp; of Llama, Mistral, Qwen 2 and 3, Gemma, BERT and RoBERTa.",
        default=None,
        panel=OUTPUT,
        metavar="<file>",
    )
    tiktoken: Path | None = option(
        "The .tiktoken file to write, with a .json file beside it: the tokenizer alone, byte-level BPE.",
        default=None,
        panel=OUTPUT,
        metavar="<file>",
    )
    ctranslate2: Path | None = option(
        "The directory to write, for CTranslate2, by its own converter.",
        default=None,
        panel=OUTPUT,
    )
    dense: Path | None = option(
        "The directory to write, of a factorized checkpoint: each embedding matrix multiplied out, for "
        "whatever reads dense checkpoints.",
        default=None,
        panel=OUTPUT,
    )
    dtype: Literal["auto", "f32", "f16", "bf16", "q8_0", "int8"] = option(
        "Dtype of the matrices: q8_0 only with --gguf, int8 only with --ctranslate2; auto keeps that of the "
        "checkpoint.",
        default="auto",
        panel=OUTPUT,
    )
    pre: str = option(
        "llama.cpp's name of the pre-tokenizer, at your own risk. Default: found from tokenizer.json.",
        default="",
        panel=OUTPUT,
    )
    command: str = command("manifest of --dense")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        given = [name for name in _TARGETS if getattr(self, name) is not None]
        if len(given) != 1:
            raise OptionError("pass one of --gguf FILE, --tiktoken FILE, --ctranslate2 DIR and --dense DIR")
        target = given[0]
        stored = _DTYPES.get(target, ())
        if self.dtype not in ("auto", *stored):
            choices = f"pass auto, {', '.join(stored)}" if stored else "leave it out"
            raise OptionError(f"--dtype {self.dtype} does not go with {flag(target)}: {choices}")
        if self.pre and target != "gguf":
            raise OptionError(f"--pre goes with --gguf and not with {flag(target)}: leave it out")
