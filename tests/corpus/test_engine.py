"""A text read in shards, elsewhere and in any process, gives the corpus that it gives in one process."""

import json
import os
import pickle
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from process_work import dying_once, failing

from vocabx.corpus import draw, engine, parts, shard
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.languages import find_language
from vocabx.corpus.processes import on_processes
from vocabx.corpus.quality import with_quality
from vocabx.corpus.quality_options import QualityOptions
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError
from vocabx.progress import Quiet

CHINESE = find_language("zh-Hant")
SIZES = SampleSizes(20_000, 3_000, 0)
_RAY = Path(__file__).resolve().parents[2] / ".venv/real/ray"


@pytest.fixture
def elsewhere(monkeypatch):
    """Ray's place is taken by one that hands everything over as bytes, as Ray does."""

    def other(work, items):
        given = pickle.dumps(work), [pickle.dumps(item) for item in items]
        for item in given[1]:
            yield pickle.loads(pickle.dumps(pickle.loads(given[0])(pickle.loads(item))))

    monkeypatch.setattr(engine, "_on_ray", other)


@pytest.fixture
def shards(tmp_path, verses):
    """Six files with text, lines that recur, copies, another language, and records without text."""
    directory = tmp_path / "texts"
    directory.mkdir()
    for number in range(6):
        texts = ["".join(verses[start : start + 8]) for start in range(number * 240, number * 240 + 240, 8)]
        texts = [f"{text}\n版權所有，翻印必究，請勿轉載。" for text in texts]
        texts += [texts[0], "Это русский текст, а не китайский. " * 20, "短"]
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
        lines += ['{"text": null}', "no JSON"]
        (directory / f"{number}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return directory


@pytest.fixture
def processes(monkeypatch):
    """Small files are divided as large ones are, and read by two processes."""
    monkeypatch.setattr(shard, "LARGE", 1)
    monkeypatch.setattr(parts, "SIZE", 5000)
    for module in (shard, engine, draw):
        monkeypatch.setattr(module, "cores", lambda: 2)


def drawn(directory, where, quality, strict=False):
    source = user_source([str(directory)], "text", "", strict)
    options = QualityOptions(quality, engine=where)
    source = with_quality(source, CHINESE, options)
    corpus = draw_corpus(source, CHINESE.scripts, SIZES, "Reading", Quiet(), where)
    return corpus, source


@pytest.mark.parametrize("quality", [False, True])
def test_shards_read_elsewhere_give_the_same_corpus(shards, elsewhere, quality):
    here, source = drawn(shards, "local", quality)
    there, other = drawn(shards, "ray", quality)
    assert here == there
    assert source.left_out == other.left_out
    assert "records are left out" in " ".join(source.left_out)
    if quality:
        assert source.dropped.by_rule() == other.dropped.by_rule()
        assert source.dropped.lines == other.dropped.lines > 0


@pytest.mark.parametrize("quality", [False, True])
def test_parts_of_files_read_by_processes_give_the_same_corpus(shards, quality, request):
    (shards / "7.txt").write_text((shards / "1.jsonl").read_text("utf-8").replace("\n", "\n\n"), "utf-8")
    here, source = drawn(shards, "local", quality)
    request.getfixturevalue("processes")
    read = []
    for where in ("local", "ray"):
        if where == "ray":
            request.getfixturevalue("elsewhere")
        there, other = drawn(shards, where, quality)
        assert here == there
        assert other.skipped.read == source.skipped.read > 0
        assert (other.skipped.empty, other.skipped.malformed) == (6, 6)
        read.append(other.left_out)
    # A record that is left out is named by where its part begins.
    assert read[0] == read[1]


def test_progress_of_processes_adds_up_to_the_bytes_of_the_text(shards, processes):
    source = user_source([str(shards)], "text", "")
    told = []

    class Told(Quiet):
        @contextmanager
        def stage(self, *title):
            yield told.append

    draw_corpus(source, CHINESE.scripts, SIZES, "Reading", Told())
    assert sum(told) == source.bytes


def test_a_process_that_is_killed_is_replaced_and_nothing_is_lost(tmp_path):
    marker, advanced = tmp_path / "killed", []
    work = partial(dying_once, marker=str(marker))
    assert list(on_processes(work, list(range(9)), 2, advanced.append)) == list(range(9))
    assert marker.exists() and sum(advanced) == sum(range(9))


def test_processes_that_are_killed_again_and_again_end_in_one_sentence(tmp_path):
    work = partial(dying_once, marker=str(tmp_path / "no" / "such"))
    with pytest.raises(CorpusError, match="was ended by the system 3 times: is there enough memory"):
        list(on_processes(work, [3, 4, 5], 2, lambda read: None))


def test_an_error_of_a_process_is_that_of_its_work(tmp_path):
    with pytest.raises(CorpusError, match="this one"):
        list(on_processes(failing, [1, 2, 3], 2, lambda read: None))


def test_a_damaged_shard_elsewhere_is_named_and_the_others_are_read(shards, elsewhere):
    (shards / "7.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00damaged")
    here, source = drawn(shards, "local", False)
    there, other = drawn(shards, "ray", False)
    assert here == there
    assert source.left_out == other.left_out
    assert "1 of 7 files could not be read" in source.left_out[0]
    with pytest.raises(CorpusError, match=r"7\.jsonl\.gz is damaged"):
        drawn(shards, "ray", False, strict=True)


def test_a_text_whose_shards_are_mostly_damaged_is_refused_elsewhere_too(shards, elsewhere):
    for path in sorted(shards.iterdir())[:4]:
        path.write_bytes(b"\0\0\0")
    for where in ("local", "ray"):
        with pytest.raises(CorpusError, match="4 of 6 files cannot be read"):
            drawn(shards, where, False)


# Two workers of Ray, of which the first one to work is killed.
_WORKERS = """
import os, pickle, signal, sys
from functools import partial
import ray
from vocabx.corpus import draw, engine, parts

directory, marker, english = sys.argv[1:]
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error",
         object_store_memory=100 << 20)
on_ray = engine._on_ray

def deadly(item, work):
    if not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return work(item)

engine._on_ray = lambda work, items: on_ray(partial(deadly, work=work), items)
"""

_SHARDS = """
from vocabx.checkpoint.base import find_base
from vocabx.corpus.languages import find_language
from vocabx.corpus.quality import with_quality
from vocabx.corpus.quality_options import QualityOptions
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

chinese = find_language("zh-Hant")
sizes = SampleSizes(20_000, 3_000, 0)
tokenizer = read_tokenizer(find_base("smollm2", Quiet()).directory)

def made(where, quality):
    options = QualityOptions(quality, engine=where)
    source = with_quality(user_source([directory], "text", ""), chinese, options)
    corpus = draw.draw_corpus(source, chinese.scripts, sizes, "Reading", Quiet(), where)
    alphabet = Alphabet(chinese.scripts, chinese.blocks)
    request = TokenRequest(60, strict=False)
    found = extend_tokenizer(tokenizer, corpus.learning, alphabet, request, tokenizer.size, Quiet())
    return corpus, found.tokenizer.spec, source.left_out

for quality in (False, True):
    assert made("ray", quality) == made("local", quality)
    assert os.path.exists(marker)
    os.remove(marker)
open(os.path.join(directory, "bad.jsonl"), "wb").write(b"\\0")
try:
    source = user_source([directory], "text", "", strict=True)
    draw.draw_corpus(source, chinese.scripts, sizes, "Reading", Quiet(), "ray")
except CorpusError as error:
    assert "bad.jsonl is binary" in str(error)
    print("the same")
"""

# One file, which is divided as large files are.
_SHELL = """
from vocabx.cli.app import main

parts.SIZE = os.path.getsize(directory) // 4 + 1
tokens = []
for where in ("ray", "local"):
    out = f"{marker}-{where}"
    sys.argv = ["vocabx", "extend", "--base", "smollm2", "--lang", "zh-Hant", "--corpus", directory]
    sys.argv += ["--base-text", english, "--new-tokens", "40", "--heldout-bytes", "3000"]
    sys.argv += ["--adversarial", "0", "--tokenizer-only", "--engine", where, "--out", out]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, ended.code
    tokens.append(open(os.path.join(out, "tokenizer.json"), "rb").read())
    assert os.path.exists(marker)
assert tokens[0] == tokens[1]
print("the same")
"""


@pytest.mark.slow
@pytest.mark.parametrize("checks", [_SHARDS, _SHELL], ids=["shards", "one file, from the shell"])
def test_ray_gives_the_same_tokens_on_two_workers_one_of_which_is_killed(
    checks, shards, tmp_path, english_file
):
    if not (_RAY / "ray").is_dir() and find_spec("ray") is None:
        pytest.fail(f"{_RAY} is missing: run `make test-slow`, which installs it", pytrace=False)
    path = os.pathsep.join(filter(None, (str(_RAY), os.environ.get("PYTHONPATH"))))
    text = shards
    if checks is _SHELL:
        text = tmp_path / "one.jsonl"
        text.write_bytes(b"\n".join(shard.read_bytes() for shard in sorted(shards.iterdir())))
    done = subprocess.run(
        [sys.executable, "-c", _WORKERS + checks, str(text), str(tmp_path / "killed"), str(english_file)],
        env={**os.environ, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # Ray tells of the worker that was lost whenever it likes.
    assert "the same" in done.stdout.splitlines()
