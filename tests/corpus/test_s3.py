"""Text in s3://, from a server on this machine, over connections that break."""

import gzip
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_S3 = Path(__file__).resolve().parents[2] / ".venv/real/s3"
_CHECKS = Path(__file__).with_name("s3_checks.py")


@pytest.mark.slow
def test_text_in_a_bucket_is_that_of_the_disk_or_refused_in_a_sentence(tmp_path, verses, english_file):
    if not (_S3 / "s3fs").is_dir() and find_spec("s3fs") is None:
        pytest.fail(f"{_S3} is missing: run `make test-slow`, which installs it", pytrace=False)
    texts = [json.dumps({"text": "".join(verses[n : n + 8])}, ensure_ascii=False) for n in range(0, 2400, 8)]
    directory = tmp_path / "texts"
    directory.mkdir()
    (directory / "large.jsonl").write_text("\n".join(texts[:200]), "utf-8")
    (directory / "small.jsonl.gz").write_bytes(gzip.compress("\n".join(texts[200:]).encode()))
    oracles = str(Path(__file__).parents[1] / "oracles")
    path = os.pathsep.join(filter(None, (str(_S3), oracles, os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, str(_CHECKS), str(directory), str(english_file), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"read": 300}
