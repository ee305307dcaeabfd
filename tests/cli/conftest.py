"""The command line as a process of its own, where its surroundings matter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("vocabx")


@pytest.fixture
def run_script():
    """Run the installed script; names are of the environment, None takes one away."""

    def run(*command, **environment) -> subprocess.CompletedProcess[str]:
        changed = {**os.environ, **environment}
        kept = {name: str(value) for name, value in changed.items() if value is not None}
        return subprocess.run(list(map(str, command)), env=kept, capture_output=True, text=True, check=False)

    return run
