"""The real command, killed at points spread over its writing, and resumed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOOKS = Path(__file__).resolve().parents[2] / "checkpoint"
COMMAND = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
from write_once import stop_at
counted = stop_at(int(os.environ.get("STOP_AT", -1)))
from vocabx.cli import main
try:
    main()
finally:
    print("steps:", counted[0])
"""
POINTS = 25


def run(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, HOOKS, *map(str, arguments)],
        # Compiled modules would count as written files, too.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
    )


def lasting(directory: Path) -> tuple[dict, dict[str, bytes]]:
    """The result without what records the run itself: times, and documents that quote them."""
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    manifest = json.loads(files.pop("vocabx.json"))
    del manifest["run"]
    for name in ("README.md", "report.json", "report.html"):
        del files[name]
    return manifest, files


@pytest.mark.slow
def test_the_command_killed_at_any_point_is_resumed_to_the_same_bytes(
    small_model, chinese_file, english_file, tmp_path
):
    base = small_model(tied=False, sharded=True)
    options = (
        "extend", "--base", base, "--lang", "zh-Hant", "--corpus", chinese_file, "--base-text", english_file,
        "--new-tokens", 50, "--heldout-bytes", 3000, "--adversarial", 20, "--no-evaluate",
    )  # fmt: skip
    whole = run(*options, "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout.rpartition("steps:")[2])
    assert steps > POINTS
    for number in range(POINTS):
        point = 1 + number * (steps - 1) // (POINTS - 1)
        out = tmp_path / f"killed-{point}"
        killed = run(*options, "--out", out, STOP_AT=str(point))
        assert killed.returncode == -9, killed.stderr
        if not out.exists():
            resumed = run(*options, "--out", out, "--resume")
            assert resumed.returncode == 0, resumed.stderr
        assert lasting(out) == lasting(tmp_path / "whole")
