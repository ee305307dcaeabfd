"""`vocabx playground`: the base it finds, what it refuses, and how it ends."""

import json
import shutil
import signal
import socket
import stat
import time
import urllib.request
from pathlib import Path

import pytest

from vocabx import PlaygroundOptions, playground
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError, OptionError


@pytest.fixture
def copy(small_extended, tmp_path) -> Path:
    """A copy of the small extension, for tests that change it."""
    return Path(shutil.copytree(small_extended(), tmp_path / "copy"))


def records_base(directory, name):
    path = directory / "vocabx.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["base"]["name"] = str(name)
    path.write_text(json.dumps(manifest))


def refusal(vocabx, *arguments):
    run = vocabx("playground", *arguments, "--no-browser", "--port", 0)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("error: ") and run.err.count("\n") == 1 and len(run.err) <= 308
    return run.err.removeprefix("error: ").strip()


def test_it_says_where_it_is_answers_this_machine_alone_and_ends_quietly(start_vocabx, small_extended):
    process = start_vocabx("playground", small_extended(), "--no-browser", "--port", 0, "--json", "--quiet")
    said = json.loads(process.stdout.readline())
    assert said["new_tokens"] == 40 and said["base"] and said["directory"] == str(small_extended())
    port = int(said["url"].removeprefix("http://127.0.0.1:").rstrip("/"))
    listening = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    bound = {one[1] for one in listening if one[1].endswith(f":{port:04X}") and one[3] == "0A"}
    assert bound == {f"0100007F:{port:04X}"}
    with urllib.request.urlopen(said["url"]) as page:
        assert b"<title>" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_the_page_is_opened_in_the_browser(start_vocabx, small_extended, tmp_path):
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    process = start_vocabx("playground", small_extended(), "--port", 0, BROWSER=str(browser))
    url, note = process.stdout.readline().split("  ")
    assert note == "(Ctrl-C ends it)\n"
    while not opened.exists():
        assert process.poll() is None
        time.sleep(0.01)
    assert opened.read_text().strip() == url
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert out == "" and "error" not in err and "Traceback" not in err
    assert process.returncode == 0


def test_a_port_that_is_taken_is_one_sentence(vocabx, small_extended):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = vocabx("playground", small_extended(), "--no-browser", "--port", port)
        assert (run.code, run.err) == (
            2,
            f"error: port {port} cannot be used: Address already in use; pass another --port, or 0 for "
            "a free one\n",
        )
        with pytest.raises(OptionError, match="Address already in use"):
            playground(PlaygroundOptions(directory=small_extended(), port=port))


def test_a_directory_without_records_needs_its_base_named(vocabx, plan_of, copy, small_extended):
    (copy / "vocabx.json").unlink()
    assert refusal(vocabx, copy) == f"{copy} does not record its base: pass --base with the base"
    base = str(small_extended()).removesuffix("-extended")
    plan = plan_of(copy, base=base)
    assert (plan.new_tokens, plan.base.name, plan.language) == (40, base, "")


def test_what_is_no_directory_or_holds_no_tokenizer_is_refused(vocabx, copy, tmp_path):
    sentence = "is not a directory: pass the directory of an extended checkpoint"
    assert refusal(vocabx, tmp_path / "none") == f"{tmp_path / 'none'} {sentence}"
    assert refusal(vocabx, copy / "config.json") == f"{copy / 'config.json'} {sentence}"
    (copy / "tokenizer.json").unlink()
    assert "holds no tokenizer" in refusal(vocabx, copy)


def test_without_its_base_the_extension_is_shown_alone(plan_of, client_of, copy, tmp_path):
    records_base(copy, tmp_path / "gone")
    plan = plan_of(copy)
    assert plan.base is None and str(tmp_path / "gone") in plan.without_base
    client = client_of(plan)
    page = client.get("/").text
    assert f"The base is left out: no base model &#39;{tmp_path / 'gone'}&#39;" in page
    assert 'id="extended"' in page and 'id="base"' not in page
    found = client.post("/tokenize", json={"text": "創造"}).json()
    assert (found["base"], found["ratio"]) == (None, None)
    # vocabx.json records which ids are new.
    assert plan.new_tokens == 40
    assert all(
        token["new"] for span in found["extended"]["spans"] for token in span["tokens"] if token["id"] >= 600
    )
    asked = client.post("/neighbours", json={"model": "base", "id": 1})
    assert (asked.status_code, asked.json()["error"]) == (404, "The base was not found.")


def test_a_base_that_was_changed_is_not_shown_as_the_base(plan_of, copy, small_extended, tmp_path):
    other = Path(shutil.copytree(str(small_extended()).removesuffix("-extended"), tmp_path / "other"))
    table = read_checkpoint(other).input
    with table.file.path.open("r+b") as stream:
        stream.seek(table.file.data_start + table.file.tensors[table.name].begin)
        stream.write(b"\1")
    records_base(copy, other)
    plan = plan_of(copy)
    assert plan.base is None and "is not the base of" in plan.without_base
    with pytest.raises(BaseModelError, match="is not the base of"):
        plan_of(copy, base=str(other))


def test_a_tokenizer_alone_has_no_neighbours_and_says_why(plan_of, client_of, copy):
    for path in copy.glob("*.safetensors"):
        path.unlink()
    client = client_of(plan_of(copy))
    assert client.post("/tokenize", json={"text": "x"}).status_code == 200
    asked = client.post("/neighbours", json={"model": "extended", "id": 1})
    assert (asked.status_code, asked.json()["error"]) == (
        404, f"No embeddings to compare: {copy} holds a tokenizer and no safetensors weights.",
    )  # fmt: skip


def test_a_damaged_report_leaves_out_only_the_text(plan_of, copy):
    (copy / "report.json").write_text("{")
    assert plan_of(copy).extended.checkpoint is not None
