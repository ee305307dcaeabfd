"""What `--quality` costs: reading and sampling a large text with it and without it.

    python benchmarks/quality.py [--mb 200]

The text is that of scale.py with three Han characters of ten replaced in every repetition, so that its
documents are no near-duplicates of each other and nearly all are kept: all rules judge them. Each reading is
a process of its own; on a busy machine its processor seconds tell more than the clock.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common import (
    Result,
    finish,
    machine,
    new_parser,
    peak_memory_mb,
    processor_seconds,
    run_script,
    run_worker,
)
from scale import write_text

from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.languages import find_language
from vocabx.corpus.quality import with_quality
from vocabx.corpus.quality_options import QualityOptions
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import user_source
from vocabx.progress import Quiet

_REPLACED = 0.3


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, mb=200.0, learn_bytes=8_000_000)
    options = parser.parse_args(arguments)
    result: Result = {"machine": machine(), "learn_bytes": options.learn_bytes}
    with TemporaryDirectory() as directory:
        path = Path(directory) / "text.jsonl"
        result["mb"] = round(write_text(path, options.mb, _REPLACED) / 1e6, 1)
        for name, quality in (("without", False), ("with", True)):
            settings = {"path": str(path), "learn_bytes": options.learn_bytes, "quality": quality}
            result[name] = run_worker(__file__, settings)
    for name in ("without", "with"):
        seconds = result[name]["processor_seconds"]
        result[name]["mb_a_processor_second"] = round(result["mb"] / seconds, 2)
    ratio = result["with"]["processor_seconds"] / result["without"]["processor_seconds"]
    result["times_the_processor_seconds"] = round(ratio, 2)
    return finish(options.out, "quality", result)


def read(path: str, learn_bytes: int, quality: bool) -> Result:
    """Read and sample the text, with the rules or without."""
    language = find_language("zh-Hant")
    source = with_quality(user_source([path], "text", ""), language, QualityOptions(wanted=quality))
    wall, processor = time.perf_counter(), processor_seconds()
    sizes = SampleSizes(learn_bytes, 60_000, 0)
    corpus = draw_corpus(source, language.scripts, sizes, "Reading text", Quiet())
    found: Result = {
        "seconds": round(time.perf_counter() - wall, 2),
        "processor_seconds": round(processor_seconds() - processor, 2),
        "documents": corpus.documents,
        "peak_memory_mb": peak_memory_mb(),
    }
    if source.dropped is not None:
        found["documents"] = source.dropped.read
        found["dropped"] = source.dropped.by_rule()
        found["left_out"] = source.dropped.lacking
    return found


if __name__ == "__main__":
    run_script(main, read)
