"""Processes with limits: how they end, and that what they started ends with them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vocabx._util.limited_process import Ended, run_limited, signal_name, start_in_group

# Long enough that no test waits for it.
_HANGS = "import time; time.sleep(600)"
_LONG = 120


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def run(code: str, directory: Path, seconds: float = _LONG, most_output: int | None = None, **environment):
    return run_limited(python(code), directory, environment, seconds, most_output)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def ends(process: int) -> bool:
    """Whether a process ends, which takes the system a moment."""
    for _ in range(1000):
        if not is_running(process):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(("code", "how"), [
    ("", ""),
    ("raise SystemExit(3)", "ended with exit code 3"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV"),
])  # fmt: skip
def test_how_a_process_ended_is_told_in_words(tmp_path, code, how):
    assert run(code, tmp_path).how == how


def test_a_process_that_hangs_is_stopped_after_its_time(tmp_path):
    ended = run(_HANGS, tmp_path, seconds=0.5)
    assert ended.how == ended.stopped == "took longer than 0.5 seconds"


@pytest.mark.parametrize("most_output", [None, 1_000_000])
@pytest.mark.parametrize(("after", "seconds"), [("", _LONG), (_HANGS, 3)])
def test_what_a_process_started_ends_with_it_whether_it_ends_or_is_stopped(
    tmp_path, after, seconds, most_output
):
    code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {_HANGS!r}])\n"
        "open('child', 'w').write(str(child.pid))\n"
    )
    run(code + after, tmp_path, seconds, most_output)
    assert ends(int((tmp_path / "child").read_text()))


def test_a_process_that_prints_without_end_is_stopped(tmp_path):
    ended = run("while True: print('noise' * 1000)", tmp_path, most_output=2_000_000)
    assert ended.how == ended.stopped == "wrote more than 2 MB to its output"
    assert set(ended.last_line) <= set("noise") and len(ended.last_line) <= 300


def test_the_last_line_that_is_not_empty_is_kept_from_either_output(tmp_path):
    code = "import sys; print('first', flush=True); print('  last  \\n\\n', file=sys.stderr); sys.exit(1)"
    assert run(code, tmp_path, most_output=1_000_000) == Ended(1, "", "last")


def test_output_that_is_not_read_is_not_heard(tmp_path, capfd):
    assert run("import sys; print('noise'); sys.exit('more')", tmp_path) == Ended(1)
    assert capfd.readouterr() == ("", "")


def test_a_process_gets_no_input_its_directory_and_our_variables_with_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("VOCABX_OURS", "ours")
    monkeypatch.setenv("VOCABX_CHANGED", "ours")
    code = (
        "import os, sys\n"
        "print(repr(sys.stdin.read()), os.getcwd(), os.environ['VOCABX_OURS'], os.environ['VOCABX_CHANGED'])"
    )
    ended = run(code, tmp_path, most_output=1_000_000, VOCABX_CHANGED="its own")
    assert ended.last_line == f"'' {tmp_path} ours its own"


@pytest.mark.parametrize(("code", "how"), [
    ("bytearray(1 << 36)", "ended with exit code 1: MemoryError"),
    ("while True: pass", "died of SIGXCPU"),
])  # fmt: skip
def test_a_process_keeps_the_limits_that_it_sets_itself(tmp_path, code, how):
    limit = "from vocabx._util.limited_process import limit_this_process\nlimit_this_process(1 << 32, 1)\n"
    ended = run(limit + code, tmp_path, most_output=1_000_000)
    assert f"{ended.how}: {ended.last_line}".startswith(how)


def test_a_limit_that_the_system_sets_lower_is_kept(tmp_path):
    code = (
        "import resource\n"
        "from vocabx._util.limited_process import limit_this_process as limit\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (50, 50))\n"
        "limit(1 << 32, 100)\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU))\n"
    )
    assert run(code, tmp_path, most_output=1_000_000) == Ended(0, "", "(50, 50)")


@pytest.mark.parametrize("most_output", [None, 1_000_000])
def test_a_program_that_is_missing_is_an_error_of_the_system(tmp_path, most_output):
    with pytest.raises(FileNotFoundError):
        run_limited([str(tmp_path / "missing")], tmp_path, {}, _LONG, most_output)


def test_a_process_in_a_group_is_out_of_reach_of_the_keyboard_and_inherits_what_it_is_given(tmp_path):
    reading, writing = os.pipe()
    code = f"import os; os.write({writing}, str(os.getsid(0)).encode()); print(input())"
    process = start_in_group(
        python(code), tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, held=[writing]
    )
    os.close(writing)
    with process:
        assert int(os.read(reading, 64)) == process.pid != os.getsid(0)
        assert process.communicate(b"asked\n", _LONG)[0] == b"asked\n"
    os.close(reading)


def test_only_exit_codes_of_signals_have_names():
    assert [signal_name(code) for code in (-9, -15, 0, 1)] == ["SIGKILL", "SIGTERM", "", ""]
