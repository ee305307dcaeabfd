"""What other programs make of an extension: the files and strings that they get."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vocabx._util.extras import installed
from vocabx.commands.verify.options import VerifyOptions
from vocabx.errors import VocabxError
from vocabx.exports.export_tiktoken import settings_beside, write_encoding
from vocabx.gguf.vocabulary_file import write_vocabulary
from vocabx.progress import Progress
from vocabx.runtimes.compare import Subject, compare
from vocabx.runtimes.reading import Row
from vocabx.runtimes.runtime import Place, Runtime
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.to_tiktoken import to_tiktoken
from vocabx.tokenizer.verify import Texts
from vocabx.tokenizer.write import model_type, write_tokenizer

_Files = tuple[FastTokenizer, Path]


def compare_runtimes(
    runtimes: Sequence[tuple[Runtime, Place]],
    base: _Files,
    extended: _Files,
    texts: Texts,
    options: VerifyOptions,
    progress: Progress,
) -> tuple[Row, ...]:
    """Compare runtimes: two fifths of text in the new language, one of the base's, and adversarial strings.

    Args:
        runtimes: the runtimes, each with where it is looked for.
        base, extended: the tokenizers and where their files are.
        texts: what the certificate was made on.
        options: of the command.
        progress: receives the stage.
    """
    asked = [runtime for runtime, _ in runtimes]
    with (
        tempfile.TemporaryDirectory(prefix="vocabx-") as scratch,
        progress.stage("Asking runtimes", total=len(runtimes), unit="runtimes") as advance,
    ):
        before = _subject(*base, Path(scratch) / "base", asked)
        after = _subject(*extended, Path(scratch) / "extended", asked)
        strings = _strings(base[0], texts, options.runtimes_strings)
        return tuple(compare(runtimes, before, after, strings, options.runtimes_seconds, advance))


def _strings(base: FastTokenizer, texts: Texts, count: int) -> list[str]:
    own = count // 5
    target = list(texts.target[: count * 2 // 5])
    base_text = list(texts.base[:own])
    literals = [token["content"] for token in base.spec["added_tokens"]]
    left = count - len(target) - len(base_text)
    return [*target, *base_text, *adversarial_strings(left, texts.seed, literals, long=False)]


def _subject(tokenizer: FastTokenizer, path: Path, scratch: Path, runtimes: Sequence[Runtime]) -> Subject:
    """A tokenizer with a directory that has a tokenizer.json, and with the other files that are needed."""
    scratch.mkdir()
    directory = path
    if not (path / "tokenizer.json").is_file():
        directory = scratch / "tokenizer"
        directory.mkdir()
        # As `extend` would write the base itself.
        write_tokenizer(tokenizer, path, directory, beside=model_type(path))
        if (path / "config.json").is_file():
            shutil.copyfile(path / "config.json", directory / "config.json")
    gguf, no_gguf, tiktoken, no_tiktoken = None, "", None, ""
    if any(runtime.gguf for runtime in runtimes):
        gguf, no_gguf = _gguf(tokenizer, directory, scratch / "vocabulary.gguf")
    if any(runtime.tiktoken for runtime in runtimes):
        tiktoken, no_tiktoken = _tiktoken(tokenizer, scratch / "vocabulary.tiktoken")
    return Subject(tokenizer, directory, gguf, no_gguf, tiktoken, no_tiktoken)


def _gguf(tokenizer: FastTokenizer, directory: Path, out: Path) -> tuple[Path | None, str]:
    """The tokenizer as a .gguf file, or why there is none."""
    if not installed("gguf"):
        return None, "vocabx writes .gguf files with the package gguf"
    try:
        write_vocabulary(tokenizer, directory, out)
    except VocabxError as error:
        return None, str(error)
    return out, ""


def _tiktoken(tokenizer: FastTokenizer, out: Path) -> tuple[Path | None, str]:
    """The tokenizer as a .tiktoken file with its .json file, or why there is none."""
    try:
        write_encoding(to_tiktoken(tokenizer), out.stem, out, settings_beside(out))
    except VocabxError as error:
        return None, str(error)
    return out, ""
