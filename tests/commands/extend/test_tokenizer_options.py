"""`vocabx extend` on tokenizers of every family, from the command line."""

import base64
import json
import shutil

import pytest
from real_tokenizers import read_once
from tokenizers import Tokenizer

from vocabx.tokenizer.read_tokenizer import read_tokenizer

SMALL = (
    "--lang",
    "zh-Hant",
    "--heldout-bytes",
    6000,
    "--learn-bytes",
    150_000,
    "--adversarial",
    500,
    "--tokenizer-only",
)


@pytest.fixture
def extended(vocabx, chinese_file, tmp_path):
    """Extend a tokenizer with the verses and return its directory and the parsed result."""

    def run(base, *options, code=0):
        out = tmp_path / "out"
        arguments = ("--base", base, "--corpus", chinese_file, "--out", out, *SMALL, *options, "--json")
        ran = vocabx("extend", *arguments)
        assert ran.code == code, ran.err
        return out, json.loads(ran.out)

    return run


def claims(result):
    return {claim["name"]: claim for claim in result["claims"]}


def test_a_bare_model_file_becomes_a_directory_that_all_libraries_read(extended, mistral_model, english):
    out, result = extended(mistral_model, "--new-tokens", 500)
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "report.html", "report.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json", "vocabx.json",
    ]  # fmt: skip
    assert result["passed"] and claims(result)["sentencepiece"]["failed"] == 0
    manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
    assert manifest["sizes"] == {"tokens": 32500, "new_tokens": 500}
    assert manifest["tables"] == manifest["initializer"] == {}
    assert set(manifest["files"]) == {"tokenizer.json", "tokenizer.model", "tokenizer_config.json"}
    ours = Tokenizer.from_file(str(out / "tokenizer.json"))
    assert ours.encode("a").ids[0] == 1, "the first token was lost"


def test_a_budget_leaves_out_tokens_that_training_would_hardly_see(extended, mistral_model):
    out, few = extended(mistral_model, "--new-tokens", "auto", "--budget", 20_000)
    page = (out / "report.html").read_text("utf-8")
    assert "As many as a training budget of 0.02 MB supports" in page and "Recommended" not in page
    assert 10 < few["new_tokens"] < 2000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--new-tokens", "auto"), "pass its bytes as --budget"),
        (("--new-tokens", "most"), "pass a whole number of at least 1, or auto"),
        (("--new-tokens", 500, "--budget", 20_000), "pass --new-tokens auto, or omit --budget"),
        (("--budget", 20_000, "--strict"), "--strict applies to --new-tokens"),
        (("--budget", 20_000, "--superwords"), "--superwords adds a given number of tokens"),
        (("--budget", 20_000, "--prune", 100, "--tokenizer-only"), "--prune adds a given number of tokens"),
    ],
)
def test_a_number_of_tokens_and_a_budget_for_it_are_not_both_given(vocabx, options, says):
    run = vocabx("extend", "--lang", "zh-Hant", *options)
    assert run.code == 2 and run.err.count("\n") == 1 and says in run.err


def test_new_ids_follow_the_padding_rows_of_the_base(extended, t5_json, tmp_path):
    base = tmp_path / "t5"
    base.mkdir()
    shutil.copyfile(t5_json, base / "tokenizer.json")
    (base / "config.json").write_text('{"vocab_size": 32128}')
    out, result = extended(base, "--new-tokens", 300)
    assert result["passed"]
    tokenizer = read_tokenizer(out)
    assert tokenizer.size == 32428
    assert not {i for row in tokenizer.encode(["起初神創造天地"]) for i in row} & set(range(32100, 32128))


def test_wordpiece_gets_all_characters_if_no_number_is_given(extended, bert_json):
    out, result = extended(bert_json)
    assert result["passed"]
    assert 100 < result["new_tokens"] < 8000
    assert result["target"]["extended"]["unknown"] < result["target"]["base"]["unknown"] / 20
    assert (out / "vocab.txt").read_text("utf-8").split("\n")[101] == "[CLS]"


