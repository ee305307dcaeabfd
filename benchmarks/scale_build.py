"""The worker of scale.py, which runs in this build or in the older one that PYTHONPATH names."""

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def work(path: str, learn_bytes: int, new_tokens: int) -> dict[str, Any]:
    """Read, tokenize, learn and select, in this build or in the one that PYTHONPATH names."""
    from vocabx.checkpoint.base import find_base
    from vocabx.corpus.draw import draw_corpus
    from vocabx.corpus.source import user_source
    from vocabx.progress import Quiet
    from vocabx.tokenizer import extension as extending
    from vocabx.tokenizer.alphabet import Alphabet

    language, sizes, tokenizer = _of_either_build(find_base("smollm2", Quiet()).directory, learn_bytes)
    blocks = getattr(language, "blocks", ())
    alphabet = Alphabet(language.scripts, blocks) if blocks else Alphabet(language.scripts)
    # 958657a has the same class under another name.
    request = getattr(extending, "TokenRequest", None) or extending.Wish  # type: ignore[attr-defined]
    tokenizer.encode([""])
    progress = _Stages(Quiet())
    wall, processor = time.perf_counter(), _processor_seconds()
    source = user_source([path], "text", "")
    corpus = draw_corpus(source, language.scripts, sizes, "Reading text", progress)
    found = extending.extend_tokenizer(
        tokenizer, corpus.learning, alphabet, request(new_tokens), tokenizer.size, progress
    )
    seconds = time.perf_counter() - wall
    tokens = hashlib.sha256(repr(list(found.pieces)).encode()).hexdigest()[:16]
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(_processor_seconds() - processor, 2),
        "mb_a_second": round(Path(path).stat().st_size / 1e6 / seconds, 2),
        "peak_memory_mb": _peak_memory_mb(),
        "processor_seconds_by_stage": progress.seconds,
        "tokens": tokens,
    }


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _peak_memory_mb() -> int:
    """Of this process, and as much as the largest one that it started for each core: at most so much."""
    own, largest = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (own + largest * (os.cpu_count() or 1)) >> 10


class _Stages:
    """A Progress that records the processor's seconds of each stage: they tell more on a busy machine."""

    def __init__(self, quiet: Any) -> None:
        self.quiet, self.note, self.status = quiet, quiet.note, quiet.status
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, title: str, *settings: Any, **more: Any) -> Iterator[Any]:
        """Open a stage and time it."""
        start = _processor_seconds()
        with self.quiet.stage(title, *settings, **more) as advance:
            yield advance
        self.seconds[title] = round(self.seconds.get(title, 0.0) + _processor_seconds() - start, 2)


def _of_either_build(directory: Path, learn_bytes: int) -> tuple[Any, Any, Any]:
    """The language, the sizes of the sample and the tokenizer, whose modules have moved since 958657a."""
    try:
        from vocabx.corpus.languages import find_language
        from vocabx.tokenizer.read_tokenizer import read_tokenizer
    except ImportError:
        find_language = import_module("vocabx.languages").find_language
        read_tokenizer = import_module("vocabx.tokenizer.read").read_tokenizer
    sizes = SimpleNamespace(learn_bytes=learn_bytes, heldout_bytes=60_000, seed=0)
    return find_language("zh-Hant"), sizes, read_tokenizer(directory)


if __name__ == "__main__":
    print(json.dumps(work(**json.loads(sys.argv[2]))))
