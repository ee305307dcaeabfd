"""What the benchmarks of families share: real tokenizers, text from packages, the certificate as a row.

Text comes from packages of npm, pinned by hash, and is read where it lies in the user's cache. Nothing of
it is kept here.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import machine, smollm2

from vocabx._util.cache import cache_directory
from vocabx.corpus.languages import find_language
from vocabx.corpus.read_text import Document
from vocabx.corpus.sample import Corpus, sample_corpus
from vocabx.corpus.source import default_source
from vocabx.evaluation.fertility import count_tokens, count_unknown
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CACHE = cache_directory() / "benchmarks"

_PYPI = HERE.parent / ".venv/real/pypi"
_NPM = HERE.parent / ".venv/real/npm/node_modules/@plurnk/plurnk-mimetypes-tokenizers/tokenizers"
# `make test` installs these.
BASES = {
    "Mistral v1": _PYPI / "mistral_common/data/tokenizer.model.v1",
    "Llama 2": _NPM / "llama2",
    "GPT-2": _PYPI / "llm_detector/assets/tokenizers/gpt2_tokenizer.json",
    "Qwen 2.5": _NPM / "qwen",
    "Llama 3": _NPM / "llama3",
    "Gemma 2": _NPM / "gemma",
    "T5": _NPM / "t5",
    "BERT": _NPM / "bert",
}

# npm packages with text: version, and sha256 of the archive.
_ARCHIVES = {
    "chinese-poetry": ("2.0.1", "25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86"),
    "de-corpus": ("0.0.1", "d678e1947b4f2f00f5cd17e81f41a55829cb9fbd5687a4dd0cd9f7f583039a12"),
    "fr-corpus": ("0.0.1", "3dce489e35023d25540ca61f502503becc2b4b588d927ebc11a58b670bc9a933"),
    "nlp-corpus": ("4.4.0", "099df43749ba6bb26953f98863a5d38ff764648ce21872ceb1515a3eacb5682a"),
}


def base_path(name: str) -> Path:
    """Where a base of `BASES`, or SmolLM2, is."""
    return smollm2() if name == "SmolLM2" else BASES[name]


def alphabet_of(tag: str) -> Alphabet:
    """The characters of a language that has a profile."""
    language = find_language(tag)
    return Alphabet(language.scripts, language.blocks)


def sampled(tag: str, documents: Iterable[Document], learn_bytes: int = 8_000_000) -> Corpus:
    """Sample documents as `vocabx extend` does."""
    return sample_corpus(documents, find_language(tag).scripts, learn_bytes, heldout_bytes=60_000, seed=0)


def english_lines() -> list[str]:
    """The English that `vocabx extend` verifies on."""
    corpus = sampled("en", default_source(find_language("en")).open())
    return [*corpus.heldout, *corpus.learning]


def archive(package: str) -> Path:
    """An npm package's archive in the cache, fetched once."""
    version, sha256 = _ARCHIVES[package]
    path = CACHE / f"{package}-{version}.tgz"
    if not path.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=CACHE, check=True)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise SystemExit(f"{path} is not the archive we know: remove it and run this again")
    return path


def members(package: str, pattern: str) -> Iterator[tuple[str, Any]]:
    """The JSON files of an npm package whose path matches `pattern`, with their content, by name."""
    with tarfile.open(archive(package)) as tar:
        found = {item.name: item for item in tar if Path(item.name).match(pattern)}
        for name in sorted(found):
            yield name, json.load(tar.extractfile(found[name]))


def poems() -> Iterator[Document]:
    """Tang and Song poems in Traditional Chinese, one a document."""
    for name, content in members("chinese-poetry", "package/dist/quantangshi/poet.*.json"):
        for poem in content:
            yield Document("\n".join([poem["title"], *poem["paragraphs"]]), name, 0)


@dataclass(frozen=True)
class Measured:
    """An extension, its certificate, and the figures of a table's row."""

    extension: Extension
    certificate: Certificate
    row: dict[str, Any]

    def failed(self, name: str) -> str:
        """How many cases of a claim failed, of how many; "-" where nothing was claimed."""
        found = [claim for claim in self.certificate.claims if claim.name == name]
        return f"{found[0].failed} of {found[0].checked:,}" if found else "-"

    def examples(self) -> dict[str, list[str]]:
        """Counterexamples by claim."""
        return {claim.name: list(claim.examples) for claim in self.certificate.claims if claim.failed}


def measure(
    path: Path | None,
    base: FastTokenizer,
    corpus: Corpus,
    english: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
) -> Measured:
    """Extend `base` and verify it as `vocabx extend` does, with 10,000 hostile strings.

    Without the `path` of the base what transformers makes of the written files is left out.
    """
    start = time.perf_counter()
    extension = extend_tokenizer(base, corpus.learning, alphabet, request, base.size, Quiet())
    made = time.perf_counter()
    texts = Texts([*corpus.heldout, *corpus.learning], english, request.protected)
    with TemporaryDirectory() as written:
        directories = (path, Path(written)) if path else None
        if path:
            write_tokenizer(extension.tokenizer, path, Path(written))
        certificate = verify(base, extension.tokenizer, alphabet, texts, directories)
    verified = time.perf_counter()
    before, after = (count_tokens(tokenizer, corpus.heldout) for tokenizer in (base, extension.tokenizer))
    row = {
        "new tokens": len(extension.pieces),
        "tokens": f"{before:,} → {after:,}",
        "ratio": round(after / before, 4),
        "unknown": " → ".join(f"{count_unknown(t, corpus.heldout):,}" for t in (base, extension.tokenizer)),
        "extend s": round(made - start, 1),
        "verify s": round(verified - made, 1),
    }
    failed = [claim.name for claim in certificate.claims if claim.failed]
    print(base.family, row, "failed:", failed, file=sys.stderr)
    return Measured(extension, certificate, row)


def load(name: str) -> tuple[Path, FastTokenizer]:
    """A base by its name, ready: loading it is not extending it."""
    path = base_path(name)
    base = read_tokenizer(path)
    base.encode([""])
    return path, base


def finish(name: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Write results/NAME.json and print it, then its rows as the table of results/README.md."""
    text = json.dumps({"machine": machine(), **more, "rows": rows}, indent=2, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    columns = list(rows[0])
    print("\n| " + " | ".join(columns) + " |\n|---" + "|---:" * (len(columns) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |")


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