def test_donor_tokens_are_added_and_intermediates_counted(extended, llama2_json, qwen_json, tmp_path):
    # The first Chinese tokens of Qwen, as a tiktoken file.
    tokens = read_once(qwen_json).token_bytes
    chinese = [
        data for _, data in sorted(tokens.items()) if "一" <= data.decode("utf-8", "replace")[0] <= "龥"
    ]
    donor = tmp_path / "qwen.tiktoken"
    lines = (f"{base64.b64encode(data).decode()} {rank}\n" for rank, data in enumerate(chinese[:3000]))
    donor.write_text("".join(lines))
    counts = {}
    for intermediates in ("add", "drop"):
        options = ("--donor", donor, "--intermediates", intermediates)
        out, result = extended(llama2_json, *options)
        assert result["passed"], [claim for claim in result["claims"] if claim["failed"]]
        assert claims(result)["reachable"]["failed"] == 0
        manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
        counts[intermediates] = manifest["origin"]
        assert manifest["ranges"][0]["source"] == "donor"
        assert manifest["ranges"][0]["count"] == result["new_tokens"] > 2000
        assert manifest["origin"]["taken"] + manifest["origin"]["intermediates"] == result["new_tokens"]
        shutil.rmtree(out)
    assert counts["add"]["left_out"] == 0 < counts["drop"]["left_out"]
    assert counts["drop"]["intermediates"] == 0 < counts["add"]["intermediates"]


@pytest.mark.slow
def test_only_the_donors_first_tokens_are_added_if_a_number_is_given(extended, gpt2_json, qwen_json):
    _, result = extended(gpt2_json, "--donor", qwen_json, "--new-tokens", 700)
    assert result["passed"]
    assert result["new_tokens"] == 700


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--donor", "nowhere.json"), "--donor nowhere.json does not exist"),
        (("--intermediates", "keep"), "pass add or drop"),
        (("--pretokenizer", "fix"), "pass keep or adapt"),
        (("--protect", "nowhere.txt"), "no such text"),
        (("--new-tokens", 0), "pass a whole number of at least 1"),
        (("--new-tokens", 60_000, "--strict"), "the text supports only"),
    ],
)
def test_bad_options_are_one_line(vocabx, chinese_file, gpt2_json, tmp_path, options, says):
    out = tmp_path / "out"
    run = vocabx("extend", "--base", gpt2_json, "--corpus", chinese_file, "--out", out, *SMALL, *options)
    assert run.code == 2
    assert says in run.err
    assert run.err.count("\n") == 1
    assert not out.exists()


def test_adapting_a_pretokenizer_without_a_pattern_is_refused_before_the_work(
    vocabx, chinese_file, mistral_model, tmp_path
):
    options = ("--base", mistral_model, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL)
    run = vocabx("extend", *options, "--pretokenizer", "adapt")
    assert (run.code, run.err.count("\n"), run.progress) == (2, 1, ())
    assert "has no pattern that --pretokenizer adapt could widen" in run.err


GERMAN = "auf der anderen Seite steht das Haus\n\nin der Regel steht das Haus dort\n\n" * 60


