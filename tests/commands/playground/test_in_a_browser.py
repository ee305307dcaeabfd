"""The page in a real browser: what its script makes of the answers."""

import re
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from vocabx.commands.playground.server import make_app

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ATTACK = '<img src="x" onerror="document.title=1">起初𠮷'


class Page(HTMLParser):
    """The tokens that a page shows: model, id, classes and text of each; and the tags that it holds."""

    def __init__(self, content):
        super().__init__()
        self.tokens, self.tags, self.open = [], set(), False
        self.feed(content)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.open = "data-id" in given
        if self.open:
            self.tokens.append([given["data-model"], int(given["data-id"]), given["class"], ""])

    def handle_data(self, data):
        if self.open:
            self.tokens[-1][3] += data

    def handle_endtag(self, tag):
        self.open = False


@pytest.fixture
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail("no Chromium, in which this test opens the page: install it", pytrace=False)
    return found


@pytest.fixture
def served():
    """A function that serves a plan on a free port and returns the URL."""
    import uvicorn

    servers = []

    def serve(plan) -> str:
        server = uvicorn.Server(uvicorn.Config(make_app(plan), port=0, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"

    yield serve
    for server, thread in servers:
        server.should_exit = True
        thread.join()


@pytest.mark.slow
def test_the_page_shows_the_tokens_and_runs_no_text(browser, served, plan, tmp_path):
    url = served(replace(plan, text=ATTACK))
    ran = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000",
            "--dump-dom", url,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    page = Page(ran.stdout)
    for name, model in (("base", plan.base), ("extended", plan.extended)):
        shown = [token for token in page.tokens if token[0] == name]
        assert [token[1] for token in shown] == model.segmenter.tokenizer.encode([ATTACK])[0]
        for _, index, classes, text in shown:
            token = model.segmenter.token(index)
            assert ("new" in classes.split(), "byte" in classes.split()) == (token.new, token.bytes)
            assert text == token.text
    assert "img" not in page.tags and re.search(r"<title>[^<]*: vocabx playground</title>", ran.stdout)
