"""What the benchmarks share: the machine, the demonstration's base and text."""

import os
import platform
import resource
from pathlib import Path

from vocabx.checkpoint.base import find_base
from vocabx.corpus.languages import find_language
from vocabx.corpus.sample import Corpus, sample_corpus
from vocabx.corpus.source import default_source
from vocabx.progress import Quiet


def machine() -> str:
    """Processor count, system and Python, for the record."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def peak_memory_mb() -> int:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def smollm2() -> Path:
    """The directory of the embedded base."""
    return find_base("smollm2", Quiet()).directory


def taiwanese_text(learn_bytes: int, heldout_bytes: int = 60_000) -> Corpus:
    """The demonstration's text, sampled."""
    language = find_language("zh-Hant")
    documents = default_source(language).open()
    return sample_corpus(documents, language.scripts, learn_bytes, heldout_bytes, seed=0)
