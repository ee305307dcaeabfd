"""Running the benchmarks at toy sizes: the code that made benchmarks/results, with small arguments."""

import importlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from catalogue_files import mo_file, names_in

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def toy(tmp_path):
    """A function that runs a benchmark, and returns what it found once that is in its file, too."""
    out = tmp_path / "results"
    before = _committed()

    def run(name: str, *arguments: Any, results: str = "") -> dict[str, Any]:
        found = importlib.import_module(name).main([*map(str, arguments), "--out", str(out)])
        # One that writes several files returns them by name.
        found = found.get(results, found)
        written = json.loads((out / f"{results or name}.json").read_text(encoding="utf-8"))
        assert written == json.loads(json.dumps(found))
        assert all(map(math.isfinite, _numbers(found)))
        return found

    yield run
    assert _committed() == before, "a run at a toy size wrote over the committed results"


def _committed() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (BENCHMARKS / "results").rglob("*") if path.is_file()}


def _numbers(found: Any) -> list[float]:
    if isinstance(found, dict):
        return [number for value in found.values() for number in _numbers(value)]
    if isinstance(found, list | tuple):
        return [number for value in found for number in _numbers(value)]
    return [found] if isinstance(found, int | float) else []


@pytest.fixture(scope="session")
def german_file(tmp_path_factory) -> Path:
    """Some German, a hundred names per document."""
    names = names_in("de")
    path = tmp_path_factory.mktemp("german") / "de.jsonl"
    groups = ["\n".join(names[start : start + 100]) for start in range(0, len(names), 100)]
    path.write_text("".join(json.dumps({"text": group}) + "\n" for group in groups), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def hindi_catalogues(tmp_path_factory) -> Path:
    """A directory with the Hindi catalogue of a program that knows the names of languages and countries."""
    return _catalogues(tmp_path_factory.mktemp("locale"), "hi")


@pytest.fixture(scope="session")
def three_catalogues(tmp_path_factory) -> Path:
    """The same in Hindi, Tamil and Russian."""
    return _catalogues(tmp_path_factory.mktemp("locale"), "hi", "ta", "ru")


def _catalogues(directory: Path, *languages: str) -> Path:
    for language in languages:
        path = directory / language / "LC_MESSAGES" / "names.mo"
        path.parent.mkdir(parents=True)
        strings = {f"name {number}": name for number, name in enumerate(names_in(language))}
        path.write_bytes(mo_file({"": "Content-Type: text/plain; charset=UTF-8\n", **strings}))
    return directory


@pytest.fixture
def some_verses(tmp_path, verses):
    """Some 40 kB of Traditional Chinese, ten verses per document."""
    path = tmp_path / "some-verses.txt"
    groups = ["\n".join(verses[start : start + 10]) for start in range(0, 500, 10)]
    path.write_text("\n\n".join(groups), encoding="utf-8")
    return path
