import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from vocabx._util.extras import installed, left_out, missing, need, require_all
from vocabx.errors import MissingPackageError

ROOT = Path(__file__).resolve().parents[2]
ABSENT, ALSO_ABSENT = "no_such_package", "nor_this_one"


def test_what_is_installed_is_not_asked_for():
    require_all({"json": "corpus", "numpy": ""})
    assert missing({"numpy": "corpus", ABSENT: "report"}) == {ABSENT: "report"}
    assert left_out({"plots": {"numpy": "report"}}) == ""
    assert need("json.decoder", "corpus").JSONDecoder


@pytest.mark.parametrize(
    ("packages", "sentence"),
    [
        (
            {ABSENT: "report", "numpy": "train"},
            f"this needs the package {ABSENT}, which is not installed: pip install 'vocabx[report]'",
        ),
        (
            {ABSENT: "report", ALSO_ABSENT: "evaluate"},
            f"this needs the packages {ABSENT} and {ALSO_ABSENT}, which are not installed: "
            "pip install 'vocabx[evaluate,report]'",
        ),
        (
            {ABSENT: "train", ALSO_ABSENT: ""},
            f"this needs the packages {ABSENT} and {ALSO_ABSENT}, which are not installed: "
            f"pip install 'vocabx[train]' {ALSO_ABSENT}",
        ),
        ({ABSENT: ""}, f"this needs the package {ABSENT}, which is not installed: pip install {ABSENT}"),
    ],
)
def test_all_that_is_missing_is_named_with_one_line_that_installs_it(packages, sentence):
    with pytest.raises(MissingPackageError) as caught:
        require_all(packages)
    assert str(caught.value) == sentence


def test_only_what_cannot_be_made_is_said_to_be_left_out():
    parts = {"plots": {ABSENT: "report"}, "numbers": {"numpy": "corpus"}, "scores": {ALSO_ABSENT: "evaluate"}}
    assert left_out(parts) == (
        f"Without {ABSENT} and {ALSO_ABSENT}, this leaves out plots and scores: "
        "pip install 'vocabx[evaluate,report]'"
    )


def test_a_package_that_is_broken_is_not_said_to_be_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_here.py").write_text(f"import {ABSENT}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match=ABSENT):
        need("broken_here", "report")
    with pytest.raises(MissingPackageError, match=rf"package {ABSENT}, .*vocabx\[report\]"):
        need(f"{ABSENT}.part", "report")


def named_in_the_code():
    """Every (module, extra) that the code asks for: in calls of `need`, and in tables of packages."""
    found = set()
    extras = set(extras_of_the_project())
    for path in (ROOT / "vocabx").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            strings = []
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "need":
                strings = [tuple(getattr(argument, "value", None) for argument in node.args)]
            if isinstance(node, ast.Dict):
                strings = [
                    (getattr(key, "value", None), getattr(value, "value", None))
                    for key, value in zip(node.keys, node.values, strict=True)
                ]
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "fromkeys" and node.args:
                names = getattr(node.args[0], "elts", ())
                strings = [(name.value, getattr(node.args[-1], "value", None)) for name in names]
            found |= {(name.partition(".")[0], extra) for name, extra in strings if name and extra in extras}
    return found


def optional_dependencies():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def extras_of_the_project():
    return {
        extra: {re.split(r"[><=\[ ]", requirement)[0].lower() for requirement in requirements}
        for extra, requirements in optional_dependencies().items()
    }


def installed_by_all():
    (requirement,) = optional_dependencies()["all"]
    return set(re.fullmatch(r"vocabx\[(.+)\]", requirement)[1].split(","))


def test_every_extra_that_a_message_names_installs_the_package(words_at_hand):
    extras, distributions = extras_of_the_project(), packages_distributions()
    named = named_in_the_code()
    assert {("torch", "evaluate"), ("faiss", "vectors"), ("matplotlib", "report"), ("gguf", "gguf")} <= named
    for module, extra in named:
        if not installed(module):
            # Compiled on installation, so that `all` leaves it out; its module bears its distribution's name.
            assert extra not in installed_by_all() and module in extras[extra], (module, extra)
            continue
        assert {name.lower() for name in distributions[module]} & extras[extra], (module, extra)
