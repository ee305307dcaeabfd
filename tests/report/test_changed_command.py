import shlex
from dataclasses import fields
from typing import get_type_hints

import pytest

from vocabx import ExtendOptions
from vocabx._util.options import flag
from vocabx.report import extension_verdict
from vocabx.report.changed_command import changed_command, option_of


@pytest.mark.parametrize("command", ["", "it's broken", "vocabx train demo --out"])
def test_a_command_that_names_no_value_has_none(command):
    assert option_of(command, "--out") == ""
    assert changed_command(command, {}) == shlex.join(command.split())


def test_options_are_found_and_changed_in_both_forms():
    command = "vocabx extend --out='a b' --init mean --resume --seed 3"
    assert option_of(command, "--out") == "a b" and option_of(command, "--seed") == "3"
    changed = changed_command(command, {"--out": "c d", "--untie": None}, ("--init",), ("--resume",))
    assert changed == "vocabx extend --seed 3 --out 'c d' --untie"


def test_a_switch_is_left_out_without_the_word_after_it():
    changed = changed_command(
        "vocabx train --quiet demo --resume --force", {"--contest": None}, (), ("--quiet",)
    )
    assert changed == "vocabx train demo --resume --force --contest"


def test_the_options_that_a_next_run_leaves_out_are_switches_where_the_options_say_so():
    hints = get_type_hints(ExtendOptions)
    switches = {flag(one.name) for one in fields(ExtendOptions) if hints[one.name] is bool}
    # Those of the terminal alone.
    switches |= {"--quiet", "--json"}
    left_out = [*extension_verdict._SWITCHES_OF_ONE_RUN, *extension_verdict._SWITCHES_OF_INITIALIZERS]
    assert set(left_out) <= switches
    assert switches.isdisjoint([*extension_verdict._OF_ONE_RUN, *extension_verdict._OF_INITIALIZERS])
