"""The list of runtimes and where they are looked for."""

import sys

import pytest

from vocabx.errors import OptionError
from vocabx.runtimes.places import places_of
from vocabx.runtimes.registry import RUNTIMES, find_runtimes
from vocabx.runtimes.runtime import READERS, Place


def test_every_reader_belongs_to_one_runtime():
    readers = [runtime.reader for runtime in RUNTIMES]
    files = {path.name for path in READERS.iterdir() if path.suffix in (".py", ".mjs")} - {"__init__.py"}
    assert sorted(readers) == sorted(files)
    assert len({runtime.name for runtime in RUNTIMES}) == len(RUNTIMES)


def test_all_is_every_runtime_and_names_are_found_in_the_order_of_the_list():
    assert find_runtimes(["all"]) == RUNTIMES
    assert [one.name for one in find_runtimes(["tokie", "transformers"])] == ["transformers", "tokie"]


def test_an_unknown_runtime_is_refused_with_the_nearest_name():
    with pytest.raises(OptionError, match=r"no runtime 'toki'. Did you mean tokie\?"):
        find_runtimes(["toki"])
    with pytest.raises(OptionError, match="Pass all, which names them") as refused:
        find_runtimes(["z" * 500])
    assert len(str(refused.value)) <= 300


def test_a_folder_counts_for_the_runtimes_that_it_holds(tmp_path):
    (tmp_path / "tokie-0.1.4.dist-info").mkdir()
    (tmp_path / "tokie-0.1.4.dist-info/METADATA").write_text("Name: tokie\nVersion: 0.1.4\n")
    (tmp_path / "node_modules/node-llama-cpp").mkdir(parents=True)
    (tmp_path / "node_modules/node-llama-cpp/package.json").write_text("{}")
    runtimes = find_runtimes(["tokie", "kitoken", "node-llama-cpp"])
    found = [
        (one.name, place.name) for one, place in places_of(runtimes, [str(tmp_path)]) if place != Place()
    ]
    assert found == [("node-llama-cpp", str(tmp_path)), ("tokie", str(tmp_path))]


def test_a_python_counts_for_the_runtime_that_it_is_given_for():
    runtimes = find_runtimes(["transformers", "tokenizers"])
    found = places_of(runtimes, [f"transformers={sys.executable}"])
    assert [(one.name, place.python) for one, place in found] == [
        ("transformers", ""), ("transformers", sys.executable), ("tokenizers", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "given", ["/no/such/folder", "tokie=/no/such/folder", sys.executable, f"node-llama-cpp={sys.executable}"]
)
def test_a_place_that_is_none_is_refused(given):
    with pytest.raises(OptionError, match=r"--runtimes-at: .* is neither a folder with packages nor"):
        places_of(RUNTIMES, [given])


def test_a_folder_that_lacks_the_runtime_it_is_given_for_is_refused(tmp_path):
    with pytest.raises(OptionError, match="holds no tokie: pass the folder it is in"):
        places_of(RUNTIMES, [f"tokie={tmp_path}"])
