import shlex

import pytest

from vocabx.report.changed_command import changed_command, option_of


@pytest.mark.parametrize("command", ["", "it's broken", "vocabx train demo --out"])
def test_a_command_that_names_no_value_has_none(command):
    assert option_of(command, "--out") == ""
    assert changed_command(command, {}) == shlex.join(command.split())


def test_options_are_found_and_changed_in_both_forms():
    command = "vocabx extend --out='a b' --init mean --resume --seed 3"
    assert option_of(command, "--out") == "a b" and option_of(command, "--seed") == "3"
    changed = changed_command(command, {"--out": "c d", "--untie": None}, ("--init", "--resume"))
    assert changed == "vocabx extend --seed 3 --out 'c d' --untie"
