"""The table of cases: which damage in which file, read by which command; and options that are odd.

Each damage of each file is read by a few of the commands that read it, drawn with a fixed seed.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from damage import BYTES, JSON, NAMES, TEXT, WEIGHTS, Change
from world import command_line, paths_of

_BASE = (
    "extend", "extend dry", "extend tokenizer", "transfer", "compare", "export", "evaluate", "verify",
    "doctor base", "extend resume",
)  # fmt: skip
_MODEL = (
    "extend again", "train dry", "train", "merge", "evaluate", "verify", "verify records", "doctor",
    "doctor base", "doctor out", "export model", "push",
)  # fmt: skip
_TOKENIZER = (
    "extend tokenizer", "extend donor", "inspect", "doctor tokenizer", "verify tokenizer", "transfer",
)  # fmt: skip
_RUN = ("merge", "train branch")
_BROKEN = ("train resume", "train branch unfinished")
_ZH = ("extend", "extend tokenizer", "inspect", "train dry", "train", "evaluate", "verify", "transfer")
_EN = ("extend", "train dry", "evaluate", "verify")
_CHECKPOINT = "broken.unfinished/checkpoints/checkpoint-3"
_SIDE = (
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "tokenizer.json",
)  # fmt: skip
_SETTINGS = ("tokenizer.json", "tokenizer_config.json")

# Each file: what it stands for on the command line, the damages, and who reads it.
Reader = tuple[str, Mapping[str, Change], tuple[str, ...]]
FILES: dict[str, Reader] = {
    **{f"base/{name}": ("base", JSON, _BASE) for name in _SIDE},
    **{
        f"model/{name}": ("model", JSON, _MODEL)
        for name in (*_SIDE[:3], "tokenizer.json", "vocabx.json", "report.json")
    },
    **{
        f"{family}/{name}": ("tokenizer", JSON, _TOKENIZER)
        for family in ("byte-level", "wordpiece", "unigram", "characters")
        for name in _SETTINGS
    },
    "t5/tokenizer_config.json": ("tokenizer", JSON, _TOKENIZER),
    "t5/spiece.model": ("tokenizer", {}, _TOKENIZER),
    "sentencepiece/tokenizer.model": ("tokenizer", {}, _TOKENIZER),
    "bert/config.json": ("base", JSON, ("extend dry", "extend", "doctor base")),
    "sharded/config.json": ("base", JSON, ("extend", "export")),
    "sharded/model.safetensors.index.json": ("base", JSON, ("extend", "extend dry", "export")),
    "sharded/model-00001-of-00002.safetensors": ("base", WEIGHTS, ("extend", "export")),
    "base/model.safetensors": (
        *("base", WEIGHTS, ("extend", "extend dry", "compare", "transfer", "export", "evaluate")),
    ),
    "model/model.safetensors": ("model", WEIGHTS, ("train", "merge", "doctor base", "verify", "evaluate")),
    "run/training.json": ("run", JSON, _RUN),
    "run/job.json": ("run", JSON, _RUN),
    "run/metrics.jsonl": ("run", JSON, _RUN),
    "run/adapter/adapter_config.json": ("run", JSON, _RUN),
    "run/adapter/adapter_model.safetensors": ("run", WEIGHTS, _RUN),
    "broken.unfinished/job.json": ("broken", JSON, _BROKEN),
    "broken.unfinished/metrics.jsonl": ("broken", JSON, _BROKEN),
    "broken.unfinished/text/target.json": ("broken", JSON, _BROKEN),
    f"{_CHECKPOINT}/whole.json": ("broken", JSON, _BROKEN),
    f"{_CHECKPOINT}/trainer_state.json": ("broken", JSON, _BROKEN),
    f"{_CHECKPOINT}/optimizer.pt": ("broken", {}, _BROKEN),
    "other.unfinished/unfinished.jsonl": ("other", JSON, ("extend resume",)),
    "texts/zh.jsonl": ("zh", TEXT, _ZH),
    "texts/zh.txt": ("zh", TEXT, _ZH),
    "texts/zh.csv": ("zh", TEXT, _ZH),
    "texts/zh.json": ("zh", TEXT, _ZH),
    "texts/en.txt": ("en", TEXT, _EN),
    "texts/dictionary.txt": ("dictionary", TEXT, ("extend vectors",)),
    "texts/vectors.vec": ("vectors", TEXT, ("extend vectors",)),
}

# Odd names where a path is expected; "{case}" is a directory of the case.
PATHS: dict[str, str] = {
    "too long a name": "x" * 300,
    "too long a path": "x/" * 3000,
    "not UTF-8": os.fsdecode(b"\xff\xfe"),
    "a newline": "a\nb\x1b[2J",
    "nothing": "",
    "a root": "/",
    "a point": ".",
    "a device": "/dev/zero",
    "a null device": "/dev/null",
    "a process's memory": "/proc/self/mem",
    "a terminal": "/dev/tty",
    "a fifo": "{case}/fifo",
    "a loop": "{case}/loop",
    "behind a loop": "{case}/loop/deeper",
    "a broken link": "{case}/broken",
    "behind a file": "{case}/file/deeper",
    "an empty directory": "{case}/empty",
    "a directory of links to itself": "{case}/turning",
    "unreadable": "{case}/unreadable",
    "within an unreadable one": "{case}/unreadable/deeper",
    "unwritable": "/proc/new",
    "a user that is not": "~nobody-of-this-name/model",
    "a hub id": "owner/name/",
    "a pattern": "{case}/[",
    "a pattern of everything": "/proc/*/mem",
    "dashes": "--",
    "a number": "5",
}
_READ = {
    "base": (
        "extend", "extend dry", "transfer", "compare", "export", "evaluate", "verify", "doctor base", "merge",
    ),
    "tokenizer": _TOKENIZER,
    "model": _MODEL,
    "run": _RUN,
    "broken": ("train resume",),
    "zh": _ZH,
    "en": _EN,
    "dictionary": ("extend vectors",),
    "vectors": ("extend vectors",),
    "out": (
        "extend", "extend tokenizer", "transfer", "train", "merge", "evaluate", "doctor out", "export",
        "extend resume", "train dry",
    ),
}  # fmt: skip
_SLOW = (
    "extend", "extend again", "extend resume", "extend vectors", "compare", "evaluate", "train",
    "train resume", "train branch", "train branch unfinished",
)  # fmt: skip

# Options with numbers no machine can meet, and words that mean nothing; each after a command line.
_TRAIN, _EXTEND = ("train", "train dry"), ("extend", "extend tokenizer", "extend dry")
_NUMBERS = ("-1", "0", "1000000000", str(10**12), str(2**63), str(10**30), "1e308", "1e-320", "nan", "inf")
_WORDS = ("", "x" * 20_000, "\udcff", "\x1b[2J\n", "zh-Hant,", "../..", "5", "{base}", "%s", "--")
_NUMBER_OPTIONS: dict[str, tuple[str, ...]] = {
    "--new-tokens": (*_EXTEND, "compare"),
    "--learn-bytes": (*_EXTEND, "transfer", "compare"),
    "--heldout-bytes": (*_EXTEND, *_TRAIN, "evaluate", "compare", "transfer"),
    "--pad-to-multiple-of": ("extend", "extend dry", "transfer"),
    "--seed": ("extend", "inspect", "verify", "train dry"),
    "--neighbours": ("extend",),
    "--temperature": ("extend",),
    "--rank": ("extend",),
    "--candidates": ("extend",),
    "--epochs": ("extend", *_TRAIN),
    "--boost": ("extend",),
    "--distill-tokens": ("extend",),
    "--distill-minutes": ("extend",),
    "--adversarial": ("extend", "verify"),
    "--sample-bytes": ("inspect", "verify"),
    "--runtimes-strings": ("verify",),
    "--runtimes-seconds": ("verify",),
    "--samples": ("evaluate",),
    "--generate-tokens": ("evaluate",),
    "--probe-seeds": ("compare",),
    "--probe-steps": ("compare",),
    "--replay-share": _TRAIN,
    "--text-bytes": _TRAIN,
    "--max-steps": _TRAIN,
    "--sequence-length": _TRAIN,
    "--step-sequences": _TRAIN,
    "--batch-size": _TRAIN,
    "--max-memory": _TRAIN,
    "--learning-rate": _TRAIN,
    "--rows-learning-rate": _TRAIN,
    "--weight-decay": _TRAIN,
    "--rows-first": _TRAIN,
    "--warmup": _TRAIN,
    "--decay": _TRAIN,
    "--decay-half-life": _TRAIN,
    "--decay-replay-share": _TRAIN,
    "--max-grad-norm": _TRAIN,
    "--lora-rank": _TRAIN,
    "--lora-alpha": _TRAIN,
    "--lora-dropout": _TRAIN,
    "--evaluate-every": _TRAIN,
    "--save-every": _TRAIN,
    "--keep": _TRAIN,
    "--max-minutes": _TRAIN,
    "--stop-after": _TRAIN,
}
_WORD_OPTIONS: dict[str, tuple[str, ...]] = {
    "--lang": (*_EXTEND, "inspect", "verify", "evaluate", "compare", "transfer"),
    "--init": ("extend", "transfer", "compare"),
    "--text-field": ("extend", "inspect", "train dry"),
    "--opencc": ("extend", "inspect"),
    "--dictionary": ("extend vectors",),
    "--push-to-hub": ("extend dry",),
    "--to": ("push",),
    "--runtimes": ("verify",),
    "--runtimes-at": ("verify",),
    "--pre": ("export",),
    "--dtype": ("export", "train dry"),
    "--method": ("train dry",),
    "--report-to": ("train dry",),
    "--unheard": ("languages", "bases", "extend", "push"),
}
_CHANGED_RUNS = (
    ("train branch", ("--method", "rows")),
    ("train branch", ("--method", "full")),
    ("train branch", ("--lora-rank", "8")),
    ("train branch", ("--lora-alpha", "3")),
    ("train branch", ("--dtype", "bfloat16")),
    ("train branch", ("--lora-tables",)),
    ("train branch", ("--sequence-length", "64")),
    ("train branch", ("--seed", "5")),
    ("train branch unfinished", ("--method", "rows")),
    ("train branch unfinished", ("--lora-rank", "8")),
    ("train resume", ("--method", "rows")),
    ("train resume", ("--lora-rank", "8")),
    ("train resume", ("--seed", "5")),
    ("train resume", ("--max-steps", "7")),
    ("train resume", ("--sequence-length", "64")),
    ("train resume", ("--corpus", "{case}/file")),
    ("train resume", ("--dtype", "bfloat16")),
    ("train resume", ("--force",)),
    ("extend resume", ("--new-tokens", "9")),
    ("extend resume", ("--seed", "9")),
    ("extend resume", ("--force",)),
    ("extend resume", ("--init", "mean")),
)


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        name: what is wrong, in words.
        command: who reads it, a name in `command_line`.
        prepare: fills a directory of the case, and returns the words of the command.
    """

    name: str
    command: str
    prepare: Callable[[Path, Path], list[str]]


