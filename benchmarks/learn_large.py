"""Learning at full size: 32,000 tokens from 50 MB, and 8,000 from 0.5 MB, each in a process of its own.

    python benchmarks/learn_large.py [--mb 50 0.5]

The text is the packaged Traditional Chinese, whole, and Tang and Song poems (npm chinese-poetry) for what
is missing.
The peers get the same lines: `train_new_from_iterator` of transformers beside the byte-level base, and
SentencePiece's BPE trainer beside the SentencePiece base. Both train from scratch; neither continues the
base's vocabulary, counts which tokens are used, or keeps English as it is.

Peak memory is the kernel's VmHWM of the process, imports and the text itself included; what it was before
learning began is given beside it.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import Result, new_parser, peak_memory_mb, run_script, run_worker
from texts import add_text_options, alphabet_of, poems, sample, sample_text, size_of

TOKENS = {50.0: 32_000}
DEFAULT_TOKENS = 8000
BASES = ("SmolLM2", "Mistral v1")
_TIMEOUT = 3600


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    parser.add_argument("--mb", type=float, nargs="+", default=(50.0, 0.5))
    parser.add_argument("--new-tokens", type=int, help="default: 32,000 of 50 MB, 8,000 of less")
    parser.add_argument("--bases", nargs="+", choices=BASES, default=BASES)
    add_text_options(parser, "corpus")
    options = parser.parse_args(arguments)
    results = {}
    for mb in options.mb:
        tokens = options.new_tokens or TOKENS.get(mb, DEFAULT_TOKENS)
        results[f"learn-large-{mb:g}mb"] = measure(mb, tokens, options.bases, options.corpus, options.out)
    return results


def measure(mb: float, tokens: int, bases: Sequence[str], corpus: Sequence[str], out: Path) -> Result:
    """All rows for one size of text, written to learn-large-{mb}mb.json."""
    from measure_extension import finish_table

    with TemporaryDirectory() as directory:
        lines = Path(directory) / "lines.json"
        text = run("text", mb=mb, path=str(lines), corpus=corpus)
        rows = []
        for base in bases:
            settings = {"base": base, "path": str(lines), "tokens": tokens}
            ours, peer = (run(who, **settings) for who in ("vocabx", "peer"))
            rows.append(row(f"{base}, {tokens:,} tokens from {mb:g} MB", ours, peer))
    return finish_table(out, f"learn-large-{mb:g}mb", rows, text=text)


def row(case: str, ours: Result, peer: Result) -> dict[str, Any]:
    """The two of one base side by side."""
    return {
        "base": case,
        "seconds": ours["seconds"],
        "of processor": ours["processor_seconds"],
        "peak MB": ours["peak_mb"],
        "before learning MB": ours["before_mb"],
        "peer": peer["peer"],
        "peer seconds": peer["seconds"],
        "peer of processor": peer["processor_seconds"],
        "peer peak MB": peer["peak_mb"],
        "seconds over peer": round(ours["seconds"] / peer["seconds"], 2),
        "of processor over peer": round(ours["processor_seconds"] / peer["processor_seconds"], 2),
        "peak over peer": round(ours["peak_mb"] / peer["peak_mb"], 2),
        "held-out ratio": ours["ratio"],
        "unused": ours["unused"],
        "stages": ours["stages"],
    }


def run(who: str, **settings: Any) -> Result:
    """One worker, and a line about it."""
    found = run_worker(__file__, {"who": who, **settings}, timeout=_TIMEOUT)
    print(who, settings.get("base", ""), found, file=sys.stderr)
    return found


def work(who: str, **settings: Any) -> Result:
    """What one process does: "text" writes the lines, "vocabx" and "peer" learn from them."""
    workers: dict[str, Callable[..., Result]] = {"text": write_lines, "vocabx": learn, "peer": train_peer}
    return workers[who](**settings)


def write_lines(mb: float, path: str, corpus: Sequence[str]) -> Result:
    """Write learning lines and held-out text, and say what they are and what sampling them took."""
    clock, wanted = Clock(), int(mb * 1e6)
    packaged = sample_text("zh-Hant", corpus, wanted)
    learning = list(packaged.learning)
    sizes = {"packaged": size_of(learning)}
    missing = max(0, wanted - size_of(learning))
    # A little short is the packaged text itself, less what is held out: that is no call for poems.
    if missing > wanted / 10:
        more = sample("zh-Hant", poems(), missing).learning
        learning += more
        sizes["poems"] = size_of(more)
    taken = clock.taken()
    lines = {"learning": learning, "heldout": packaged.heldout}
    Path(path).write_text(json.dumps(lines), encoding="utf-8")
    return {"bytes": sizes, "lines": len(learning), **taken}


def learn(base: str, path: str, tokens: int) -> Result:
    """Ours."""
    from bases import load_tokenizer, tokenizer_path

    from vocabx.evaluation.fertility import count_tokens
    from vocabx.progress import Quiet, Timed
    from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer

    learning, heldout = read_lines(path)
    tokenizer, alphabet = load_tokenizer(tokenizer_path(base)), alphabet_of("zh-Hant")
    progress, clock = Timed(Quiet()), Clock()
    request = TokenRequest(tokens)
    extension = extend_tokenizer(tokenizer, learning, alphabet, request, tokenizer.size, progress)
    taken = clock.taken()
    ratio = count_tokens(extension.tokenizer, heldout) / count_tokens(tokenizer, heldout)
    unused = extension.selection.unused
    return {**taken, "ratio": round(ratio, 4), "unused": unused, "stages": progress.seconds}


def train_peer(base: str, path: str, tokens: int) -> Result:
    """The base's own trainer, from scratch."""
    learning = read_lines(path)[0]
    if base == "SmolLM2":
        from bases import load_tokenizer, tokenizer_path
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast(tokenizer_object=load_tokenizer(tokenizer_path(base)).rust)
        clock = Clock()
        tokenizer.train_new_from_iterator(learning, vocab_size=tokens + 256, show_progress=False)
        return {"peer": "train_new_from_iterator", **clock.taken()}
    from sentencepiece import SentencePieceTrainer

    clock = Clock()
    with TemporaryDirectory() as directory:
        SentencePieceTrainer.train(
            sentence_iterator=iter(learning),
            model_prefix=f"{directory}/peer",
            model_type="bpe",
            vocab_size=tokens,
            byte_fallback=True,
            num_threads=2,
            minloglevel=2,
        )
        return {"peer": "SentencePiece BPE", **clock.taken()}


def read_lines(path: str) -> tuple[list[str], list[str]]:
    """The lines to learn from, and the text held out."""
    text = json.loads(Path(path).read_text(encoding="utf-8"))
    return text["learning"], text["heldout"]


class Clock:
    """Seconds and memory of the work that follows; seconds of all cores tell more on a busy machine."""

    def __init__(self) -> None:
        self.before, self.wall, self.processor = peak_memory_mb(), time.perf_counter(), time.process_time()

    def taken(self) -> dict[str, Any]:
        """What the work took, memory as the peak of the whole process."""
        return {
            "seconds": round(time.perf_counter() - self.wall, 2),
            "processor_seconds": round(time.process_time() - self.processor, 2),
            "before_mb": self.before,
            "peak_mb": peak_memory_mb(),
        }


if __name__ == "__main__":
    run_script(main, work)
