import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest

import vocabx as package
from vocabx import languages
from vocabx._util import packaged
from vocabx.corpus.languages import find_language, profiles
from vocabx.corpus.source import default_source
from vocabx.errors import VocabxError
from vocabx.progress import Quiet
from vocabx.vectors.dictionary import read_dictionary
from vocabx.vectors.packaged_vectors import packaged_vectors


def succeeds(call, *arguments):
    try:
        return call(*arguments) is not None
    except VocabxError:
        return False


def test_every_profile_is_listed_once_with_what_it_says():
    found = languages()
    assert [one.tag for one in found] == list(profiles())
    for one in found:
        language = find_language(one.tag)
        assert (one.name, one.scripts, one.dictionary) == (
            language.name,
            language.scripts,
            language.dictionary,
        )


@pytest.mark.parametrize("one", languages(), ids=lambda one: one.tag)
def test_what_is_said_to_be_installed_can_be_read_and_nothing_else(one):
    language = find_language(one.tag)
    description = default_source(language).description
    assert description.startswith("packaged text of") == one.text_installed
    assert one.text_source in description
    assert one.text == ("packaged" if language.packaged else "hub")
    assert succeeds(packaged_vectors, one.tag, Quiet()) == one.vectors_installed
    if one.dictionary:
        assert succeeds(read_dictionary, one.dictionary, language) == one.dictionary_installed
    else:
        assert not one.dictionary_installed


def test_without_its_packages_only_the_text_inside_python_is_there(monkeypatch):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packaged, "distribution", nothing)
    assert [one.tag for one in languages() if one.text_installed] == ["en"]
    assert not any(one.vectors_installed for one in languages())
    traditional = next(one for one in languages() if one.tag == "zh-Hant")
    assert (traditional.text, traditional.vectors) == ("packaged", "synonyms 3.10.2")


def test_another_version_of_a_package_is_not_the_one_we_know(monkeypatch):
    found = packaged.distribution("bibletk")
    monkeypatch.setattr(type(found), "version", property(lambda self: "99"))
    assert [one.tag for one in languages() if one.text_installed] == ["en"]


def test_the_command_prints_what_the_function_returns(vocabx):
    run = vocabx("languages", "--json")
    assert run.code == 0, run.err
    listed = json.loads(run.out)["languages"]
    assert [{**vars(one), "scripts": list(one.scripts)} for one in languages()] == listed
    table = vocabx("languages").out
    assert all(one.tag in table and one.name in table for one in languages())
    marked = {line.split()[0] for line in table.splitlines() if "✓ packaged" in line}
    assert marked == {one.tag for one in languages() if one.text_installed}


def test_listing_loads_no_heavy_library():
    code = (
        "import sys, vocabx; vocabx.languages(); vocabx.bases(); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"torch", "transformers", "tokenizers", "scipy", "matplotlib", "gensim", "pyarrow", "datasets"}
    assert not heavy & set(loaded.split())


def test_no_public_name_hides_a_module():
    for name in package.__all__:
        assert f"vocabx.{name}" not in sys.modules
