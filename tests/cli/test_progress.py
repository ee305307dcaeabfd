"""What stderr gets: plain lines in a log, nothing with --quiet, and no escape sequence of anybody else's."""

import io
import json
import subprocess
import sys
import time

import pytest
from vocabx.cli.console import console
from vocabx.cli.plain_line import LONGEST, harmless, json_line, plain_line
from vocabx.cli.progress import TerminalProgress

HOSTILE = "a\x1b]0;owned\x07\x1b[31m[red]b[/red]\x9b2J\u202ec:smile:"


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def logged(monkeypatch, quiet=False):
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr("sys.stderr", stream)
    return TerminalProgress(quiet, clock), clock, stream


def test_a_log_gets_a_line_per_stage_and_one_each_half_minute(monkeypatch):
    progress, clock, stream = logged(monkeypatch)
    with progress.stage("Reading text", 100e6, "B") as advance:
        progress.status("loss 2.5")
        for _ in range(90):
            clock.now += 1
            advance(1e6)
    with progress.stage("Verifying"):
        progress.note("A note.")
    assert stream.getvalue().splitlines() == [
        "0:00:00  Reading text",
        "0:00:30  Reading text: 30 %, 30.0 MB, 1.0 MB/s, remaining 0:01:10, loss 2.5",
        "0:01:00  Reading text: 60 %, 60.0 MB, 1.0 MB/s, remaining 0:00:40, loss 2.5",
        "0:01:30  Reading text: 90 %, 90.0 MB, 1.0 MB/s, remaining 0:00:10, loss 2.5",
        "0:01:30  Verifying",
        "A note.",
    ]


def test_a_stage_that_counts_nothing_is_not_silent_either(monkeypatch):
    monkeypatch.setattr("vocabx.cli.progress._BETWEEN", 0.01)
    progress, clock, stream = logged(monkeypatch)
    with progress.stage("Learning tokens"):
        clock.now += 95
        deadline = time.monotonic() + 30
        while stream.getvalue().count("\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert stream.getvalue().splitlines() == [
        "0:00:00  Learning tokens",
        "0:01:35  Learning tokens: for 0:01:35",
    ]


def test_a_reader_that_leaves_does_not_end_the_work():
    code = (
        "import sys; from vocabx.cli.progress import TerminalProgress; progress = TerminalProgress()\n"
        "for number in range(500):\n"
        "    with progress.stage(f'Stage {number}'): pass\n"
        "print('done')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stderr.readline()
        process.stderr.close()
        assert process.stdout.read() == "done\n"
        assert process.wait() == 0


def test_quiet_shows_neither_stages_nor_notes(monkeypatch):
    progress, clock, stream = logged(monkeypatch, quiet=True)
    with progress.stage("Reading text", 10) as advance:
        clock.now += 100
        advance(5)
        progress.note("A note.")
    assert stream.getvalue() == ""


def test_text_of_others_reaches_a_terminal_without_its_escape_sequences(monkeypatch):
    from rich.table import Table

    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = console()
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE, style="bold", overflow="fold")
    table.add_row(HOSTILE)
    out.print(table)
    out.print(HOSTILE, style="yellow", soft_wrap=True)
    shown = stream.getvalue()
    assert "\x1b[33m" in shown, "our own codes stay"
    assert "\x1b]" not in shown and "\x1b[31m" not in shown
    assert not {"\x07", "\x9b", "\u202e"} & {*shown}
    assert "[red]b[/red]" in shown and ":smile:" in shown


def test_a_stage_on_a_terminal_takes_its_title_literally(monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    progress = TerminalProgress()
    with progress.stage("Examining [red]dir[/red]\x1b]0;x\x07", 2) as advance:
        advance(2)
    shown = stream.getvalue()
    assert "[red]dir[/red]" in shown and "\x1b]" not in shown and "\x07" not in shown


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, 100_000])
def test_a_long_line_keeps_its_beginning_and_its_end(length):
    line = plain_line("error: " + "x" * (length - 7 - 7) + " pass y")
    assert len(line) == min(length, LONGEST)
    assert line.startswith("error: x") and line.endswith("x pass y")
    assert ("…" in line) == (length > LONGEST)


def test_long_paths_in_a_long_line_lose_their_middle_and_the_sentence_stays_whole():
    first, second = "/" + "a" * 150 + "/base", "/" + "b" * 150 + "/out"
    line = plain_line(
        f"error: {first} is not the base of {second}: its lm_head.weight differs; pass the other"
    )
    assert len(line) == LONGEST
    words = line.split(" ")
    assert " ".join(words[2:7]) == "is not the base of"
    assert words[1].startswith("/aaa") and words[1].endswith("a/base") and words[7].endswith("b/out:")
    assert line.endswith(": its lm_head.weight differs; pass the other")


def test_json_has_escapes_for_control_characters_and_is_the_same_object():
    content = {HOSTILE: [HOSTILE, "字\n\t\x7f"]}
    line = json_line(content)
    assert json.loads(line) == content and "字" in line
    assert line.isprintable()


def test_a_line_is_one_line_without_control_characters():
    assert plain_line("a\nb\r\n\x1b[2Jc") == "a b \u241b[2Jc"
    assert harmless("tab\tline\n字👩\u200d👧") == "tab\tline\n字👩\u200d👧"
