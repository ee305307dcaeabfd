import json
import re
import shlex

import pytest

HINDI = (
    "नदी के किनारे बैठे बच्चे कहानियाँ सुनते हैं।\n"
    "किसान सुबह खेत में काम करता है और शाम को घर लौटता है।\n"
    "सड़क बनने से गाँव के लोग खुश हैं, और बाज़ार भी बड़ा हुआ है।\n"
)


@pytest.fixture
def hindi_file(tmp_path):
    path = tmp_path / "hindi.txt"
    path.write_text(HINDI, "utf-8")
    return path


@pytest.fixture
def refused(vocabx):
    """Run `inspect` and check that it is refused like any bad input: exit code 2 and one line."""

    def run(*arguments):
        result = vocabx("inspect", *arguments)
        assert (result.code, result.out) == (2, ""), result
        assert result.err.startswith("error: ")
        assert result.err.count("\n") == 1, result.err
        return result.err

    return run


def remedy(text):
    """The arguments of the command that a verdict recommends."""
    return shlex.split(re.search(r": vocabx (.*) would help\.", text)[1])


def test_extending_is_recommended_for_a_base_that_encodes_chinese_as_bytes(vocabx, chinese_file):
    result = vocabx("inspect", "smollm2", "--lang", "zh-Hant", "--corpus", chinese_file)
    assert result.code == 0
    assert result.err == ""
    assert "byte-level BPE" in result.out
    assert re.search(r"partial characters\s+\d\d\.\d % of the tokens", result.out)
    expected = ["extend", "--base", "smollm2", "--lang", "zh-Hant", "--corpus", str(chinese_file)]
    assert remedy(result.out) == expected


def test_json_is_one_object_and_equal_for_equal_seeds(vocabx, chinese_file, gpt2_json):
    arguments = ("inspect", gpt2_json, "--lang", "zh-Hant", "--corpus", chinese_file, "--json")
    first = vocabx(*arguments, "--sample-bytes", 20_000)
    found = json.loads(first.out)
    assert first.out.count("\n") == 1
    assert (found["base"], found["language"]) == (str(gpt2_json), "zh-Hant")
    assert 20_000 <= found["bytes"] < 21_000
    assert 0 < found["ratios"]["characters_per_token"] < 1
    assert found["verdict"]
    assert vocabx(*arguments, "--sample-bytes", 20_000).out == first.out
    assert vocabx(*arguments, "--sample-bytes", 20_000, "--seed", 1).out != first.out


def test_split_words_are_shown_with_their_remedy(vocabx, gpt2_json, hindi_file):
    result = vocabx("inspect", gpt2_json, "--lang", "hi", "--corpus", hindi_file)
    assert result.code == 0
    assert "0 % with --pretokenizer adapt" in result.out
    assert re.search(r"for example .*\|◌", result.out)
    assert remedy(result.out)[-2:] == ["--pretokenizer", "adapt"]


def test_adapting_is_not_recommended_if_no_word_is_split(vocabx, llama2_json, hindi_file):
    result = vocabx("inspect", llama2_json, "--lang", "hi", "--corpus", hindi_file)
    assert result.code == 0
    assert "--pretokenizer" not in result.out


def test_the_recommended_command_works(vocabx, gpt2_json, hindi_file, tmp_path):
    result = vocabx("inspect", gpt2_json, "--lang", "hi", "--corpus", hindi_file)
    planned = vocabx(*remedy(result.out), "--dry-run", "--out", tmp_path / "out")
    assert planned.code == 0, planned.err


def test_losses_by_the_normalizer_are_reported(vocabx, bert_json, hindi_file, chinese_file):
    hindi = vocabx("inspect", bert_json, "--lang", "hi", "--corpus", hindi_file)
    assert "no token can restore them" in hindi.out
    chinese = vocabx("inspect", bert_json, "--lang", "zh-Hant", "--corpus", chinese_file)
    assert "no token can hold two" in chinese.out
    assert "lost to the unknown token" in chinese.out


def test_no_extension_is_recommended_for_a_tokenizer_that_serves_the_language(vocabx):
    result = vocabx("inspect", "smollm2", "--lang", "en")
    assert result.code == 0
    assert "each of its" in result.out
    assert "it serves the language." in result.out
    assert "would help" not in result.out


def test_scripts_of_a_language_without_a_profile_come_from_its_text(vocabx, tmp_path, gpt2_json):
    path = tmp_path / "greek.txt"
    path.write_text("Η θάλασσα είναι ήρεμη το πρωί.\nΤο βράδυ φυσάει πάντα λίγος αέρας.\n", "utf-8")
    found = json.loads(vocabx("inspect", gpt2_json, "--lang", "el", "--corpus", path, "--json").out)
    assert found["scripts"] == ["Greek"]


def test_text_that_is_mostly_of_another_script_is_noted(vocabx, tmp_path, gpt2_json):
    path = tmp_path / "mixed.txt"
    path.write_text("Only a few 文字 here are Chinese.\n" * 3, "utf-8")
    result = vocabx("inspect", gpt2_json, "--lang", "zh-Hant", "--corpus", path, "--json")
    assert result.code == 0
    assert "check --lang and --corpus" in result.err
    json.loads(result.out)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("smolm2", "--lang", "zh-Hant"), "Did you mean smollm2?"),
        (("smollm2", "--lang", "zh-Hnat"), "Did you mean zh-Hant?"),
        (("smollm2", "--lang", "sw"), "pass --corpus"),
        (("smollm2", "--lang", "zh-Hant", "--corpus", "nowhere.txt"), "no such text"),
        (("smollm2", "--lang", "zh-Hant", "--opencc", "s2t"), "of --corpus, which is missing"),
        (("smollm2", "--lang", "zh-Hant", "--sample-bytes", "3"), "--sample-bytes is 3"),
        (("smollm2", "--lang", "zh-Hant", "--seed", "-1"), "--seed is -1"),
        (("smollm2", "--lang", "zh-Hant", "--no-such-option"), "--no-such-option"),
        (("smollm2",), "--lang"),
        (("--lang", "zh-Hant"), "argument 'base'"),
    ],
)  # fmt: skip
def test_an_unusable_option(refused, monkeypatch, options, says):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    assert says in refused(*options)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.txt", "", "is empty"),
        ("english.txt", "only English here\n" * 50, "no letter of Han or Bopomofo script"),
        ("binary.txt", bytes(range(256)) * 20, "is binary"),
    ],
)
def test_unusable_text(refused, tmp_path, gpt2_json, name, content, says):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert says in refused(gpt2_json, "--lang", "zh-Hant", "--corpus", path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tokenizer.json", "{}", "cannot be read as a tokenizer"),
        ("tokenizer.model", "no model", "not a SentencePiece model"),
        ("directory/notes.txt", "nothing", "holds no tokenizer"),
    ],
)
def test_a_base_without_a_tokenizer(refused, tmp_path, chinese_file, name, content, says):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    base = path.parent if "/" in name else path
    assert says in refused(base, "--lang", "zh-Hant", "--corpus", chinese_file)
