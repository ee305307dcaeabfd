"""outlines-core: the vocabulary that it reads for its automata. It encodes nothing.

It only reads a repository of the hub, so that the directory is laid out as one in the hub's cache.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_NAME = "local/model"
# Of an integer that is longer than a byte: the first byte says how many follow.
_LENGTHS = {251: 2, 252: 4, 253: 8}


def load(directory: str) -> tuple[None, Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    with tempfile.TemporaryDirectory() as home:
        # It looks in both.
        os.environ.update(HOME=home, HF_HOME=f"{home}/.cache/huggingface")
        _lay_out(Path(directory), Path(home) / ".cache/huggingface/hub")
        import outlines_core

        stored = outlines_core.Vocabulary.from_pretrained(_NAME).__reduce__()[1][0]
    known = _read(stored)
    spec = json.loads((Path(directory) / "tokenizer.json").read_text("utf-8"))
    # The end of a text stands for no bytes there.
    names = {token["id"]: token["content"].encode() for token in spec["added_tokens"]}

    def decode(ids: Sequence[int]) -> bytes:
        return b"".join(names.get(index) or known[index] for index in ids)

    return None, decode


def _lay_out(directory: Path, hub: Path) -> None:
    repository = hub / f"models--{_NAME.replace('/', '--')}"
    snapshot = repository / "snapshots/0"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("0")
    for path in directory.glob("*.json"):
        (snapshot / path.name).symlink_to(path.resolve())


def _read(stored: bytes) -> dict[int, bytes]:
    """The bytes of each id, from the bincode that it is pickled as."""
    at = 0

    def integer() -> int:
        nonlocal at
        first = stored[at]
        length = _LENGTHS.get(first, 0)
        at += 1 + length
        return int.from_bytes(stored[at - length : at], "little") if length else first

    integer()  # the id that ends a text
    known = {}
    for _ in range(integer()):
        length = integer()
        token = stored[at : at + length]
        at += length
        for _ in range(integer()):
            known[integer()] = token
    return known
