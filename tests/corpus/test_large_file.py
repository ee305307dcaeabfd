import subprocess
import sys

import pytest

SAMPLE = """
import re, sys
from pathlib import Path
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.source import user_source
source = user_source([sys.argv[1]], "text", "")
corpus = sample_corpus(source.open(), ["Han"], 2_000_000, 60_000, seed=0)
# Not getrusage, whose peak is inherited from the parent process.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
print(corpus.bytes_read, len(corpus.learning), peak)
"""


@pytest.mark.slow
def test_sampling_a_large_file_takes_only_the_memory_of_the_sample(tmp_path, verses):
    path = tmp_path / "large.txt"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(700):
            stream.writelines(f"{number}、{verse}\n" for verse in verses)
    assert path.stat().st_size > 150_000_000
    run = subprocess.run([sys.executable, "-c", SAMPLE, path], capture_output=True, text=True, check=True)
    read, lines, peak = map(int, run.stdout.split())
    assert read > 150_000_000
    assert lines > 10_000
    assert peak < 100_000_000
