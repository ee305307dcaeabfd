import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner
from vocabx.cli.app import app

import vocabx

from .conftest import SCRIPT

FUNCTIONS = [command.callback.__name__ for command in app.registered_commands]
COMMANDS = [
    command.name or name.replace("_", "-")
    for command, name in zip(app.registered_commands, FUNCTIONS, strict=True)
]


def shown(*arguments, columns=80):
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": str(columns), "TERMINAL_WIDTH": str(columns)})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_version_is_the_same_wherever_it_is_asked():
    commands = ([SCRIPT, "--version"], [sys.executable, "-m", "vocabx", "--version"])
    printed = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands
    ]
    assert printed == [f"vocabx {vocabx.__version__}\n"] * 2
    assert vocabx.__version__ == version("vocabx")


def test_every_command_is_listed_and_is_a_function_of_the_package():
    assert set(FUNCTIONS) <= set(vocabx.__all__)
    listed = shown("-h")
    assert all(f"│ {name} " in listed for name in COMMANDS)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_the_terminal_and_shows_no_type_where_there_is_no_value(command):
    arguments = [command] if command else []
    for columns in (80, 120):
        text = shown(*arguments, "-h", columns=columns)
        assert text == shown(*arguments, "--help", columns=columns)
        assert max(map(len, text.splitlines())) <= columns
        for wrong in ("bool", "list[", "<str>", "…", "None"):
            assert wrong not in text


def test_the_options_of_a_command_are_in_panels():
    text = shown("extend", "-h")
    headings = [line.split("─ ")[1].split(" ─")[0] for line in text.splitlines() if line.startswith("╭")]
    assert headings == ["Options", "Model", "Output", "Text", "Measuring", "Hub", "Tokens", "Initialization"]


def test_a_command_without_arguments_prints_the_help():
    assert shown() == shown("--help")
