"""What transformers loads from directories with a tokenizer, found out without torch where that saves time.

transformers imports torch for a tokenizer, too, which takes longer than all the rest. A process that has not
imported it leaves the loading to one in which torch cannot be found, and goes on meanwhile.
"""

import logging
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vocabx._util.loading import load_auto
from vocabx._util.quiet import quiet_transformers

_IDS = ("bos", "eos", "unk", "pad", "sep", "cls", "mask")
_SIDES = ("padding_side", "truncation_side", "model_max_length", "chat_template", "model_input_names")
_SAMPLES = ("", "a", "Hello , world . It 's", " two  spaces\n", "x\ty")
# What a text passes before it comes to the tokenizers library, and where transformers defines it for all.
_CALLS = ("__call__", "_encode_plus", "_batch_encode_plus", "_call_one", "_tokenizer_call", "_preprocess")
_GENERAL = tuple(f"transformers.tokenization_utils_{name}" for name in ("base", "fast", "tokenizers"))
_CHILD = """
import sys
sys.path[:] = {path!a}
# As if it were not installed.
sys.modules["torch"] = None
from vocabx.tokenizer.loaded import answer
answer({directories!a}, {texts!a}, {out!a})
"""


@dataclass(frozen=True)
class Loaded:
    """What transformers makes of a directory.

    Attributes:
        state: the tokenizer that it holds, as the library writes it, without truncation, padding and
            dropout; None where it holds none of the library, or texts do not reach it as they are.
        behavior: what it adds around texts, and what it knows of special tokens.
        ids: of the texts that were asked for.
    """

    state: str | None = field(repr=False)
    behavior: dict[str, Any] = field(repr=False)
    ids: Sequence[Sequence[int]] = field(repr=False)


def load(directory: Path) -> Any:
    """The directory as AutoTokenizer loads it, without dropout.

    Raises:
        VocabxError: transformers cannot load it, or is not installed.
    """
    # It warns of texts longer than the model's context, which many are here.
    logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
    with quiet_transformers("evaluate"):
        loaded = load_auto("AutoTokenizer", directory, "evaluate")
    model: Any = getattr(getattr(loaded, "backend_tokenizer", None), "model", None)
    if model is not None and getattr(model, "dropout", None):
        model.dropout = None
    return loaded


def ids_of(loaded: Any, texts: Sequence[str]) -> list[list[int]]:
    """The ids that transformers gives texts, without a template."""
    if not texts:
        return []
    found: list[list[int]] = loaded(list(texts), add_special_tokens=False)["input_ids"]
    return found


def transformers_version() -> str:
    """The version of transformers that is installed."""
    # Importing it takes a second.
    return version("transformers")


def look(directory: Path, texts: Sequence[str]) -> Loaded | None:
    """Load a directory in this process; None if transformers cannot."""
    try:
        loaded = load(directory)
        # Calls may change the settings of the library's tokenizer, so its state comes last.
        ids, behavior = ids_of(loaded, texts), _behavior(loaded)
        return Loaded(_state(loaded), behavior, ids)
    except Exception:  # For a bare tokenizer.json, transformers has no class to choose.
        return None


class Looking:
    """Directories that are being loaded, elsewhere if that saves time."""

    def __init__(self, directories: Sequence[Path], texts: Sequence[str], out: Path | None) -> None:
        self._directories, self._texts, self._out = directories, texts, out
        self._process = None if out is None else self._started(out)
        self._found: list[Loaded | None] | None = None

    def result(self) -> list[Loaded | None]:
        """What transformers made of each, None of one that it cannot load; waits for it."""
        if self._found is None:
            answered = self._answered()
            self._found = answered or [look(directory, self._texts) for directory in self._directories]
        return self._found

    def stop(self) -> None:
        """End what is still going on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _started(self, out: Path) -> subprocess.Popen[bytes] | None:
        code = _CHILD.format(
            path=[str(Path(entry or ".").absolute()) for entry in sys.path],
            directories=[str(one.absolute()) for one in self._directories],
            texts=list(self._texts),
            out=str(out),
        )
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return None
        assert process.stdin is not None
        # Not as an argument, which may not be so long. One that ended at once is noticed later.
        with suppress(OSError), process.stdin as stream:
            stream.write(code.encode("ascii"))
        return process

    def _answered(self) -> list[Loaded | None] | None:
        """What the other process found, None if it failed: then this one tries."""
        if self._process is None or self._out is None or self._process.wait() or not self._out.is_file():
            return None
        # Our own file, in a directory that only this user may write to.
        found: list[Loaded | None] = pickle.loads(self._out.read_bytes())
        return found


def answer(directories: Sequence[str], texts: Sequence[str], out: str) -> None:
    """Load directories and write what was found to the file `out`: the part of the other process."""
    found = [look(Path(directory), texts) for directory in directories]
    Path(out).write_bytes(pickle.dumps(found))


@contextmanager
def looking(directories: Sequence[Path], texts: Sequence[str]) -> Iterator[Looking]:
    """Begin to load directories with transformers, and end it with the block.

    Args:
        directories: with a tokenizer each.
        texts: to tokenize, without a template.
    """
    with tempfile.TemporaryDirectory(prefix="vocabx-") as folder:
        elsewhere = "transformers" not in sys.modules and "torch" not in sys.modules and directories
        begun = Looking(directories, texts, Path(folder) / "found" if elsewhere else None)
        try:
            yield begun
        finally:
            begun.stop()


def _state(loaded: Any) -> str | None:
    """What the library's tokenizer is, where all texts reach it as they are."""
    backend = getattr(loaded, "backend_tokenizer", None)
    plain = all(
        getattr(getattr(type(loaded), name, None), "__module__", _GENERAL[0]) in _GENERAL for name in _CALLS
    )
    if backend is None or not plain or getattr(backend, "encode_special_tokens", False):
        return None
    backend.no_truncation()
    backend.no_padding()
    return str(backend.to_str())


def _behavior(tokenizer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id", None) for name in _IDS
    }
    special = set(tokenizer.all_special_tokens)
    for index, token in tokenizer.added_tokens_decoder.items():
        flags = (token.single_word, token.lstrip, token.rstrip, token.normalized, token.content in special)
        found[f"added token {token.content!r}"] = (index, flags)
    for name in _SIDES:
        found[name] = getattr(tokenizer, name, None)
    for sample in _SAMPLES:
        ids = tokenizer(sample)["input_ids"]
        plain = tokenizer(sample, add_special_tokens=False)["input_ids"]
        start = next((n for n in range(len(ids) + 1) if ids[n : n + len(plain)] == plain), 0)
        found[f"ids around {sample!r}"] = (ids[:start], ids[start + len(plain) :])
    found["ids around a pair"] = len(tokenizer("a", "b")["input_ids"])
    return found
