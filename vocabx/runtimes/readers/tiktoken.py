"""tiktoken: the files that `vocabx export --tiktoken` writes."""

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(path: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`; `path` is the .tiktoken file, which has a .json file beside it."""
    import tiktoken

    settings = json.loads(Path(path).with_suffix(".json").read_text("utf-8"))
    lines = [line.split() for line in Path(path).read_bytes().splitlines()]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    encoding = tiktoken.Encoding(**settings, mergeable_ranks=ranks)
    return lambda text: encoding.encode(text, allowed_special="all"), encoding.decode_bytes
