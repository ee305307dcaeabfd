"""Every JSON file that a command reads, damaged in every way: one sentence, exit code 2, nothing written.

The files are those of a small extended checkpoint, a finished and an unfinished run of its training, and an
unfinished extension; made once, and copied for each case.
"""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from left_runs import leave_runs


@pytest.fixture(scope="session")
def whole(small_extended, tmp_path_factory):
    """A directory with the base, its extension, and what `train` and `extend` leave."""
    directory = tmp_path_factory.mktemp("whole")
    extended, texts = small_extended(), small_extended.texts
    shutil.copytree(extended, directory / "model")
    shutil.copytree(extended.with_name(extended.name.removesuffix("-extended")), directory / "base")
    leave_runs(directory, texts)
    return directory


def _commands(directory: Path, texts: Path) -> dict[str, tuple]:
    """The command lines by what they are called in the tables below."""
    model, base, run = directory / "model", directory / "base", directory / "run"
    zh, en, out = texts / "zh.jsonl", texts / "en.txt", ("--out", directory / "new")
    both = ("--corpus", zh, "--base-text", en)
    lora = (
        "train", model, "--corpus", zh, "--replay", en, "--method", "lora", "--dtype", "float32",
        "--sequence-length", 48, "--step-sequences", 4, "--heldout-bytes", 1000, "--lora-rank", 4,
        "--evaluate-every", 4,
    )  # fmt: skip
    extend = ("extend", "--lang", "zh-Hant", *both, "--new-tokens", 20, "--heldout-bytes", 1000)
    return {
        "extend": (*extend, "--base", model, *out),
        "extend --resume": (*extend, "--base", base, "--out", directory / "other", "--resume"),
        "transfer": ("transfer", "--base", model, "--tokenizer", base, *both, "--lang", "zh-Hant", *out),
        "train": (*lora, "--max-steps", 6, *out),
        "train --resume": (*lora, "--max-steps", 6, "--out", directory / "broken", "--resume"),
        "train --branch-from a run": (*lora, "--max-steps", 9, *out, "--branch-from", run),
        "train --branch-from an unfinished run": (
            *(*lora, "--max-steps", 9, *out, "--branch-from", directory / "broken"),
        ),
        "merge": ("merge", run, "--base", model, "--no-compare", *out),
        "evaluate": ("evaluate", model, *both, "--base", base, "--samples", 0, *out),
        "verify": ("verify", model, "--against", base, *both, "--lang", "zh-Hant"),
        "verify --records": ("verify", model, "--records"),
        "doctor": ("doctor", model),
        "doctor --base": ("doctor", model, "--base", base),
        "push": ("push", model, "--to", "me/model", "--dry-run"),
        "export": ("export", model, "--gguf", directory / "new.gguf"),
    }


def _without(*place):
    """Damage: a field that is missing."""
    return lambda data: _changed(data, place, lambda part, key: part.pop(key))


def _with(*place, value=None):
    """Damage: another value, or a field that is not known."""
    return lambda data: _changed(data, place, lambda part, key: part.__setitem__(key, value))


def _changed(data: bytes, place, change) -> bytes:
    """One JSON file, or its first line, with one field changed."""
    lines = data.decode().split("\n") if data.count(b"\n{") else [data.decode()]
    content = json.loads(lines[0])
    *inner, last = place
    part = content
    for key in inner:
        part = part[key]
    change(part, last)
    return "\n".join([json.dumps(content), *lines[1:]]).encode()