def test_superwords_are_counted_and_certified(vocabx, gpt2_json, tmp_path, english_file):
    text, out = tmp_path / "de.txt", tmp_path / "out"
    text.write_text("".join(f"{line} {number}\n\n" for number, line in enumerate(GERMAN.split("\n\n"))))
    ran = vocabx(
        "extend", "--base", gpt2_json, "--lang", "de", "--corpus", text, "--superwords", "--tokenizer-only",
        "--new-tokens", 40, "--heldout-bytes", 1000, "--adversarial", 100, "--base-text", english_file,
        "--out", out, "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
    assert 0 < result["origin"]["superwords"] == manifest["origin"]["superwords"]
    assert result["passed"]
    assert "tokens hold several words" in (out / "README.md").read_text("utf-8")
    assert "Tokens of several words can get below that." in ran.err


@pytest.mark.parametrize(
    ("base", "lang", "more", "says"),
    [
        ("gpt2_json", "zh-Hant", (), "--superwords joins words that spaces separate, and Chinese"),
        ("llama2_json", "de", (), "--superwords is for byte-level BPE"),
        ("gpt2_json", "de", ("--donor", "tokenizer.json"), "--donor gives them: pass one of them"),
        ("gpt2_json", "de,fr", ("--share", "de=0.5,fr=0.5"), "--share divides them: pass one"),
    ],
)
def test_superwords_that_cannot_be_are_refused_in_one_line(
    vocabx, request, tmp_path, english_file, base, lang, more, says
):
    text = tmp_path / "text.txt"
    text.write_text(GERMAN + "起初神創造天地", "utf-8")
    corpus = [word for tag in lang.split(",") for word in ("--corpus", f"{tag}={text}")]
    ran = vocabx(
        "extend", "--base", request.getfixturevalue(base), "--lang", lang, *corpus, "--superwords",
        "--tokenizer-only", "--base-text", english_file, *more, "--out", tmp_path / "out",
    )  # fmt: skip
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert says in ran.err


@pytest.mark.parametrize("base", ["gpt2_json", "mistral_model"])
def test_pruned_tokens_make_room_and_the_certificate_says_for_what(
    vocabx, extended, request, base, chinese_file, english_file
):
    path = request.getfixturevalue(base)
    out, result = extended(path, "--prune", 80, "--base-text", english_file)
    assert result["passed"], [claim for claim in result["claims"] if claim["failed"]]
    assert result["new_tokens"] == 80
    assert read_tokenizer(out).size == read_tokenizer(path).size
    assert claims(result)["pruned-other-text"]["failed"] == 0 < claims(result)["pruned-other-text"]["checked"]
    assert not claims(result)["pruned-text"]["required"]
    manifest = json.loads((out / "vocabx.json").read_text("utf-8"))
    assert manifest["origin"]["pruned"] == 80
    assert manifest["origin"]["pruned_scripts"] in (out / "README.md").read_text("utf-8")
    assert manifest["base"]["tokens"] == read_tokenizer(path).tokens_end
    again = vocabx(
        "verify", out, "--corpus", chinese_file, "--base-text", english_file, "--adversarial", 100,
        "--sample-bytes", 50_000, "--json",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert "pruned-other-text" in {claim["name"] for claim in json.loads(again.out)["claims"]}


@pytest.mark.parametrize(
    ("base", "options", "says"),
    [
        ("gpt2_json", ("--prune", 20_000), "tokens of the base can be removed"),
        ("gpt2_json", ("--prune", 20, "--new-tokens", 30), "adds as many tokens as it removes"),
        ("bert_json", ("--prune", 20), "--prune is for byte-level BPE and SentencePiece BPE"),
        ("gpt2_json", ("--prune", 0), "pass a whole number of at least 1"),
    ],
)
def test_pruning_that_cannot_be_is_refused_in_one_line(
    vocabx, request, chinese_file, english_file, tmp_path, base, options, says
):
    path, out = request.getfixturevalue(base), tmp_path / "out"
    texts = ("--corpus", chinese_file, "--base-text", english_file)
    ran = vocabx("extend", "--base", path, *texts, "--out", out, *SMALL, *options)
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert says in ran.err
    assert not out.exists()


def test_pruning_a_model_says_how_its_weights_come_along(vocabx, tmp_path):
    ran = vocabx("extend", "--base", "smollm2", "--lang", "hi", "--prune", 20, "--out", tmp_path / "out")
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert "vocabx transfer --base smollm2 --tokenizer" in ran.err


def test_superwords_of_words_in_random_order_are_refused(vocabx, gpt2_json, words_at_hand, tmp_path):
    base = ("--base", gpt2_json, "--lang", "de", "--tokenizer-only", "--out", tmp_path / "out")
    ran = vocabx("extend", *base, "--superwords")
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert "in random order: pass --corpus with text in German" in ran.err


def test_adapting_is_refused_where_transformers_replaces_the_pretokenizer(
    vocabx, chinese_file, gpt2_json, tmp_path
):
    base = tmp_path / "base"
    base.mkdir()
    shutil.copyfile(gpt2_json, base / "tokenizer.json")
    (base / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    options = ("--base", base, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL)
    run = vocabx("extend", *options, "--pretokenizer", "adapt")
    assert (run.code, run.err.count("\n"), run.progress) == (2, 1, ())
    assert "transformers 5 replaces the pre-tokenizer of qwen2 models" in run.err


def test_a_donor_that_lost_its_bytes_is_named(vocabx, chinese_file, mistral3_json, gpt2_json, tmp_path):
    spec = json.loads(mistral3_json.read_text("utf-8"))
    vocabulary = {piece: index for piece, index in spec["model"]["vocab"].items() if piece[:3] != "<0x"}
    spec["model"]["vocab"] = vocabulary
    donor = tmp_path / "donor.json"
    donor.write_text(json.dumps(spec), "utf-8")
    options = ("--base", gpt2_json, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL)
    run = vocabx("extend", *options, "--donor", donor, "--dry-run")
    assert run.code == 0, run.err
    assert "states byte fallback and has no tokens for bytes" in " ".join(run.err.split())


def test_words_that_the_pretokenizer_splits_are_named_and_not_the_text(
    vocabx, gpt2_json, english_file, tmp_path
):
    words = "हिन्दी भाषा पाठ शब्द सीमा लिखा दिखाता किताब पानी मिट्टी विद्यालय नदी".split()
    hindi = tmp_path / "hindi.txt"
    hindi.write_text(
        "\n".join(" ".join(words[i % 7 : i % 7 + 4] + words[i % 11 :]) for i in range(400)), "utf-8"
    )
    run = vocabx(
        "extend", "--base", gpt2_json, "--lang", "hi", "--corpus", hindi, "--base-text", english_file,
        "--tokenizer-only", "--heldout-bytes", 1500, "--adversarial", 20, "--out", tmp_path / "out",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert "The pre-tokenizer splits" in run.err and "With --pretokenizer adapt it splits none" in run.err
    assert "The text supports only" in run.err and "more text" not in run.err
    assert "--pretokenizer adapt --out" in run.out and "Let tokens cross the boundaries" in run.out


def test_a_donor_without_the_language_is_one_line(vocabx, chinese_file, gpt2_json, tmp_path):
    donor = tmp_path / "donor.tiktoken"
    donor.write_text("dGhl 0\nYQ== 1\n")
    options = ("--base", gpt2_json, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL)
    run = vocabx("extend", *options, "--donor", donor)
    assert (run.code, run.err.count("\n")) == (2, 1)
    assert "has no tokens of the language" in run.err


def test_a_damaged_base_tokenizer_is_one_line(vocabx, chinese_file, mistral_model, tmp_path):
    data = mistral_model.read_bytes()
    for content in (b"", data[: len(data) // 2], b"not a model\n", data[:-40]):
        base = tmp_path / "tokenizer.model"
        base.write_bytes(content)
        run = vocabx("extend", "--base", base, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL)
        assert (run.code, run.err.count("\n")) == (2, 1), run.err
        assert "Traceback" not in run.err


def test_a_dry_run_of_a_tokenizer_prints_the_plan(vocabx, chinese_file, mistral_model, tmp_path):
    options = ("--base", mistral_model, "--corpus", chinese_file, "--out", tmp_path / "out", *SMALL)
    run = vocabx("extend", *options, "--dry-run", "--json")
    plan = json.loads(run.out)
    assert (plan["family"], plan["first_id"], plan["new_tokens"]) == ("SentencePiece BPE", 32000, 8000)
    assert "only the tokenizer" in vocabx("extend", *options, "--dry-run").out
