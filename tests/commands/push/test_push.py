import json
import shutil

import pytest
from small_hub import TOKEN, small_hub

from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.run import extend

NOWHERE = {"HF_ENDPOINT": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def hub(monkeypatch):
    with small_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield hub


@pytest.fixture(scope="module")
def once(tmp_path_factory, smollm2, verses):
    """A small model with 50 new tokens, as `extend` writes it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    place = tmp_path_factory.mktemp("push")
    config = LlamaConfig(
        vocab_size=49152, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    LlamaForCausalLM(config).save_pretrained(place / "base")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(smollm2 / name, place / "base" / name)
    (place / "verses.txt").write_text("\n".join(verses[:500]), encoding="utf-8")
    options = ExtendOptions(
        base=str(place / "base"),
        lang="zh-Hant",
        corpus=(str(place / "verses.txt"),),
        out=place / "made",
        new_tokens=50,
        adversarial=20,
        heldout_bytes=5000,
        evaluate=False,
        command=f"vocabx extend --base {place / 'base'} --lang zh-Hant",
    )
    return extend(options).directory


@pytest.fixture
def made(once, tmp_path):
    return shutil.copytree(once, tmp_path / "made")


def published(directory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_directory_is_published_unchanged(vocabx, hub, made):
    run = vocabx("push", made, "--to", "me/made", "--private")
    assert run.code == 0, run.err
    assert run.out.splitlines()[-1] == f"published  {hub.url}/me/made"
    sent = hub.repositories["me/made"]
    assert sent.files == published(made) and "model.safetensors" in sent.files
    assert sent.private and len(sent.commits) == 1 and "50 new tokens for zh-Hant" in sent.commits[0]


def test_a_dry_run_lists_everything_and_needs_no_network(vocabx, made, monkeypatch):
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    run = vocabx("push", made, "--to", "me/made", "--dry-run")
    assert run.code == 0, run.err
    for name, content in published(made).items():
        assert name in run.out and f"{len(content):,} bytes" in run.out
    assert "me/made, public" in run.out and "vocabulary-extension, zh-Hant" in run.out
    assert "names no license" in run.err and "paths of this machine" in run.err


def test_json_is_one_object(vocabx, hub, made):
    planned = json.loads(vocabx("push", made, "--to", "me/made", "--dry-run", "--json").out)
    assert not hub.asked and planned["url"] == "" and planned["private"] is False
    assert {file["name"]: file["bytes"] for file in planned["files"]} == {
        name: len(content) for name, content in published(made).items()
    }
    assert planned["metadata"]["language"] == ["zh"] and len(planned["notes"]) == 2
    assert json.loads(vocabx("push", made, "--to", "me/made", "--json").out) == {
        **planned,
        "url": f"{hub.url}/me/made",
    }


@pytest.mark.parametrize(("status", "reason"), [(401, "hf auth login"), (403, "forbids it")])
def test_a_refusal_is_one_line_and_exit_code_2(vocabx, hub, made, status, reason):
    hub.refused["create"] = (status, "", b"{}")
    run = vocabx("push", made, "--to", "me/made")
    errors = [line for line in run.err.splitlines() if line.startswith("error: ")]
    assert run.code == 2 and len(errors) == 1 and reason in errors[0]
    assert not hub.repositories


@pytest.mark.parametrize("name", ["notes.txt", "additional_chat_templates/rag.jinja"])
def test_a_file_outside_the_directory_is_not_published(vocabx, hub, made, tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    (made / name).parent.mkdir(exist_ok=True)
    (made / name).symlink_to(tmp_path / "secret")
    run = vocabx("push", made, "--to", "me/made")
    assert run.code == 2 and f"{name} is a link to a file outside its directory" in run.err
    assert run.err.count("\n") == 1 and not hub.repositories


def test_what_cannot_be_published_is_refused_without_network(vocabx, hub, tmp_path):
    for name, reason in ((tmp_path, "has no vocabx.json"), (tmp_path / "absent", "is not a directory")):
        run = vocabx("push", name, "--to", "me/made")
        assert run.code == 2 and run.err.startswith("error: ") and reason in run.err
    run = vocabx("push", tmp_path, "--to", "not a name")
    assert run.code == 2 and "is not a valid repository name" in run.err and len(run.err.splitlines()) == 1
    assert not hub.asked


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"HF_TOKEN": ""}, "nobody is logged in: log in with `hf auth login`"),
        ({"HF_TOKEN": TOKEN}, "the hub cannot be reached"),
        ({"HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
    ],
)
def test_missing_login_and_missing_hub_are_reported(start_vocabx, made, tmp_path, environment, reason):
    environment = {**NOWHERE, "HF_TOKEN_PATH": str(tmp_path / "no-token"), **environment}
    process = start_vocabx("push", made, "--to", "me/made", **environment)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert [line for line in errors.splitlines() if line.startswith("error: ")] == [
        f"error: cannot publish me/made: {reason}" + (": unset it" if "OFFLINE" in reason else "")
    ]
