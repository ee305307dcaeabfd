"""`vocabx verify --runtimes` with programs from PyPI, in the versions that docs/runtimes.md measures."""

import json
import subprocess
import sys

import pytest

# Each reads byte-level BPE as the tokenizers library does; all are one wheel without requirements.
PACKAGES = {"kitoken": "0.11.1", "splintr-rs": "0.22.0", "fastokens": "0.3.5", "llguidance": "1.9.1"}


@pytest.mark.slow
def test_programs_from_pypi_read_an_extension_as_they_read_its_base(vocabx, small_extended, tmp_path):
    wanted = [f"{package}=={version}" for package, version in PACKAGES.items()]
    subprocess.run(
        [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps",
            "--only-binary", ":all:", "--target", str(tmp_path / "packages"), *wanted,
        ],
        check=True,
    )  # fmt: skip
    texts = ("--corpus", small_extended.texts / "zh.jsonl", "--base-text", small_extended.texts / "en.txt")
    ran = vocabx(
        "verify", small_extended(), *texts, "--runtimes", "kitoken,splintr,fastokens,llguidance",
        "--runtimes-at", tmp_path / "packages", "--runtimes-strings", 1000, "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    rows = json.loads(ran.out)["runtimes"]
    assert sorted(row["version"] for row in rows) == sorted(PACKAGES.values())
    for row in rows:
        assert row["outcome"] in ("same ids", "differs with the base"), row
        assert row["ids"] == row["base_ids"], row