def every_case(share: float = 0.4) -> list[Case]:
    """The table: each damage of each file for one command that reads it, each odd name and number.

    Args:
        share: of all that could be drawn; the same share has the same cases.
    """
    found = [*_file_cases(), *_path_cases(), *_option_cases()]
    kept = [case for case in found if Random(f"{case.name}{case.command}").random() < share]
    return [*kept, *_run_cases()]


def _drawn(names: tuple[str, ...], seed: str) -> str:
    """One of the commands; those that train or compare models as rarely as they are slow."""
    return Random(seed).choices(names, [1 if name in _SLOW else 4 for name in names])[0]


def _file_cases() -> Iterator[Case]:
    for file, (role, own, commands) in FILES.items():
        changes = {f": {name}": change for name, change in {**BYTES, **own}.items()}
        for name, change in {**changes, **{f" {name}": place for name, place in NAMES.items()}}.items():
            command = _drawn(commands, file + name)
            yield Case(f"{file}{name}", command, _damaged(file, role, change, command))


def _damaged(file: str, role: str, change: Any, command: str) -> Callable[[Path, Path], list[str]]:
    def prepare(world: Path, case: Path) -> list[str]:
        top = file.split("/")[0]
        single = top == "texts"
        if single:
            (case / top).mkdir()
            shutil.copyfile(world / file, case / file)
        else:
            shutil.copytree(world / top, case / top, symlinks=True)
        path = case / file
        if change in NAMES.values():
            change(path)
        else:
            path.write_bytes(change(path.read_bytes(), Random(f"{file}{command}")))
        at = _reachable(world, case)
        given = path if single else case / top.removesuffix(".unfinished")
        # A base is also the tokenizer of the commands that want no more.
        at |= {role: given} | ({"tokenizer": given} if role == "base" and top in ("base", "sharded") else {})
        return command_line(command, at, case / "out" / "new")

    return prepare


