"""The site that `make docs` builds: whole, local, and with every public name in its reference."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml

import vocabx
from vocabx import api

ROOT = Path(__file__).resolve().parents[2]
# What a browser fetches without being asked; a link that somebody clicks is none of it.
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


class Page(HTMLParser):
    """What a page fetches, where it links to, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.anchors.add(found["id"])
        if found.get(_FETCHED.get(tag, "")):
            self.fetched.append(found[_FETCHED[tag]])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> dict[str, Page]:
    """The pages by their paths in the site."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(directory)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    return {str(path.relative_to(directory)): Page(path) for path in directory.rglob("*.html")}


def navigation() -> list[str]:
    def pages(entry):
        if isinstance(entry, str):
            return [entry]
        parts = entry.values() if isinstance(entry, dict) else entry
        return [page for part in parts for page in pages(part)]

    return pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])


def test_every_page_of_the_navigation_is_there_and_every_document_is_in_it(site):
    listed = navigation()
    assert {page.replace(".md", ".html") for page in listed} <= site.keys()
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= set(listed)


def test_no_page_fetches_anything_from_elsewhere(site):
    for name, page in site.items():
        for target in page.fetched:
            assert not re.match(r"([a-z]+:)?//", target), (name, target)
    for style in next(iter(site.values())).path.parent.rglob("*.css"):
        text = style.read_text("utf-8")
        assert not re.search(r"""(url\(|@import)\s*["']?([a-z]+:)?//""", text), style


def test_every_link_leads_to_a_page_and_an_anchor_that_are_there(site):
    root = site["index.html"].path.parent
    for name, page in site.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", target) or name == "404.html":
                continue
            path = Path(os.path.normpath(page.path.parent / unquote(target))) if target else page.path
            assert path.is_file(), (name, link)
            # An anchor of the theme is set by its script.
            if anchor and path.suffix == ".html" and not anchor.startswith("__"):
                assert unquote(anchor) in site[str(path.relative_to(root))].anchors, (name, link)


def test_the_reference_names_every_public_function_class_and_option(site):
    parts, commands = site["reference/api.html"], site["reference/commands.html"]
    assert {f"vocabx.api.{name}" for name in api.__all__} <= parts.anchors
    assert {f"vocabx.{name}" for name in vocabx.__all__ if name != "__version__"} <= commands.anchors
    text = commands.path.read_text("utf-8")
    for name in ("new_tokens", "pad_to_multiple_of", "rows_learning_rate"):
        assert f"<code>{name}</code>" in text
