import sys

import pytest
from vocabx.cli.app import main


def refusal(monkeypatch, capsys, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["vocabx", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1
    return told


@pytest.mark.parametrize(
    "arguments",
    [
        ("extend", "--lang", "ru", "--lang", "th"),
        ("extend", "--lang=ru", "--new-tokens", "5", "--lang", "ru"),
        ("inspect", "--lang", "ru", "--lang", "th"),
        ("transfer", "--lang", "ru", "--tokenizer", "a", "--lang", "th"),
    ],
)
def test_an_option_of_one_value_that_is_given_twice_is_refused(monkeypatch, capsys, arguments):
    told = refusal(monkeypatch, capsys, *arguments)
    assert told.startswith("error: --lang is given 2 times: pass it once.")


def test_switches_that_contradict_each_other_are_refused(monkeypatch, capsys):
    told = refusal(monkeypatch, capsys, "extend", "--lang", "ru", "--no-evaluate", "--evaluate")
    assert "--evaluate and --no-evaluate contradict each other" in told


@pytest.mark.parametrize("twice", [("--corpus", "a.txt", "--corpus", "b.txt"), ("--link", "--link")])
def test_lists_and_repeated_switches_may_be_given_twice(monkeypatch, capsys, tmp_path, twice):
    monkeypatch.chdir(tmp_path)
    assert "times" not in refusal(monkeypatch, capsys, "extend", "--lang", "xx-nothing", *twice)
