import json
from pathlib import Path

import numpy as np
import pytest
from manifests import small_manifest
from safetensors.numpy import save_file
from small_hub import TOKEN, Repository, small_hub

from vocabx.checkpoint.manifest import RecordedBase, RecordedClaim, RecordedRun, Sizes, TokenRange
from vocabx.commands.push.hub import check_login, publish
from vocabx.commands.push.plan import check_repository, plan_push
from vocabx.errors import VocabxError
from vocabx.progress import Quiet

CARD = """---
base_model: some/model
language:
- zh
library_name: transformers
license: apache-2.0
tags:
- vocabx
- zh-Hant
---

# A card
"""
MANIFEST = {
    "base": RecordedBase("some/model", "some/model", 250),
    "sizes": Sizes(290, 2000, 300, 10),
    "ranges": (TokenRange(250, 40, "learned"),),
    "certificate": (RecordedClaim("x", "It is so.", 1, 0, True),),
    "files": {"tokenizer.json": "0"},
    "run": RecordedRun("vocabx extend --base some/model", {}, {}),
}


@pytest.fixture
def hub(monkeypatch):
    with small_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url + "/")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield hub


@pytest.fixture
def nowhere(monkeypatch):
    """A hub that no request can reach."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def finished(tmp_path) -> Path:
    """A finished checkpoint of two small files of weights."""
    directory = tmp_path / "made"
    directory.mkdir()
    for name in ("a", "b"):
        save_file({name: np.arange(40, dtype=np.float32)}, directory / f"{name}.safetensors")
    index = {"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (directory / "tokenizer.json").write_text('{"臺": 1}', encoding="utf-8")
    (directory / "README.md").write_text(CARD)
    (directory / "additional_chat_templates").mkdir()
    (directory / "additional_chat_templates" / "tool[use].jinja").write_text("{{ x }}")
    say(directory)
    return directory


def say(directory: Path, **changes) -> None:
    small_manifest(**{**MANIFEST, **changes}).write(directory)


def refusal(function, *arguments) -> str:
    with pytest.raises(VocabxError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2
    return str(caught.value)


class Notes(Quiet):
    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def names(plan) -> list[str]:
    return [file.name for file in plan.files]


@pytest.mark.parametrize("name", ["me/model", "model", "me/smollm2-zh-Hant", "A.b_c/D-1.x"])
def test_valid_repository_names_are_accepted(name):
    check_repository(name)


@pytest.mark.parametrize(
    "name",
    ["", "a/b/c", "me/", "/model", "me/mo del", "./out", "me/a--b", "me/a..b", "me/x.git", "模型", "a" * 97],
)
def test_an_invalid_repository_name_is_refused_before_any_work(name, nowhere, finished):
    for function, arguments in (
        (check_repository, (name,)),
        (check_login, (name,)),
        (plan_push, (finished, name, False)),
    ):
        assert "is not a valid repository name: pass owner/name" in refusal(function, *arguments)


# Plans.


def test_a_plan_needs_no_network(finished, nowhere):
    plan = plan_push(finished, "me/model", True)
    assert plan.repository == "me/model" and plan.private
    assert names(plan) == [
        "README.md",
        "a.safetensors",
        "additional_chat_templates/tool[use].jinja",
        "b.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "vocabx.json",
    ]
    assert plan.bytes == sum(path.stat().st_size for path in finished.rglob("*") if path.is_file())
    assert plan.metadata["base_model"] == "some/model" and plan.metadata["language"] == ["zh"]
    assert plan.message.startswith("some/model with 2,000 new tokens for zh-Hant, by vocabx ")
    assert plan.notes == ()
    assert json.loads(json.dumps(plan.describe()))["files"][0] == {"name": "README.md", "bytes": len(CARD)}


def test_hidden_cached_and_unfinished_files_are_not_published(finished):
    known = names(plan_push(finished, "me/model", False))
    for name in (
        ".git/config", ".cache/huggingface/x", ".env", "__pycache__/m.pyc", "c.safetensors.part", "x.tmp",
        "more/.hidden", ".other.abc.unfinished/model.safetensors", "dropped.jsonl",
    ):  # fmt: skip
        path = finished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert names(plan_push(finished, "me/model", False)) == known


def test_an_unfinished_directory_is_refused(finished):
    (finished / "unfinished.jsonl").write_text("")
    assert "is unfinished" in refusal(plan_push, finished, "me/model", False)
    (finished / "unfinished.jsonl").unlink()
    renamed = finished.rename(finished.parent / ".made.abc.unfinished")
    assert "is unfinished" in refusal(plan_push, renamed, "me/model", False)


def test_a_directory_not_written_by_vocabx_is_refused(finished, tmp_path):
    (finished / "vocabx.json").unlink()
    assert "has no vocabx.json" in refusal(plan_push, finished, "me/model", False)
    (finished / "vocabx.json").write_text("{")
    assert "is not JSON" in refusal(plan_push, finished, "me/model", False)
    assert "is not a directory" in refusal(plan_push, tmp_path / "absent", "me/model", False)
    assert "is not a directory" in refusal(plan_push, finished / "README.md", "me/model", False)


@pytest.mark.parametrize("name", ["b.safetensors", "tokenizer.json"])
def test_a_file_that_is_missing_is_named(finished, name):
    (finished / name).unlink()
    assert f"lacks {name}:" in refusal(plan_push, finished, "me/model", False)


def test_weights_that_were_cut_short_are_refused(finished):
    whole = (finished / "b.safetensors").read_bytes()
    (finished / "b.safetensors").write_bytes(whole[:-8])
    assert "b.safetensors" in refusal(plan_push, finished, "me/model", False)


@pytest.mark.parametrize("index", ["{", "[]", "{}", '{"weight_map": []}'])
def test_a_damaged_index_is_refused(finished, index):
    (finished / "model.safetensors.index.json").write_text(index)
    said = refusal(plan_push, finished, "me/model", False)
    assert "model.safetensors.index.json" in said and said.endswith("copy the checkpoint again")


def test_one_file_of_weights_needs_no_index(finished):
    (finished / "model.safetensors.index.json").unlink()
    assert "a.safetensors" in names(plan_push(finished, "me/model", False))
    for name in ("a", "b"):
        (finished / f"{name}.safetensors").unlink()
    assert "lacks model.safetensors:" in refusal(plan_push, finished, "me/model", False)


def test_a_tokenizer_has_no_weights_to_miss(finished):
    for path in finished.glob("*safetensors*"):
        path.unlink()
    say(finished, sizes=Sizes(290, 40), tied=None)
    assert "tokenizer.json" in names(plan_push(finished, "me/model", False))


def test_linked_weights_are_uploaded_as_files_unless_the_link_leads_out(finished, tmp_path):
    weights = finished / "b.safetensors"
    moved = weights.rename(finished / "moved")
    weights.symlink_to(moved)
    plan = plan_push(finished, "me/model", False)
    assert moved.stat().st_size in [file.bytes for file in plan.files if file.name == "b.safetensors"]
    weights.unlink()
    weights.symlink_to(moved.rename(tmp_path / "elsewhere"))
    assert "is a link to a file outside its directory" in refusal(plan_push, finished, "me/model", False)
    weights.unlink()
    (tmp_path / "elsewhere").rename(weights)
    (finished / "notes.txt").symlink_to(tmp_path / "nothing")
    assert "notes.txt is a broken link" in refusal(plan_push, finished, "me/model", False)


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("# No metadata", "has no metadata"),
        ("---\n---\n# Empty", "has no metadata"),
        ("---\nlicense: [mit\n---\n", "cannot be read"),
        ("---\n- a\n---\n", "cannot be read"),
        ("---\n1: 2\n---\n", "cannot be read"),
        ("---\nlanguage: zh-Hant\n---\n", "'zh-Hant': use the ISO 639 code alone"),
        ("---\nlanguage: [zh, EN]\n---\n", "'EN'"),
        ("---\nlanguage: no\n---\n", "language holds False, which YAML does not read as text"),
        ("---\nbase_model: /home/me/model\n---\n", "use the base's owner/name"),
        ("---\ntags: [a, 1.0]\n---\n", "tags holds 1.0"),
    ],
)
def test_a_card_that_the_hub_would_reject_is_refused(finished, card, reason):
    (finished / "README.md").write_text(card)
    assert reason in refusal(plan_push, finished, "me/model", False)


def test_a_directory_without_a_card_is_refused(finished):
    (finished / "README.md").unlink()
    assert "has no README.md" in refusal(plan_push, finished, "me/model", False)


@pytest.mark.parametrize("language", ["zh", "yue", "'no'", "multilingual", "code", "[zh, en]"])
def test_languages_that_the_hub_knows_are_accepted(finished, language):
    (finished / "README.md").write_text(f"---\nlanguage: {language}\nlicense: mit\n---\n")
    assert plan_push(finished, "me/model", False).notes == ()


def test_a_date_in_the_metadata_is_accepted(finished):
    (finished / "README.md").write_text("---\nlicense: mit\ndate: 2024-01-01\n---\n")
    assert json.dumps(plan_push(finished, "me/model", False).describe())


def test_points_to_consider_are_noted(finished):
    (finished / "README.md").write_text("---\ntags: [vocabx]\n---\n")
    failed = (RecordedClaim("x", "It is so.", 3, 3, True),)
    say(finished, certificate=failed, run=RecordedRun("vocabx extend --base=/home/me/model", {}, {}))
    notes = plan_push(finished, "me/model", False).notes
    assert [next(word for word in ("claim", "license", "paths") if word in note) for note in notes] == [
        "claim",
        "license",
        "paths",
    ]


def test_the_commit_names_no_directory_of_this_machine(finished):
    ranges = (TokenRange(0, 9, "transferred"),)
    say(finished, base=RecordedBase("/home/me/models/mine", "local", 250), ranges=ranges)
    message = plan_push(finished, "me/model", False).message
    assert message.startswith("mine with another tokenizer for zh-Hant")


# The hub.


@pytest.mark.parametrize("private", [False, True])
def test_every_file_arrives_unchanged_in_one_commit(hub, finished, private):
    (finished / ".env").write_text("secret")
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    plan, progress = plan_push(finished, "me/model", private), Notes()
    assert publish(plan, finished, progress) == f"{hub.url}/me/model"
    sent = hub.repositories["me/model"]
    expected = {file.name: (finished / file.name).read_bytes() for file in plan.files}
    assert sent.files == expected and len(expected) == 7
    assert (sent.private, sent.commits) == (private, [plan.message])
    assert progress.said == [f"Publishing 7 files, {plan.bytes / 1e6:.1f} MB, to {hub.url}/me/model"]
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_a_name_without_an_owner_is_in_our_namespace(hub, finished):
    assert publish(plan_push(finished, "model", False), finished) == f"{hub.url}/me/model"
    assert "README.md" in hub.repositories["me/model"].files


def test_an_existing_repository_gets_another_commit(hub, finished):
    hub.repositories["me/model"] = Repository(False, {"old": b"x", "README.md": b"y"}, ["first"])
    publish(plan_push(finished, "me/model", False), finished)
    sent = hub.repositories["me/model"]
    assert sent.files["old"] == b"x" and sent.files["README.md"] == CARD.encode() and len(sent.commits) == 2


def test_private_is_refused_for_an_existing_public_repository(hub, finished):
    hub.repositories["me/model"] = Repository(False)
    message = refusal(publish, plan_push(finished, "me/model", True), finished)
    assert "exists and is public" in message
    assert not hub.repositories["me/model"].files
    hub.repositories["me/model"].private = True
    publish(plan_push(finished, "me/model", True), finished)
    assert hub.repositories["me/model"].files


def test_a_repository_with_weights_that_would_load_first_is_refused(hub, finished):
    """transformers loads model.safetensors if it exists, and ignores an index next to it."""
    hub.repositories["me/model"] = Repository(False, {"model.safetensors": b"old"})
    message = refusal(publish, plan_push(finished, "me/model", False), finished)
    assert "holds model.safetensors of another checkpoint" in message
    assert list(hub.repositories["me/model"].files) == ["model.safetensors"]
    (finished / "model.safetensors.index.json").unlink()
    (finished / "a.safetensors").rename(finished / "model.safetensors")
    publish(plan_push(finished, "me/model", False), finished)
    assert hub.repositories["me/model"].files["model.safetensors"] != b"old"


def test_an_interrupted_upload_says_how_to_resume(hub, finished):
    class Impatient(Quiet):
        def note(self, text):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        publish(plan_push(finished, "me/model", False), finished, Impatient())
    again = f"run `vocabx push {finished} --to me/model` again"
    assert caught.value.__notes__ == [f"{finished} is complete: {again}"]


@pytest.mark.parametrize(
    ("route", "status", "message", "body", "reason"),
    [
        ("create", 401, "", b"{}", "the hub rejects your token: log in again with `hf auth login`"),
        ("create", 403, "", b"{}", "check that your token may write there"),
        ("create", 404, "", b"{}", "the hub knows no such owner"),
        ("create", 500, "Oh\tno", b"{}", "the hub answered 500: Oh no"),
        ("create", 200, "", b"<html>", "the server is not a hub: check HF_ENDPOINT"),
        ("preupload", 403, "", b'{"error": "You may not"}', "the hub forbids it"),
        (
            "commit",
            403,
            "Private repository storage limit reached, please upgrade your plan",
            b"{}",
            "the hub forbids it: Private repository storage limit reached, please upgrade your plan",
        ),
        ("commit", 413, "Too large", b"{}", "the hub answered 413: Too large"),
        (
            "validate-yaml",
            400,
            "",
            b'{"errors": [{"message": "\\"license\\" is wrong"}], "warnings": []}',
            'Invalid metadata in README.md. - "license" is wrong',
        ),
    ],
)
def test_a_refusal_of_the_hub_is_one_line(hub, finished, route, status, message, body, reason):
    hub.refused[route] = (status, message, body)
    said = refusal(publish, plan_push(finished, "me/model", False), finished)
    assert said.startswith("cannot publish me/model: ") and reason in said
    assert said.endswith(f"; {finished} is complete: run `vocabx push {finished} --to me/model` again")


def test_a_refusal_by_the_weight_storage_is_one_line(hub, finished):
    """The only test of Xet, where the hub stores large files."""
    hub.large = (".safetensors",)
    said = refusal(publish, plan_push(finished, "me/model", False), finished)
    assert "refused the files: " in said and "403 Forbidden" in said
    assert not hub.repositories["me/model"].commits


def test_warnings_of_the_hub_about_the_card_are_noted(hub, finished):
    hub.refused["validate-yaml"] = (200, "", b'{"errors": [], "warnings": [{"message": "no pipeline tag"}]}')
    progress = Notes()
    publish(plan_push(finished, "me/model", False), finished, progress)
    assert "no pipeline tag" in progress.said[-1] and "\n" not in progress.said[-1]


def test_an_unreachable_hub_is_reported(nowhere, finished):
    assert "the hub cannot be reached" in refusal(publish, plan_push(finished, "me/model", False), finished)


# Who we are.


def test_write_access_is_accepted(hub):
    hub.who["orgs"] = [{"name": "Us", "roleInOrg": "write"}, {"name": "them"}]
    for name in ("me/model", "Me/model", "us/model", "them/model", "model"):
        check_login(name)
    assert hub.asked == ["GET /api/whoami-v2"] * 5


def test_an_unknown_token_is_reported(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    said = refusal(check_login, "me/model")
    assert "the hub rejects your token: log in again with `hf auth login`" in said
    assert said.endswith("; or omit --push-to-hub, and run `vocabx push DIR --to me/model` later")
    with pytest.raises(VocabxError) as caught:
        check_login("me/model", later=False)
    assert "--push-to-hub" not in str(caught.value)


def test_a_foreign_owner_is_reported(hub):
    assert "not a member of other; publish as me" in refusal(check_login, "other/model")
    hub.who["orgs"] = [{"name": "us", "roleInOrg": "read"}, {"name": "we", "roleInOrg": "admin"}]
    assert "publish as me or one of us, we" in refusal(check_login, "other/model")
    assert "you only have read access to us" in refusal(check_login, "us/model")


@pytest.mark.parametrize(
    ("token", "taken"),
    [
        ({"role": "read"}, False),
        ({"role": "write"}, True),
        ({"role": "fineGrained", "fineGrained": {"scoped": [{"permissions": ["repo.content.read"]}]}}, False),
        ({"role": "fineGrained", "fineGrained": {"scoped": [{"permissions": ["repo.write"]}]}}, True),
        ({"role": "fineGrained", "fineGrained": {"scoped": []}}, False),
        ({"role": "fineGrained"}, True),
        ({"role": "of another time"}, True),
    ],
)
def test_a_read_only_token_is_reported(hub, token, taken):
    hub.who["auth"] = {"type": "access_token", "accessToken": token}
    if taken:
        check_login("me/model")
    else:
        assert "your token is read-only" in refusal(check_login, "me/model")


def test_a_missing_hub_is_reported_before_the_work(nowhere):
    said = refusal(check_login, "me/model")
    assert "the hub cannot be reached; or omit --push-to-hub" in said


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_an_answer_that_is_not_from_a_hub_is_reported(hub, body):
    hub.refused["whoami"] = (200, "", body)
    assert "the server is not a hub: check HF_ENDPOINT" in refusal(check_login, "me/model")


def test_too_many_requests_are_reported(hub):
    hub.refused["whoami"] = (429, "", b"{}")
    assert "wait a few minutes" in refusal(check_login, "me/model")
