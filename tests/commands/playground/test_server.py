"""What the page and its script get, and what nobody else does."""

import json
import re
import shutil

import pytest

from vocabx.commands.playground.server import LONGEST_TEXT
from vocabx.tokenizer.read_tokenizer import read_tokenizer

TEXT = "In the beginning 起初，\n神創造天地。𠮷<script>alert(1)</script>&amp;"


def ids(side) -> list[int]:
    return [token["id"] for span in side["spans"] for token in span["tokens"]]


def test_both_tokenizations_are_those_of_the_tokenizers(client, small_extended):
    extended = read_tokenizer(small_extended())
    base = read_tokenizer(small_extended().with_name(small_extended().name.removesuffix("-extended")))
    found = client.post("/tokenize", json={"text": TEXT}).json()
    assert ids(found["extended"]) == extended.encode([TEXT])[0]
    assert ids(found["base"]) == base.encode([TEXT])[0]
    assert (found["extended"]["tokens"], found["base"]["tokens"]) == tuple(
        len(tokenizer.encode([TEXT])[0]) for tokenizer in (extended, base)
    )
    assert found["ratio"] == found["extended"]["tokens"] / found["base"]["tokens"] < 1
    assert (found["characters"], found["bytes"]) == (len(TEXT), len(TEXT.encode()))
    for side in (found["base"], found["extended"]):
        assert "".join(span["text"] for span in side["spans"]) == TEXT
    for span in found["extended"]["spans"]:
        for token in span["tokens"]:
            assert token["new"] == (token["id"] >= base.size)
    assert not any(token["new"] for span in found["base"]["spans"] for token in span["tokens"])


def test_no_text_is_no_tokens_and_no_ratio(client):
    found = client.post("/tokenize", json={"text": ""}).json()
    assert (found["ratio"], found["extended"]["tokens"], found["base"]["spans"]) == (None, 0, [])


def test_the_neighbours_are_those_of_the_model_that_was_chosen(client, plan):
    for name, model in (("extended", plan.extended), ("base", plan.base)):
        found = client.post("/neighbours", json={"model": name, "id": 300}).json()
        assert found["token"]["text"] == model.segmenter.tokenizer.describe(300)
        (matrix,) = found["matrices"]
        assert matrix["name"] == "input embeddings"
        assert len(matrix["neighbours"]) == 12
        for one in matrix["neighbours"]:
            assert one["text"] == model.segmenter.token(one["id"]).text
            assert one["id"] in model.segmenter.tokenizer.id_to_piece
        cosines = [one["cosine"] for one in matrix["neighbours"]]
        assert cosines == sorted(cosines, reverse=True)


def test_an_untied_model_has_two_matrices(client_of, plan_of, small_extended):
    client = client_of(plan_of(small_extended(False)))
    found = client.post("/neighbours", json={"model": "extended", "id": 601}).json()
    assert [matrix["name"] for matrix in found["matrices"]] == ["input embeddings", "lm_head"]


def test_the_page_fetches_nothing_and_may_not(client):
    page = client.get("/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    assert re.findall(r"<(?:script|style)[^>]*>", page.text) == [
        f'<style nonce="{nonce}">', f'<script nonce="{nonce}">',
    ]  # fmt: skip
    assert not re.search(r"""(https?:)?//\w|url\(|@import|\sstyle=|\son\w+=""", page.text)
    assert re.findall(r'ask\("([^"]+)"', page.text) == ["/tokenize", "/neighbours"]
    assert nonce not in client.get("/").text
    for answer in (page, client.post("/tokenize", json={"text": "x"})):
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_begins_with_a_paragraph_of_the_report(client, plan, small_extended):
    report = json.loads((small_extended() / "report.json").read_text("utf-8"))
    heldout = "".join(piece["text"] for piece in report["paragraphs"][0]["extended"]) if report else ""
    assert plan.text
    if all(piece["whole"] for piece in report["paragraphs"][0]["extended"]):
        assert plan.text == heldout.strip()
    assert plan.text in client.get("/").text


