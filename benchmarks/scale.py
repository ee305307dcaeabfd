"""A large text: what reading, tokenizing, learning and selecting take, in this build and in another.

    git worktree add /tmp/before 958657a
    python benchmarks/scale.py --other /tmp/before [--mb 200] [--more-mb 1000]

The text is the packaged text of Traditional Chinese, repeated until it is large enough. In every repetition
three Han characters of a hundred are replaced by others, drawn as often as they occur, so that few lines are
in it twice. The other build reads the same file with the same options; this one reads a larger file too.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import Result, finish, machine, new_parser, run_script, run_worker

_WORKER = str(Path(__file__).with_name("scale_build.py"))
_REPLACED = 0.03


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, mb=200.0, more_mb=0.0, rounds=1, learn_bytes=8_000_000, new_tokens=8000)
    parser.add_argument("--other", type=Path, help="a checkout of the build to compare with")
    options = parser.parse_args(arguments)
    settings = {"learn_bytes": options.learn_bytes, "new_tokens": options.new_tokens}
    result: Result = {"machine": machine(), **settings}
    with TemporaryDirectory() as directory:
        path = Path(directory) / "text.jsonl"
        result["mb"] = round(write_text(path, options.mb) / 1e6, 1)
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(run_worker(_WORKER, {"path": str(path), **settings}))
            if options.other:
                before = {"PYTHONPATH": str(options.other.resolve())}
                theirs.append(run_worker(_WORKER, {"path": str(path), **settings}, before))
        result["this"] = min(ours, key=lambda one: float(one["processor_seconds"]))
        if theirs:
            result["other"] = min(theirs, key=lambda one: float(one["processor_seconds"]))
            for what in ("seconds", "processor_seconds"):
                ratio = float(result["other"][what]) / float(result["this"][what])
                result[f"times_as_fast_by_{what}"] = round(ratio, 2)
            result["same_tokens"] = result["this"]["tokens"] == result["other"]["tokens"]
        if options.more_mb:
            result["more_mb"] = round(write_text(path, options.more_mb) / 1e6, 1)
            result["this_on_more"] = run_worker(_WORKER, {"path": str(path), **settings})
    return finish(options.out, "scale", result)


def write_text(path: Path, mb: float, replaced: float = _REPLACED) -> int:
    """Write the text as JSON lines, and say how many bytes it has.

    Args:
        path: of the file.
        mb: about how many.
        replaced: share of the Han characters that are replaced in every repetition.
    """
    from texts import documents_of

    texts = [np.frombuffer(d.text.encode("utf-32-le"), dtype="<u4") for d in documents_of("zh-Hant")]
    every = np.concatenate(texts)
    han = every[_is_han(every)]
    rng = np.random.default_rng(0)
    copy = 0
    with path.open("w", encoding="utf-8") as stream:
        while True:
            for text in texts:
                if copy:
                    changed = _is_han(text) & (rng.random(len(text)) < replaced)
                    text = text.copy()
                    text[changed] = han[rng.integers(0, len(han), int(changed.sum()))]
                record = {"text": text.astype("<u4").tobytes().decode("utf-32-le")}
                stream.write(json.dumps(record, ensure_ascii=False) + "\n")
                if stream.tell() >= mb * 1e6:
                    return stream.tell()
            copy += 1


def _is_han(codes: Any) -> Any:
    return (codes >= 0x4E00) & (codes < 0xA000)


if __name__ == "__main__":
    run_script(main)