def _reachable(world: Path, case: Path) -> dict[str, Path]:
    """The paths of a world, with copies of what a command would change."""
    at = paths_of(world)
    for name in ("broken", "other"):
        if not (case / f"{name}.unfinished").exists():
            shutil.copytree(world / f"{name}.unfinished", case / f"{name}.unfinished")
        at[name] = case / name
    return at


def _path_cases() -> Iterator[Case]:
    for name in PATHS:
        for role, commands in _READ.items():
            command = _drawn(commands, name + role)
            yield Case(f"{role} is {name}", command, _placed(name, role, command))


def _placed(name: str, role: str, command: str) -> Callable[[Path, Path], list[str]]:
    def prepare(world: Path, case: Path) -> list[str]:
        _odd_places(case)
        path = PATHS[name].format(case=case) if "{case}" in PATHS[name] else PATHS[name]
        at: dict[str, Any] = _reachable(world, case)
        out: Any = case / "out" / "new"
        if role == "out":
            out = path
        else:
            at[role] = path
        return command_line(command, at, out)

    return prepare


def _odd_places(case: Path) -> None:
    os.mkfifo(case / "fifo")
    (case / "loop").symlink_to("loop")
    (case / "broken").symlink_to("nowhere")
    (case / "file").write_text("文字\n")
    (case / "empty").mkdir()
    (case / "turning").mkdir()
    (case / "turning" / "again").symlink_to(".")
    (case / "turning" / "itself.txt").symlink_to("itself.txt")
    (case / "unreadable").mkdir()
    (case / "unreadable" / "config.json").write_text("{}")
    (case / "unreadable").chmod(0)


