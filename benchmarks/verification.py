"""How long the certificate takes, beside an earlier build on the same tokenizers and texts.

    git worktree add EARLIER 958657a
    python benchmarks/verification.py DIR --earlier EARLIER

DIR is an extension that vocabx made. Each build runs in a process of its own, which imports transformers as
part of the work; seconds are those of the processor, of child processes too, and of the clock. `used`, which
counts tokens of the text, tells that both read the same.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import Result, finish, machine, new_parser, run_script

from vocabx.checkpoint.base import find_tokenizer_base
from vocabx.checkpoint.manifest import read_manifest
from vocabx.corpus.languages import find_language
from vocabx.corpus.packaged_text import read_packaged
from vocabx.progress import Quiet

NAME = "verification"
HERE = Path(__file__).resolve().parent.parent
# Runs under either build: 958657a has other names for modules and for the number of adversarial strings.
_WORKER = """
import json, os, sys, time
from pathlib import Path
asked = json.loads(sys.stdin.read())
import vocabx.tokenizer.verify as build
from vocabx.tokenizer.alphabet import Alphabet
try:
    from vocabx.tokenizer.read_tokenizer import read_tokenizer
    from vocabx.corpus.languages import find_language
    count = "adversarial"
except ImportError:
    from vocabx.tokenizer.read import read_tokenizer
    from vocabx.languages import find_language
    count = "hostile"
assert build.__file__.startswith(asked["build"]), build.__file__
language = find_language(asked["language"])
directories = tuple(map(Path, asked["directories"]))
start, clock = time.process_time(), time.perf_counter()
base, extended = map(read_tokenizer, directories)
texts = build.Texts(asked["target"], asked["base"], **{count: asked["adversarial"]})
found = build.verify(base, extended, Alphabet(language.scripts, language.blocks), texts, directories)
taken, children = time.process_time() - start, os.times()
print(json.dumps({
    "processor_seconds": round(taken + children.children_user + children.children_system, 2),
    "seconds": round(time.perf_counter() - clock, 2),
    "passed": found.passed,
    "claims": {one.name: [one.checked, one.failed] for one in found.claims},
}))
"""


def lines_of(tag: str, size: int) -> list[str]:
    """The first lines of a language's packaged text, about `size` bytes of them."""
    file = next(packaged.file for packaged in find_language(tag).packaged)
    found: list[str] = []
    for document in read_packaged(file):
        lines = [line for line in document.text.split("\n") if line]
        found += lines
        size -= len(document.text.encode())
        if size < 0:
            break
    return found


def verified(root: Path, scratch: Path, request: dict[str, Any]) -> Result:
    """The certificate and its seconds, by the build whose checkout is at `root`."""
    package = shutil.copytree(root / "vocabx", scratch / "vocabx", ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("cli", "assets"):
        (package / name).symlink_to(root.resolve() / name)
    ran = subprocess.run(
        [sys.executable, "-P", "-c", _WORKER],
        input=json.dumps(request | {"build": str(package)}),
        env={**os.environ, "PYTHONPATH": str(scratch)},
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr[-2000:])
    found: Result = json.loads(ran.stdout.splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, runs=1, target_bytes=2_000_000, base_bytes=600_000, adversarial=10_000)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--earlier", type=Path, help="the checkout of an earlier build")
    options = parser.parse_args(arguments)
    manifest = read_manifest(options.directory)
    if manifest is None:
        raise SystemExit(f"{options.directory} is no extension that vocabx made")
    base = find_tokenizer_base(manifest.base.name, Quiet()).directory
    request = {
        "directories": [str(base.resolve()), str(options.directory.resolve())],
        "language": manifest.language,
        "target": lines_of(manifest.language, options.target_bytes),
        "base": lines_of("en", options.base_bytes),
        "adversarial": options.adversarial,
    }
    builds = {"this build": HERE} | ({"earlier": options.earlier} if options.earlier else {})
    runs: dict[str, list[Result]] = {name: [] for name in builds}
    for _ in range(options.runs):
        for name, root in builds.items():
            with tempfile.TemporaryDirectory(prefix="vocabx-verification-") as scratch:
                runs[name].append(verified(root, Path(scratch).resolve(), request))
    best = {
        kind: {name: min(run[kind] for run in each) for name, each in runs.items()}
        for kind in ("processor_seconds", "seconds")
    }
    result: Result = {
        "machine": machine(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "strings": len(request["target"]) + len(request["base"]) + options.adversarial,
        **best,
        "claims": {name: each[0]["claims"] for name, each in runs.items()},
    }
    if options.earlier:
        result["over_earlier"] = {
            kind: round(found["this build"] / found["earlier"], 3) for kind, found in best.items()
        }
    return finish(options.out, NAME, result)


if __name__ == "__main__":
    run_script(main)
