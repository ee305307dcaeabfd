"""Tokens learned from the default text of languages: how much shorter they make text of other domains.

    python benchmarks/default_text.py [--languages zh-Hant hi ...]

The other text of each language is that of translated programs (see catalogues.py); of Traditional Chinese
also Debian's books and LibreOffice's help. A row is added to the file of results as soon as it is known,
and takes the place of an earlier one. "words" needs `pip install 'vocabx[wordfreq]'`. For a language with
packaged running text "running" learns from that alone, as without the package, and "both" from both.
"""

import html
import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from bases import load_tokenizer, tokenizer_path
from catalogues import add_catalogue_option, catalogues_of, package_file
from common import Result, machine, new_parser, read_result, run_script, timed, write_result
from texts import alphabet_of, in_documents, sample, size_of

from vocabx.corpus.document import Document
from vocabx.corpus.languages import find_language
from vocabx.corpus.sample_sizes import LEARN_BYTES
from vocabx.corpus.source import default_source, learning_source
from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.pretokenized import boundaries_of

NAME = "default-text"
LANGUAGES = ("zh-Hant", "hi", "ta", "bn", "ar", "ja", "ko", "vi", "ru", "de")
# gettext's names where they are others.
_GETTEXT = {"zh-Hant": "zh_TW", "zh-Hans": "zh_CN", "sr-Latn": "sr@latin"}
# Prose in Traditional Chinese: a Debian package, and which of its files.
_BOOKS = {
    "debian-handbook": r"/zh-TW/.*\.html$",
    "debian-reference-zh-tw": r"\.zh-tw\.html$",
    "libreoffice-help-zh-tw": r"\.html$",
}
_NOT_TEXT = re.compile(r"<(script|style|pre)\b.*?</\1>", re.DOTALL)
_BLOCK_END = re.compile(r"</(?:p|li|h\d|div|td|dt|dd)>|\n")
_TAG = re.compile(r"<[^>]+>")
_HAN = re.compile("[\u4e00-\u9fff]")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(
        __doc__, base="SmolLM2", new_tokens=8000, learn_bytes=LEARN_BYTES, other_bytes=300_000
    )
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, metavar="LANGUAGE")
    parser.add_argument("--kinds", nargs="+", default=("running", "both", "words"))
    add_catalogue_option(parser)
    options = parser.parse_args(arguments)
    base = load_tokenizer(tokenizer_path(options.base))
    result = read_result(options.out, NAME) or {"machine": machine(), "base": options.base, "rows": []}
    for tag in options.languages:
        others = other_texts(tag, options.catalogues, options.other_bytes)
        packaged = bool(find_language(tag).packaged)
        for kind in [kind for kind in options.kinds if (kind == "words") != packaged]:
            row = {"language": tag, "text": kind, **measured(tag, kind, base, others, options)}
            kept = [one for one in result["rows"] if (one["language"], one["text"]) != (tag, kind)]
            result["rows"] = [*kept, row]
            write_result(options.out, NAME, result)
    print(table(result["rows"]))
    return result


def measured(
    tag: str, kind: str, base: FastTokenizer, others: dict[str, tuple[str, ...]], options: Any
) -> Result:
    """What tokens learned from a kind of default text are worth."""
    language = find_language(tag)
    source = default_source(language) if kind == "running" else learning_source(language)
    corpus = sample(tag, source.open(), options.learn_bytes)
    request = TokenRequest(new_tokens=options.new_tokens, strict=False)
    alphabet = alphabet_of(tag)
    extension, seconds = timed(
        lambda: extend_tokenizer(base, corpus.learning, alphabet, request, base.size, Quiet())
    )
    texts = {"held out of it": corpus.heldout, **others}
    return {
        "source": source.description,
        "learning bytes": size_of(corpus.learning),
        "new tokens": len(extension.pieces),
        "seconds": round(seconds, 1),
        "ratios": {name: _ratio(base, extension.tokenizer, text, alphabet) for name, text in texts.items()},
    }


def _ratio(base: FastTokenizer, extended: FastTokenizer, text: Sequence[str], alphabet: Alphabet) -> Result:
    """Tokens of a text over the base's, and the least that any tokens could give."""
    before = count_tokens(base, text)
    least = boundaries_of(base, text, alphabet).least
    return {
        "bytes": size_of(text),
        "ratio": round(count_tokens(extended, text) / before, 4),
        "floor": None if least is None else round(least / before, 4),
    }


def other_texts(tag: str, directories: Sequence[str], size: int) -> dict[str, tuple[str, ...]]:
    """Text of other domains by name, about `size` bytes of each."""
    name = _GETTEXT.get(tag, tag)
    texts = {"catalogues": catalogues_of(name, directories)[1]}
    if tag == "zh-Hant" and not directories:
        texts |= {package: _book(package, pattern) for package, pattern in _BOOKS.items()}
    return {
        name: sample(tag, documents, learn_bytes=1, heldout_bytes=size).heldout
        for name, documents in texts.items()
    }


def _book(package: str, pattern: str) -> Iterator[Document]:
    """The distinct lines of the pages of a Debian package that are mostly Chinese."""
    deb = package_file(package)
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, capture_output=True).stdout
    lines: dict[str, None] = {}
    with tarfile.open(fileobj=BytesIO(files)) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            stream = tar.extractfile(member) if re.search(pattern, member.name) else None
            page = stream.read().decode("utf-8", "replace") if stream else ""
            for part in _BLOCK_END.split(_NOT_TEXT.sub("", page)):
                line = " ".join(html.unescape(_TAG.sub("", part)).split())
                if len(line) > 8 and len(_HAN.findall(line)) > len(line) / 2:
                    lines[line] = None
    yield from in_documents([*lines], package)


def table(rows: Sequence[Result]) -> str:
    """The rows in Markdown: of each text the ratio, and the floor after a slash."""
    texts = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
    lines = [
        f"| language | learned from | new tokens | {' | '.join(texts)} |",
        f"|---|---|{'---:|' * (len(texts) + 1)}",
    ]
    for row in rows:
        cells = [_cell(row["ratios"].get(name)) for name in texts]
        lines.append(f"| {row['language']} | {row['text']} | {row['new tokens']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: Result | None) -> str:
    if found is None:
        return ""
    return f"{found['ratio']:.3f}" + ("" if found["floor"] is None else f" / {found['floor']:.3f}")


if __name__ == "__main__":
    run_script(main)