EVERYWHERE = {
    "truncated": lambda data: data[: len(data) // 2],
    "emptied": lambda data: b"",
    "a list": lambda data: b"[]",
    "a number": lambda data: b"5",
    "null": lambda data: b"null",
    "NaN": lambda data: b"NaN",
    "not UTF-8": lambda data: data.replace(b'"', b'"\xff', 1),
    "nested": lambda data: b"[" * 100_000,
}
_RUNS = ("train --resume", "train --branch-from an unfinished run")
_MANIFEST = (
    "extend", "transfer", "train", "merge", "evaluate", "verify", "verify --records", "doctor",
    "doctor --base", "push",
)  # fmt: skip
_CHECKPOINT = "broken.unfinished/checkpoints/checkpoint-3"
# Each file, who reads it, and damages of its own; the last word of each names the field that is told.
FILES = {
    "model/vocabx.json": (
        _MANIFEST,
        {
            "lacks sizes": _without("sizes"),
            "lacks sizes.tokens": _without("sizes", "tokens"),
            "has ranges[0].unheard": _with("ranges", 0, "unheard", value=1),
            "has another base.name": _with("base", "name", value=5),
            "has another sizes.tokens": _with("sizes", "tokens", value="640"),
            "has another ranges[0].first_id": _with("ranges", 0, "first_id", value=-1),
            "has another tables": _with("tables", value=[]),
            "has another format": _with("format", value=2),
            "lacks format": _without("format"),
        },
    ),
    "model/report.json": (
        ("evaluate", "extend"),
        {"has another hull_bound": _with("hull_bound", value="small")},
    ),
    "run/training.json": (
        ("merge", "train --branch-from a run"),
        {
            "lacks schedule": _without("schedule"),
            "lacks method.name": _without("method", "name"),
            "lacks method.alpha": _without("method", "alpha"),
            "has method.unheard": _with("method", "unheard", value=1),
            "has another schedule.decay": _with("schedule", "decay", value="1"),
            "has another base.tables": _with("base", "tables", value=5),
            "has another contest": _with("contest", value="won"),
            "has another fits[0]": _with("fits", value=[1]),
            "has another format": _with("format", value=2),
        },
    ),
    "run/adapter/adapter_config.json": (("merge",), {}),
    "run/metrics.jsonl": (
        ("train --branch-from a run",),
        {
            "lacks tokens": _without("tokens"),
            "has unheard": _with("unheard", value=1),
            "has another step": _with("step", value="0"),
        },
    ),
    "broken.unfinished/job.json": (
        _RUNS,
        {
            "lacks seed": _without("seed"),
            "has schedule.unheard": _with("schedule", "unheard", value=1),
            "has another schedule.steps": _with("schedule", "steps", value=None),
            "has another corpus[0]": _with("corpus", value=[1]),
            "has another fits": _with("fits", value=5),
        },
    ),
    "broken.unfinished/metrics.jsonl": (
        _RUNS,
        {
            "lacks tokens": _without("tokens"),
            "has unheard": _with("unheard", value=1),
            "has another tokens": _with("tokens", value=0.5),
        },
    ),
    f"{_CHECKPOINT}/whole.json": (
        _RUNS,
        {
            "lacks trainer_state.json": _without("trainer_state.json"),
            "has unheard": _with("unheard", value={"bytes": 1, "sha256": "0"}),
            "has another […]": _with("optimizer.pt", value="1"),
        },
    ),
    f"{_CHECKPOINT}/trainer_state.json": (
        _RUNS,
        {
            "lacks trainer_state.json": _without("global_step"),
            "has another trainer_state.json": _with("global_step", value="3"),
        },
    ),
    "other.unfinished/unfinished.jsonl": (
        ("extend --resume",),
        {
            "lacks file": _without("job"),
            "has unheard": _with("unheard", value=1),
            "has another job": _with("job", value=0),
        },
    ),
}
# What others write may hold more than is known.
_FOREIGN = {
    "model/config.json": ("extend", "transfer", "train", "merge", "evaluate", "export"),
    "model/generation_config.json": ("extend", "transfer", "export"),
    "model/tokenizer_config.json": ("extend", "transfer", "export"),
    "model/tokenizer.json": ("extend", "transfer", "train", "evaluate", "verify", "export"),
}
FILES |= {file: (commands, {}) for file, commands in _FOREIGN.items()}
FILES["model/generation_config.json"][1]["has another suppress_tokens"] = _with("suppress_tokens", value=5)
# A journal with an incomplete last line is left by a crash, and an empty one by a run that has just begun.
_SOUND = {
    ("other.unfinished/unfinished.jsonl", damage) for damage in ("truncated", "emptied", "NaN", "nested")
}
CASES = [
    pytest.param(file, damage, change, command, id=f"{file}-{damage}-{command}".replace(" ", "_"))
    for file, (commands, own) in FILES.items()
    for damage, change in {**EVERYWHERE, **own}.items()
    if (file, damage) not in _SOUND
    for command in commands
]


def tree(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in directory.rglob("*")
    }


@pytest.fixture
def copied(whole, tmp_path) -> Path:
    return shutil.copytree(whole, tmp_path / "made")


@pytest.mark.parametrize(("file", "damage", "change", "command"), CASES)
def test_a_damaged_file_is_one_sentence_and_nothing_is_written(
    vocabx, copied, small_extended, file, damage, change, command
):
    path = copied / file
    path.write_bytes(change(path.read_bytes()))
    before = tree(copied)
    run = vocabx(*_commands(copied, small_extended.texts)[command])
    assert run.code == 2, run
    assert run.err.startswith("error: ") and run.err.count("\n") == 1
    said = run.err.removeprefix("error: ").strip()
    assert len(said) <= 300 and path.name in said
    if damage not in EVERYWHERE:
        assert damage.split()[-1] in said
    assert tree(copied) == before


@pytest.mark.parametrize(
    ("file", "command"),
    [(file, command) for file, (commands, _) in FILES.items() for command in commands[:1]],
)
def test_a_directory_in_the_place_of_a_file_is_one_sentence(vocabx, copied, small_extended, file, command):
    path = copied / file
    path.unlink()
    path.mkdir()
    before = tree(copied)
    run = vocabx(*_commands(copied, small_extended.texts)[command])
    assert run.code == 2, run
    assert path.name in run.err and run.err.count("\n") == 1
    assert tree(copied) == before
