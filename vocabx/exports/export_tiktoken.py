"""The tokenizer of a checkpoint as files for tiktoken, and the proof that tiktoken reads them as meant."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx._util.shorten import shortened
from vocabx.checkpoint.configuration import rows_by_configuration
from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.single_file import check_target, staged_file
from vocabx.corpus.languages import find_language
from vocabx.corpus.packaged_text import is_readable, read_packaged
from vocabx.errors import OutputError, TokenizerError
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.tiktoken_file import read_tiktoken, write_tiktoken
from vocabx.tokenizer.to_tiktoken import TiktokenEncoding, to_tiktoken

FLAG = "--tiktoken"
_SUFFIX = ".tiktoken"
# Strings of each kind to compare, and tokens in one that is made of random tokens.
_STRINGS, _TOKENS = 2_000, 8


@dataclass(frozen=True)
class TiktokenResult:
    """What was written.

    Attributes:
        path: the file of tokens and ranks.
        settings: the JSON file with the other arguments of `tiktoken.Encoding`.
        tokens: number of tokens in the first.
        special: number of special and other added tokens in the second.
        strings: number of strings that tiktoken encoded as the tokenizer does: all that were compared.
        lacking: ids from this one on stand for bytes that the tokenizer drops; None where there are none.
    """

    path: Path
    settings: Path
    tokens: int
    special: int
    strings: int
    lacking: int | None


def export_tiktoken(directory: Path, out: Path, progress: Progress | None = None) -> TiktokenResult:
    """Write the tokenizer of a directory for tiktoken: its tokens by rank, and a JSON file beside them.

    Args:
        directory: a model directory, or one with a tokenizer alone.
        out: the file of tokens, which ends in .tiktoken; the other has the same name with .json.
        progress: receives the stages, and notes on where tiktoken behaves differently.

    Raises:
        TokenizerError: tiktoken cannot express the tokenizer, or encodes a text differently.
        OutputError: a file exists, or cannot be written there.
        MissingPackageError: tiktoken is not installed.
    """
    progress = progress or Quiet()
    if out.suffix != _SUFFIX:
        raise OutputError(f"{out} does not end in {_SUFFIX}: pass {FLAG} {out}{_SUFFIX}")
    settings = settings_beside(out)
    for target in (out, settings):
        check_target(target, flag=FLAG)
    need("tiktoken", "tiktoken")
    tokenizer = read_tokenizer(directory)
    with progress.stage("Checking the order of merges"):
        encoding = to_tiktoken(tokenizer, rows_by_configuration(directory) or 0)
    for difference in encoding.differences:
        progress.note(difference)
    texts = _texts(tokenizer, encoding, directory)
    with (
        staged_file(out, progress.note, FLAG) as scratch,
        staged_file(settings, progress.note, FLAG) as other,
        progress.stage("Comparing with tiktoken"),
    ):
        write_encoding(encoding, out.stem, scratch, other)
        _compare(tokenizer, encoding, texts, scratch, other)
    return TiktokenResult(
        out, settings, len(encoding.ranks), len(encoding.special), len(texts), encoding.lacking
    )


def settings_beside(out: Path) -> Path:
    """The JSON file that belongs to a file of tokens."""
    return out.with_suffix(".json")


def write_encoding(encoding: TiktokenEncoding, name: str, ranks: Path, settings: Path) -> None:
    """Write the two files of an encoding.

    Args:
        encoding: what to write.
        name: tiktoken's name of it.
        ranks: the file of tokens and ranks.
        settings: the JSON file with the other arguments of `tiktoken.Encoding`.
    """
    write_tiktoken(ranks, encoding.ranks)
    stated = {"name": name, "pat_str": encoding.pattern, "special_tokens": encoding.special}
    settings.write_text(json.dumps(stated, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _compare(
    tokenizer: FastTokenizer,
    encoding: TiktokenEncoding,
    texts: Sequence[str],
    ranks: Path,
    settings: Path,
) -> None:
    """Encode and decode texts with the files as they were written.

    Raises:
        TokenizerError: tiktoken makes something else of one.
    """
    tiktoken: Any = need("tiktoken", "tiktoken")
    read = dict(zip(read_tiktoken(ranks), sorted(encoding.ranks.values()), strict=True))
    made = tiktoken.Encoding(**json.loads(settings.read_text("utf-8")), mergeable_ranks=read)
    for text, ids in zip(texts, tokenizer.encode(texts), strict=True):
        theirs = made.encode(text, allowed_special="all")
        kept = [index for index in theirs if encoding.lacking is None or index < encoding.lacking]
        if kept != list(ids):
            raise TokenizerError(
                f"tiktoken encodes {shortened(repr(text), 60)} otherwise than the tokenizer, so no file was "
                "written: serve it where tokenizer.json is read"
            )
        if made.decode_bytes(theirs) != text.encode():
            raise TokenizerError(
                f"tiktoken decodes the ids of {shortened(repr(text), 60)} to another text, so no file was "
                "written: serve it where tokenizer.json is read"
            )


def _texts(tokenizer: FastTokenizer, encoding: TiktokenEncoding, directory: Path) -> list[str]:
    """Each token alone, random tokens in a row, text of both languages, and adversarial strings."""
    known = list(encoding.ranks)
    draw = random.Random(0)
    rows = (b"".join(draw.choices(known, k=_TOKENS)) for _ in range(_STRINGS))
    alone = (token.decode("utf-8", "ignore") for token in (*known, *rows))
    manifest = read_manifest(directory) if directory.is_dir() else None
    tags = dict.fromkeys(["en", *(manifest.language.split(",") if manifest else [])])
    strings = adversarial_strings(_STRINGS, 0, list(encoding.special), long=False)
    texts = (*alone, *(line for tag in tags for line in _packaged(tag)), *strings)
    # tiktoken does not compose characters.
    return list(dict.fromkeys(map(tokenizer.normal, texts)))


def _packaged(tag: str) -> Iterator[str]:
    """The first lines of a language's text, where one is installed."""
    lines = (
        line
        for text in find_language(tag).packaged
        if is_readable(text.file)
        for document in read_packaged(text.file)
        for line in document.text.split("\n")
    )
    return (line for line, _ in zip(lines, range(_STRINGS), strict=False))
