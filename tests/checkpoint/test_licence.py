import pytest

from vocabx._util.hub import HubError, fetch
from vocabx.checkpoint.base import aliases, find_base, find_tokenizer_base
from vocabx.checkpoint.licence import Licence, known_licence, licence_of
from vocabx.errors import BaseModelError
from vocabx.progress import Quiet

APACHE = "\n             Apache License\n       Version 2.0, January 2004\n"
MIT = "MIT License\n\nCopyright (c) 2024 Somebody\n\nPermission is hereby granted, free of charge, to any"
APACHE_2 = Licence("apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0")


def card(*lines: str) -> str:
    return "\n".join(["---", *lines, "---", "# A model"])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["license: apache-2.0"], APACHE_2),
        (["license: Apache-2.0 "], APACHE_2),
        (["license: [apache-2.0]"], APACHE_2),
        (["license: cc-by-nc-4.0"], Licence("cc-by-nc-4.0", "cc-by-nc-4.0", "")),
        (
            ["license: other", "license_name: qwen-research", "license_link: LICENSE"],
            Licence("other", "qwen-research", "LICENSE"),
        ),
        (["license: other"], Licence("other", "", "")),
        (["license: [mit, apache-2.0]"], Licence("other", "mit and apache-2.0", "")),
    ],
)
def test_the_license_comes_from_the_metadata_of_a_base(tmp_path, lines, expected):
    (tmp_path / "README.md").write_text(card(*lines))
    (tmp_path / "LICENSE").write_text(MIT)
    assert licence_of(tmp_path) == expected


@pytest.mark.parametrize(
    "readme",
    [
        "",
        "# A model without metadata",
        card("license: unknown"),
        card("license:"),
        card("license: 7"),
        card("license: {name: mit}"),
        card("license: [mit, 7]"),
        card("- a list"),
        card("license: [mit"),
        card("license: mit", "license: !!python/object:os.system x"),
        card("date: 2024-99-99", "license: mit"),
        card("deep: " + "[" * 5000),
        "---\nlicense: mit",
    ],
)
def test_missing_or_damaged_metadata_gives_no_license(tmp_path, readme):
    (tmp_path / "README.md").write_text(readme)
    assert licence_of(tmp_path) == Licence()
    (tmp_path / "LICENSE").write_text(APACHE)
    assert licence_of(tmp_path) == APACHE_2


def test_a_readme_that_is_not_text_is_ignored(tmp_path):
    (tmp_path / "README.md").write_bytes(b"---\nlicense: mit \xff\xfe\x00\n---\n")
    assert licence_of(tmp_path) == Licence()


@pytest.mark.parametrize(
    ("name", "text", "identifier"),
    [
        ("LICENSE", APACHE, "apache-2.0"),
        ("LICENSE.txt", MIT, "mit"),
        ("LICENSE.md", MIT.replace("MIT License", "The MIT License (MIT)"), "mit"),
        ("LICENSE", "MIT License\n\nAnd nothing else.", ""),
        ("LICENSE", "This is not the\n" + APACHE, ""),
        ("LICENSE", "Apache License\nVersion 1.1", ""),
        ("LICENSE", "LLAMA 2 COMMUNITY LICENSE AGREEMENT", ""),
        ("NOTICE", APACHE, ""),
    ],
)
def test_a_license_file_counts_only_beyond_doubt(tmp_path, name, text, identifier):
    (tmp_path / name).write_text(text)
    assert licence_of(tmp_path).id == identifier


def test_two_different_license_files_give_no_license(tmp_path):
    (tmp_path / "LICENSE").write_text(APACHE)
    (tmp_path / "LICENSE-MIT").write_text(MIT)
    assert licence_of(tmp_path) == Licence()


def test_a_missing_directory_gives_no_license(tmp_path):
    assert licence_of(tmp_path / "absent") == Licence()


def test_a_local_base_has_the_license_of_its_directory(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text(card("license: gemma"))
    for find in (find_base, find_tokenizer_base):
        base = find(str(tmp_path), Quiet())
        assert (base.licence, base.licence_name, base.repository) == ("gemma", "Gemma Terms of Use", "")
        assert base.licence_link == "https://ai.google.dev/gemma/terms"


def test_a_damaged_readme_does_not_prevent_using_a_base(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text(card("license: [mit"))
    assert find_base(str(tmp_path), Quiet()).licence == ""


@pytest.mark.parametrize("name", aliases())
def test_the_license_of_every_alias_has_a_name_and_a_link(name):
    licence = known_licence(aliases()[name]["licence"])
    assert licence.name != licence.id and licence.link.startswith("https://")


def test_a_packaged_base_names_its_model_on_the_hub():
    assert find_base("smollm2", Quiet()).repository == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_the_license_of_a_base_on_the_hub_is_read_from_the_download(monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text(card("license: mit"))
    asked = []

    def fetched(repository, wanted, unwanted):
        asked.extend(wanted)
        return tmp_path

    monkeypatch.setattr("vocabx.checkpoint.base.fetch", fetched)
    base = find_base("somebody/model", Quiet())
    assert (base.licence, base.repository) == ("mit", "somebody/model")
    assert "README.md" in asked


def test_a_cache_without_a_readme_suffices_while_the_hub_is_unreachable(monkeypatch, tmp_path):
    """Caches filled before README.md was requested know that it exists, but do not have it."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked = []

    def snapshot_download(repository, **options):
        asked.append(options)
        if "README.md" not in options["ignore_patterns"]:
            raise LocalEntryNotFoundError("README.md is missing")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert fetch("somebody/model", wanted=("*.json", "README.md"), unwanted=("onnx/*",)) == tmp_path
    assert asked[1]["ignore_patterns"] == ["onnx/*", "README.md"] and asked[1]["local_files_only"]


def test_an_empty_cache_while_the_hub_is_unreachable_is_reported(monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def snapshot_download(repository, **options):
        raise LocalEntryNotFoundError("nothing")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(HubError, match="the hub cannot be reached"):
        fetch("somebody/model")
    with pytest.raises(BaseModelError, match="pass --base with a directory"):
        find_base("somebody/model", Quiet())
