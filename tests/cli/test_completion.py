import pytest

from .conftest import SCRIPT


@pytest.fixture
def completed(run_script):
    """What the shell is offered for the last word of a line."""

    def complete(line):
        words = line.split(" ")
        environment = {"COMP_WORDS": line, "COMP_CWORD": len(words) - 1, "_VOCABX_COMPLETE": "complete_bash"}
        run = run_script(SCRIPT, **environment)
        assert (run.returncode, run.stderr) == (0, "")
        return run.stdout.split()

    return complete


def test_commands_and_options_are_completed(completed):
    assert completed("vocabx ex") == ["extend", "export"]
    assert completed("vocabx extend --new") == ["--new-tokens"]
    assert completed("vocabx extend --no-ev") == ["--no-evaluate"]
    assert completed("vocabx inspect x --js") == ["--json"]


def test_completion_is_shown_for_the_shell_that_runs(run_script):
    # With a second command, the shell stays the parent instead of becoming vocabx.
    run = run_script("bash", "-c", f"'{SCRIPT}' --show-completion; exit $?")
    assert run.returncode == 0, run.stderr
    assert "complete -o default -F _vocabx_completion vocabx" in run.stdout


def test_completion_is_installed_where_a_new_shell_finds_it(run_script, tmp_path):
    run = run_script("bash", "-c", f"'{SCRIPT}' --install-completion; exit $?", HOME=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "installed in" in run.stdout
    shell = run_script("bash", "--rcfile", tmp_path / ".bashrc", "-ic", "complete -p vocabx", HOME=tmp_path)
    assert "-F _vocabx_completion vocabx" in shell.stdout
