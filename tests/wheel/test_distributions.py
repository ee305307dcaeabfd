import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_both_distributions_hold_the_licence(built):
    licence = (ROOT / "LICENSE").read_bytes()
    assert b"Apache License" in licence and b"Copyright 2026 The vocabx authors" in licence
    with zipfile.ZipFile(built.wheel) as wheel:
        assert wheel.read("vocabx-0.1.0.dist-info/licenses/LICENSE") == licence
    with tarfile.open(built.sdist) as sdist:
        assert sdist.extractfile("vocabx-0.1.0/LICENSE").read() == licence


def test_the_wheel_holds_every_module_and_every_asset_and_nothing_else(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {"vocabx/py.typed"}
    for folder, name in (("vocabx", "vocabx"), ("cli", "vocabx/cli"), ("assets", "vocabx/assets")):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".mjs", ".toml", ".md", ".html", ".json"):
                wanted.add(f"{name}/{path.relative_to(ROOT / folder)}")
    assert shipped == wanted


def test_the_metadata_say_whose_it_is_and_under_which_licence(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        metadata = message_from_string(wheel.read("vocabx-0.1.0.dist-info/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Author"] == "The vocabx authors"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Keywords"].split(",") == PROJECT["keywords"]
    assert "Typing :: Typed" in metadata.get_all("Classifier")
    assert metadata.get_payload().startswith("# vocabx")


def test_the_citation_agrees_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"] and citation["abstract"]
    for field, value in (
        ("title", PROJECT["name"]),
        ("version", PROJECT["version"]),
        ("license", PROJECT["license"]),
        ("authors", PROJECT["authors"]),
        ("keywords", PROJECT["keywords"]),
    ):
        assert citation[field] == value


def test_the_changelog_has_the_version_that_is_built():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = [line for line in changelog.splitlines() if line.startswith("## ")]
    assert headings[0] == "## [Unreleased]"
    assert any(heading.startswith(f"## [{PROJECT['version']}] - ") for heading in headings)
