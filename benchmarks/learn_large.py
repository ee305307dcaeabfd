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

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CASES = {50.0: 32_000, 0.5: 8000}
BASES = ("SmolLM2", "Mistral v1")
_TIMEOUT = 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, nargs="*", default=list(CASES))
    parser.add_argument("--one-case", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_case:
        print(json.dumps(one_case(*options.one_case)))
        return
    from material import finish

    for mb in options.mb:
        tokens, rows = CASES.get(mb, 8000), []
        with TemporaryDirectory() as directory:
            lines = Path(directory) / "lines.json"
            text = run("text", f"{mb:g}", lines, 0)
            for base in BASES:
                ours, peer = (run(who, base, lines, tokens) for who in ("vocabx", "peer"))
                rows.append(row(f"{base}, {tokens:,} tokens from {mb:g} MB", ours, peer))
        finish(f"learn-large-{mb:g}mb", rows, text=text)


def row(case: str, ours: dict[str, Any], peer: dict[str, Any]) -> dict[str, Any]:
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


def write_lines(mb: float, path: Path) -> dict[str, Any]:
    """Write learning lines and held-out text, and say what they are and what sampling them took."""
    from common import taiwanese_text
    from material import poems, sampled

    clock, wanted = Clock(), int(mb * 1e6)
    packaged = taiwanese_text(wanted)
    learning = list(packaged.learning)
    sizes = {"packaged": size_of(learning)}
    missing = max(0, wanted - size_of(learning))
    # A little short is the packaged text itself, less what is held out: that is no call for poems.
    if missing > wanted / 10:
        more = sampled("zh-Hant", poems(), missing).learning
        learning += more
        sizes["poems"] = size_of(more)
    taken = clock.taken()
    path.write_text(json.dumps({"learning": learning, "heldout": packaged.heldout}), encoding="utf-8")
    return {"bytes": sizes, "lines": len(learning), **taken}


def size_of(lines) -> int:
    return sum(len(line.encode()) for line in lines)


def run(who: str, base: str, lines: Path, tokens: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one-case", who, base, str(lines), str(tokens)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT)
    print(who, base, done.stdout.strip(), file=sys.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def one_case(who: str, base: str, lines: str, tokens: str) -> dict[str, Any]:
    if who == "text":
        return write_lines(float(base), Path(lines))
    text = json.loads(Path(lines).read_text(encoding="utf-8"))
    work = ours if who == "vocabx" else peer
    return work(base, text["learning"], text["heldout"], int(tokens))


def ours(name: str, learning: list[str], heldout: list[str], tokens: int) -> dict[str, Any]:
    from material import alphabet_of, load

    from vocabx.evaluation.fertility import count_tokens
    from vocabx.progress import Quiet, Timed
    from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer

    base, alphabet, timed = load(name)[1], alphabet_of("zh-Hant"), Timed(Quiet())
    clock = Clock()
    extension = extend_tokenizer(base, learning, alphabet, TokenRequest(tokens), base.size, timed)
    taken = clock.taken()
    ratio = count_tokens(extension.tokenizer, heldout) / count_tokens(base, heldout)
    unused = extension.selection.unused
    return {**taken, "ratio": round(ratio, 4), "unused": unused, "stages": timed.seconds}


def peer(name: str, learning: list[str], heldout: list[str], tokens: int) -> dict[str, Any]:
    from material import load

    if name == "SmolLM2":
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast(tokenizer_object=load(name)[1].rust)
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


class Clock:
    """Seconds and memory of the work that follows; seconds of all cores tell more on a busy machine."""

    def __init__(self) -> None:
        self.before, self.wall, self.processor = peak_mb(), time.perf_counter(), time.process_time()

    def taken(self) -> dict[str, Any]:
        """What the work took, memory as the peak of the whole process."""
        return {
            "seconds": round(time.perf_counter() - self.wall, 1),
            "processor_seconds": round(time.process_time() - self.processor, 1),
            "before_mb": self.before,
            "peak_mb": peak_mb(),
        }


def peak_mb() -> int:
    """The most that this process ever had in memory."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