def _option_cases() -> Iterator[Case]:
    for option, commands in _NUMBER_OPTIONS.items():
        for value in _NUMBERS:
            command = _drawn(commands, option + value)
            yield Case(f"{option} {value}", command, _with_option(command, (f"{option}={value}",)))
    for option, commands in _WORD_OPTIONS.items():
        for number, value in enumerate(_WORDS):
            command = _drawn(commands, f"{option}{number}")
            yield Case(f"{option} {number}", command, _with_option(command, (f"{option}={value}",)))


def _run_cases() -> Iterator[Case]:
    for command, words in _CHANGED_RUNS:
        yield Case(" ".join(words), command, _with_option(command, words))


def _with_option(command: str, words: tuple[str, ...]) -> Callable[[Path, Path], list[str]]:
    def prepare(world: Path, case: Path) -> list[str]:
        (case / "file").write_text("另一段文字。\n" * 300)
        line = command_line(command, _reachable(world, case), case / "out" / "new")
        return _without(line, words[0].split("=")[0]) + [word.replace("{case}", str(case)) for word in words]

    return prepare


def _without(line: list[str], option: str) -> list[str]:
    """A command line without an option and its value."""
    if option not in line:
        return line
    place = line.index(option)
    return [*line[:place], *line[place + 2 :]]
