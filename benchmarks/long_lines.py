"""Long lines: the CPU time of a text that is one line over that of the same bytes in lines.

    python benchmarks/long_lines.py [--mb 1,4,16]

Of what commands do with a whole text: sample it (extend, inspect, verify, compare, train), hold some of it
out (evaluate), and tokenize and pack it (train). As a .txt file and as one record of JSON lines. Without full
stops, as in text8, a line can only be split at white space. A quadratic step shows as a ratio that grows with
the size.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from bases import load_tokenizer, tokenizer_path
from common import Result, finish, machine, new_parser, run_script
from texts import add_text_options, documents_of

from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.heldout import draw_heldout
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import user_source
from vocabx.progress import Quiet
from vocabx.training.pack_text import Recipe, packed_text
from vocabx.training.packed import Ends

_WORDS = 20


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, mb="1,4,16")
    add_text_options(parser, "base_text")
    options = parser.parse_args(arguments)
    sizes = [float(size) for size in options.mb.split(",")]
    words = words_of(options.base_text, int(max(sizes) * 1e6))
    rows = [row for size in sizes for row in rows_of(words, size)]
    return finish(options.out, "long-lines", {"machine": machine(), "rows": rows})


def words_of(paths: Sequence[str], size: int) -> list[str]:
    """Words without punctuation at their end, of a text or several copies of it: about `size` bytes."""
    words = [word.rstrip(".!?:;") for document in documents_of("en", paths) for word in document.text.split()]
    # Every copy differs from the others, or all but one would be dropped as duplicates.
    found, taken, copy = [], 0, 0
    while taken < size:
        copied = [f"{word}{copy or ''}" for word in words]
        found += copied
        taken += sum(len(word.encode()) + 1 for word in copied)
        copy += 1
    return found


def rows_of(words: Sequence[str], megabytes: float) -> list[Result]:
    """Seconds for one size, for each work and kind of file."""
    text = " ".join(words)[: int(megabytes * 1e6)]
    whole = iter(text.split(" "))
    lines = []
    while line := " ".join(islice(whole, _WORDS)):
        lines.append(line)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for kind in ("txt", "jsonl"):
            one, many = directory / f"one.{kind}", directory / f"many.{kind}"
            if kind == "txt":
                one.write_text(text, encoding="utf-8")
                many.write_text("\n".join(lines), encoding="utf-8")
            else:
                one.write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
                many.write_text(
                    "".join(json.dumps({"text": line}) + "\n" for line in lines), encoding="utf-8"
                )
            for work, function in (("sample", sample), ("hold out", hold_out), ("pack", pack)):
                seconds = [cpu_seconds(function, path, directory / "packed") for path in (one, many)]
                rows.append(
                    {
                        "work": work,
                        "file": kind,
                        "MB": megabytes,
                        "one line, seconds": round(seconds[0], 2),
                        "in lines, seconds": round(seconds[1], 2),
                        "ratio": round(seconds[0] / max(seconds[1], 1e-3), 2),
                    }
                )
    return rows


def sample(path: Path, _: Path) -> None:
    """What most commands do with a text."""
    draw_corpus(user_source([str(path)], "text", ""), ("Latin",), SampleSizes(), "Reading", Quiet())


def hold_out(path: Path, _: Path) -> None:
    """What `evaluate` does with a text."""
    draw_heldout(user_source([str(path)], "text", ""), ("Latin",), 60_000, 0, "Reading", Quiet())


def pack(path: Path, out: Path) -> None:
    """What `train` does with a text after sampling it."""
    source = user_source([str(path)], "text", "")
    corpus = draw_corpus(source, ("Latin",), SampleSizes(1000), "Reading", Quiet())
    recipe = Recipe(load_tokenizer(tokenizer_path("SmolLM2")), Ends(0, 0), 256, 10**10)
    out.with_suffix(".json").unlink(missing_ok=True)
    packed_text(source, corpus, recipe, out)


def cpu_seconds(work: Callable[[Path, Path], None], path: Path, out: Path) -> float:
    """CPU time of the process, which other processes of the machine do not change."""
    start = time.process_time()
    work(path, out)
    return time.process_time() - start


if __name__ == "__main__":
    run_script(main)
