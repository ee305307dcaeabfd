"""The base models and tokenizers that benchmarks extend."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from vocabx.checkpoint.base import find_base
from vocabx.progress import Quiet
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

_REAL = Path(__file__).resolve().parent.parent / ".venv/real"
_PYPI = _REAL / "pypi"
_NPM = _REAL / "npm/node_modules/@plurnk/plurnk-mimetypes-tokenizers/tokenizers"
# `make test` installs these.
TOKENIZERS = {
    "Mistral v1": _PYPI / "mistral_common/data/tokenizer.model.v1",
    "Llama 2": _NPM / "llama2",
    "GPT-2": _PYPI / "llm_detector/assets/tokenizers/gpt2_tokenizer.json",
    "Qwen 2.5": _NPM / "qwen",
    "Llama 3": _NPM / "llama3",
    "Gemma 2": _NPM / "gemma",
    "T5": _NPM / "t5",
    "BERT": _NPM / "bert",
}
_KNOWN = ", ".join((*TOKENIZERS, "SmolLM2"))


def add_bases_option(parser: argparse.ArgumentParser, default: Sequence[str]) -> None:
    """Add `--bases`: what is extended, see `tokenizer_path`."""
    parser.add_argument(
        "--bases",
        nargs="+",
        default=default,
        metavar="BASE",
        help=f"{_KNOWN}, or paths; default: {', '.join(default)}",
    )


def base_directory(name: str) -> Path:
    """The directory of a base model: an alias as smollm2, or a directory."""
    return find_base(name, Quiet()).directory


def tokenizer_path(name: str) -> Path:
    """Where the tokenizer called `name` is: SmolLM2, one of `TOKENIZERS`, or a path.

    Raises:
        SystemExit: there is none, or it is not installed.
    """
    if name == "SmolLM2":
        return base_directory("smollm2")
    path = TOKENIZERS.get(name, Path(name))
    if not path.exists():
        advice = "run `make test`, which installs it" if name in TOKENIZERS else f"pass a path, or {_KNOWN}"
        raise SystemExit(f"{path} is missing: {advice}")
    return path


def load_tokenizer(path: Path) -> FastTokenizer:
    """A tokenizer that has been in use, so that what follows does not time its loading."""
    tokenizer = read_tokenizer(path)
    tokenizer.encode([""])
    return tokenizer
