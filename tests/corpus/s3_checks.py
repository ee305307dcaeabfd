"""What text in s3:// gives, in a process that has s3fs and a server: see test_s3."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer
from small_server import Break, breaking

from vocabx.corpus import remote
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError

remote._WAIT, remote._BLOCK = 0.1, 50_000
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
URL = "http://{}:{}".format(*server.get_host_and_port())
CLI = [sys.executable, "-m", "vocabx", "extend", "--base", "smollm2", "--lang", "zh-Hant", "--tokenizer-only"]
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
CLI += ["--new-tokens", "40", "--adversarial", "0", "--heldout-bytes", "3000"]


def put(path, content=b""):
    headers = {"Content-Type": "application/octet-stream"}
    urlopen(Request(URL + path, data=content, method="PUT", headers=headers)).close()


def texts_of(*patterns, strict=False):
    source = user_source(patterns, "text", "", strict)
    return source, [document.text for document in source.open()]


def refusal_of(*patterns, strict=False):
    try:
        texts_of(*patterns, strict=strict)
    except CorpusError as error:
        assert "\n" not in str(error) and len(str(error)) < 300, error
        return str(error)
    raise AssertionError(f"{patterns} were read")


def command(corpus, out, endpoint, keys=KEYS):
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    return subprocess.run(
        [*CLI, "--corpus", corpus, "--out", str(out)],
        env={**environment, **keys, "AWS_ENDPOINT_URL": endpoint},
        capture_output=True,
        text=True,
    )


def main(directory, english, out):
    out = Path(out)
    put("/texts")
    for path in Path(directory).iterdir():
        put(f"/texts/zh/{path.name}", path.read_bytes())
    put("/texts/zh/picture.png", b"x" * 100)
    expected = texts_of(directory)[1]

    # Globs, a bucket and a directory, over a way that breaks off inside of files.
    with breaking(URL, Break(after=30_000, times=3)) as way:
        os.environ.update(KEYS, AWS_ENDPOINT_URL=way.url)
        for pattern in ("s3://texts/**/*.jsonl*", "s3://texts", "s3://texts/zh/"):
            source, found = texts_of(pattern)
            assert found == expected, pattern
            assert not source.skipped.damaged
        assert way.times == 0

        # One that stays broken, and what is not there.
        way.times = 10**6
        assert "broke off after" in refusal_of("s3://texts/zh/large.jsonl")
        assert "large.jsonl broke off" in texts_of("s3://texts/zh/*.jsonl*")[0].left_out[0]
        assert "large.jsonl broke off" in refusal_of("s3://texts/zh/*.jsonl*", strict=True)
        way.times = 0
        assert "no such file" in refusal_of("s3://texts/none.jsonl")
        assert "NoSuchBucket" in refusal_of("s3://nowhere/zh/1.jsonl")
        assert "cannot read s3://nowhere" in refusal_of("s3://nowhere/zh/*.jsonl")
        assert "no text at s3://texts/zh/*.csv" in refusal_of("s3://texts/zh/*.csv")

        # From the shell: the same tokens as from the disk, and one sentence without credentials.
        way.times = 2
        CLI.extend(["--base-text", english])
        for corpus, name in ((directory, "disk"), ("s3://texts/zh/*.jsonl*", "bucket")):
            done = command(corpus, out / name, way.url)
            assert done.returncode == 0, done.stderr
        tokens = [(out / name / "tokenizer.json").read_bytes() for name in ("disk", "bucket")]
        assert tokens[0] == tokens[1]
        for keys, corpus, said in (
            ({"AWS_EC2_METADATA_DISABLED": "true"}, "s3://texts/zh/*.jsonl", "Unable to locate credentials"),
            (KEYS, "s3://nowhere/*.jsonl", "cannot read s3://nowhere"),
        ):
            done = command(corpus, out / "bad", way.url, keys)
            assert done.returncode == 2 and said in done.stderr, done.stderr
            assert "Traceback" not in done.stderr and not (out / "bad").exists()
    print(json.dumps({"read": len(expected)}))


main(*sys.argv[1:])
