"""vocabx as its wheel installs it, without extras, in an environment of its own."""

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PLAIN = _ROOT / ".venv" / "plain"
_SOURCES = ("assets", "cli", "vocabx", "LICENSE", "README.md", "pyproject.toml")


@dataclass(frozen=True)
class Built:
    sdist: Path
    wheel: Path


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and vocabx's own requirements, and nothing of this repository."""

    home: Path

    def run(self, name, *arguments, cwd) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment from another directory, offline."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VOCABX"))}
        offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(cwd / "hub"), "VOCABX_CACHE": str(cwd / "cache")}
        command = [self.home / "bin" / name, *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=kept | offline, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="session")
def plain_python() -> Path:
    python = _PLAIN / "bin" / "python"
    if not python.is_file():
        pytest.fail(f"{python} is missing: run `make test`, which installs it", pytrace=False)
    return python


@pytest.fixture(scope="session")
def built(tmp_path_factory, plain_python) -> Built:
    """The source distribution of a clean copy of the sources, and the wheel of the source distribution."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in _SOURCES:
        if (_ROOT / name).is_dir():
            shutil.copytree(_ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(_ROOT / name, source / name)
    make = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    _run([plain_python, "-c", make, out], source)
    sdist = next(out.glob("*.tar.gz"))
    offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    _run([plain_python, "-m", "pip", "wheel", *offline, "--wheel-dir", out, sdist], out)
    return Built(sdist, next(out.glob("*.whl")))


@pytest.fixture(scope="session")
def plain(tmp_path_factory, plain_python, built) -> Installed:
    home = tmp_path_factory.mktemp("plain")
    venv.EnvBuilder(symlinks=True).create(home)
    packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (home / packages / "requirements.pth").write_text(f"{_PLAIN / packages}\n")
    install = ["install", "--quiet", "--no-deps", "--no-index", built.wheel]
    _run([plain_python, "-m", "pip", "--python", home / "bin" / "python", *install], home)
    return Installed(home)


def _run(command, cwd) -> None:
    ran = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
