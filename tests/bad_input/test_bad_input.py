"""Whatever the input, a command ends with a result or with one sentence, and changes nothing that it reads.

A table of damages, files and commands, see `bad_cases`. A tenth of it, evenly drawn, is not slow.
"""

from pathlib import Path

import pytest
from bad_cases import Case, every_case
from bad_run import faults_of
from world import make_world

_EVERY = 10


@pytest.fixture(scope="session")
def world(small_extended, english, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    make_world(directory, small_extended(), small_extended.texts, english)
    return directory


def _id(case: Case) -> str:
    return ascii(f"{case.name}, {case.command}")[1:-1].replace(" ", "-")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=_id(case), marks=[pytest.mark.slow] if number % _EVERY else [])
        for number, case in enumerate(every_case())
    ],
)
def test_bad_input_is_one_sentence_and_nothing_else_is_changed(case, world, tmp_path, monkeypatch):
    # What is made of a base is kept beside the tests.
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path.with_name("cache")))
    assert faults_of(case, world, tmp_path) == ""