def test_names_and_texts_are_escaped(client_of, plan_of, small_extended, tmp_path):
    directory = tmp_path / "<img src=x onerror=alert(1)>"
    shutil.copytree(small_extended(), directory)
    report = json.loads((directory / "report.json").read_text("utf-8"))
    attack = "</textarea><script>alert(1)</script>"
    report["paragraphs"] = [{"base": [], "extended": [{"text": attack, "new": False, "whole": True}]}]
    (directory / "report.json").write_text(json.dumps(report))
    plan = plan_of(directory)
    assert plan.text == attack
    page = client_of(plan).get("/").text
    assert "<img" not in page and attack not in page and page.count("<script") == 1


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:8765", "localhost.evil.example", "127.0.0.2", "", "[::1]"],
)
def test_a_host_that_is_not_this_machine_is_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 400
    assert client.post("/tokenize", json={"text": "x"}, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:9000"])
def test_a_tunnel_may_lead_here_under_another_port(client, host):
    headers = {"host": host, "origin": f"http://{host}"}
    assert client.post("/tokenize", json={"text": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8765", "http://127.0.0.1:80"]
)
def test_another_sites_page_may_not_ask(client, origin):
    answer = client.post("/tokenize", json={"text": "x"}, headers={"origin": origin})
    assert (answer.status_code, answer.json()) == (403, {"error": "Only the page itself may ask."})
    assert "access-control-allow-origin" not in answer.headers


JSON = {"content-type": "application/json"}
REFUSED = [
    ("/tokenize", JSON, b'{"text": "', 400, "The request is not JSON in UTF-8."),
    ("/tokenize", JSON, b'{"text": "\xff"}', 400, "The request is not JSON in UTF-8."),
    ("/tokenize", JSON, rb'{"text": "\ud800"}', 400, "The request is not JSON in UTF-8."),
    ("/tokenize", JSON, b"", 400, "The request is not JSON in UTF-8."),
    ("/tokenize", JSON, b'{"x": ' + b"[" * 50_000, 400, "The request is not JSON in UTF-8."),
    ("/tokenize", JSON, b'{"text": 3}', 400, "Expected `str`, got `int` - at `$.text`."),
    ("/tokenize", JSON, b"{}", 400, "Object missing required field `text`."),
    ("/tokenize", {"content-type": "text/plain"}, b'{"text": "x"}', 415, "Send JSON, as application/json."),
    ("/tokenize", {}, b"text=x", 415, "Send JSON, as application/json."),
    ("/neighbours", JSON, b'{"model": "other", "id": 1}', 400, "Invalid enum value 'other' - at `$.model`."),
    ("/neighbours", JSON, b'{"model": "base", "id": -1}', 400, "Expected `int` >= 0 - at `$.id`."),
    ("/neighbours", JSON, b'{"model": "base", "id": 1.5}', 400, "Expected `int`, got `float` - at `$.id`."),
    ("/neighbours", JSON, b'{"model": "extended", "id": 99999}', 404, " has no token 99999."),
]  # fmt: skip


@pytest.mark.parametrize(("path", "headers", "body", "status", "error"), REFUSED)
def test_a_question_that_is_none_is_refused_in_one_sentence(client, path, headers, body, status, error):
    answer = client.post(path, headers=headers, content=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(error)


def test_a_text_may_be_as_long_as_the_limit_and_no_longer(client):
    # Each of these characters is twelve bytes of JSON.
    longest = json.dumps({"text": "\U0001f600" * LONGEST_TEXT}).encode()
    assert client.post("/tokenize", headers=JSON, content=longest).status_code == 200
    over = client.post("/tokenize", json={"text": "x" * (LONGEST_TEXT + 1)})
    assert (over.status_code, over.json()["error"]) == (
        413, "The text is too long: send at most 10,000 characters.",
    )  # fmt: skip


def test_a_body_without_end_is_not_read_to_its_end(client):
    taken = 0

    def chunks():
        nonlocal taken
        for _ in range(10_000):
            taken += 1
            yield b" " * 10_000

    answer = client.post("/tokenize", headers=JSON, content=chunks())
    assert answer.status_code == 413
    assert client.post("/tokenize", headers=JSON, content=b" " * 10_000_000).status_code == 413


@pytest.mark.parametrize("path", ["/tokenize", "/neighbours"])
def test_only_questions_are_answered(client, path):
    assert client.get(path).status_code == 405
    assert client.post("/").status_code == 405
    assert client.get("/other").json() == {"error": "Not Found"}
