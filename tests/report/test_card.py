import dataclasses
import itertools
import json
import re

import numpy as np
import pytest
from huggingface_hub import ModelCard
from safetensors.numpy import save_file

from vocabx.checkpoint.base import Base
from vocabx.checkpoint.factorised import Factorisation
from vocabx.evaluation.comparison import Comparison, Measure
from vocabx.report.card import hub_language, write_card
from vocabx.report.extension_report import Origin, Report
from vocabx.report.transfer_report import RowCounts, TransferReport
from vocabx.tokenizer.certificate import Claim

SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
COMMAND = "vocabx extend --base smollm2 --lang zh-Hant"
ORIGIN = Origin("", 0, 0, 0, 0, False, "", None)


def comparison(language: str, measured: bool = True, unknown: int = 0) -> Comparison:
    before, after = (2.5, 2.75) if measured else (None, None)
    return Comparison(
        language, "held-out text", 4000, 12000, 6000 if measured else 0,
        Measure(4000, 1.0, before, before, 1e6, unknown),
        Measure(2500, 1.6, after, after, 1e6),
    )  # fmt: skip


CLAIMS = (
    Claim("base-text", "English is tokenized as before.", 5321, 0, True, ()),
    Claim("used", "Every new token is used.", 8001, 14, False, ("詞",)),
)
REPORT = Report(
    version="9.8.7", command=COMMAND, base="smollm2", base_origin="a package", language="zh-Hant",
    language_name="Chinese (Traditional)", corpus="packaged text of some_package 1.0 (7.9 MB sampled)",
    family="byte-level BPE", origin=ORIGIN, initializer="zip-tie", seed=17, old_tokens=250, new_tokens=40,
    pad_rows=10, rows=300, tied=True, target=comparison("zh-Hant"), base_language=comparison("en"),
    claims=CLAIMS, hull_bound=0.3, collisions=0, unused=0, dropped=0, curve=(), paragraphs=(), frequent=(),
    norms=(), seconds={}, kinds={"mixed": 38, "copied": 2, "drawn": 0}, parameters={},
)  # fmt: skip
TRANSFER = TransferReport(
    version="9.8.7", command="vocabx transfer --base smollm2", base="smollm2", base_origin="a package",
    tokenizer="/home/somebody/their_tokenizer", language="de", language_name="German", corpus="some text",
    base_family="byte-level BPE", family="Unigram", initializer="focus", seed=17, old_tokens=250, tokens=290,
    old_rows=250, rows=300, pad_rows=10, tied=True, counts=RowCounts(100, 150, 0, 40, 3, 7),
    target=comparison("de"), claims=CLAIMS[:1], seconds={},
)  # fmt: skip


@pytest.fixture
def base(tmp_path) -> Base:
    return Base(
        "smollm2", tmp_path, "some-package 0.1: a_file.gguf", "apache-2.0",
        licence_name="Apache License 2.0", licence_link=APACHE, repository=SMOLLM2,
    )  # fmt: skip


@pytest.fixture
def llama(tmp_path):
    table = {"model.embed_tokens.weight": np.zeros((300, 8), np.float16), "rest": np.zeros(100, np.float16)}
    return model(tmp_path / "llama", "llama", "LlamaForCausalLM", table)


@pytest.fixture
def bert(tmp_path):
    table = {"bert.embeddings.word_embeddings.weight": np.zeros((300, 8), np.float32)}
    return model(tmp_path / "bert", "bert", "BertForMaskedLM", table)


def model(directory, kind, architecture, tensors):
    directory.mkdir()
    config = {"model_type": kind, "architectures": [architecture], "vocab_size": 300}
    config["tie_word_embeddings"] = True
    (directory / "config.json").write_text(json.dumps(config))
    save_file(tensors, directory / "model.safetensors")
    return directory


def render(directory, base, report=REPORT, template="card.md", **options) -> str:
    directory.mkdir(exist_ok=True)
    write_card(directory, base, report, template, **options)
    text = (directory / "README.md").read_text("utf-8")
    clean(text)
    return text


def clean(text: str) -> None:
    """No trace of the template, and the blank lines that Markdown needs and no more."""
    assert not re.search(
        r"\{[{%#]|[%#}]\}|None|Undefined|\bTrue\b(?!\))|[ \t]+$|\n{3,}|\(\)", text, re.MULTILINE
    )
    assert text.endswith("\n") and not text.endswith("\n\n")
    prose = re.sub(r"```.*?```", "code", text, flags=re.DOTALL)
    for before, line in itertools.pairwise(prose.split("\n")):
        # Blank lines set off headings and tables, tables hold none, and each list item is a line of its own.
        assert not (line.startswith("#") and before) and not (before.startswith("#") and line)
        assert line.startswith("|") == before.startswith("|") or not line or not before
        assert not line.startswith("- ") or before.startswith(("- ", "language:", "tags:")) or not before
        assert not re.search(r"\S- [A-Z]", line)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for table in tables:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().split("\n")}
        assert len(columns) == 1, table
    assert text.count("```") % 2 == 0


def metadata(text: str) -> dict:
    return ModelCard(text).data.to_dict()


def test_the_card_of_an_extended_model_describes_it(base, llama):
    text = render(llama, base)
    assert metadata(text) == {
        "base_model": SMOLLM2,
        "language": ["zh"],
        "library_name": "transformers",
        "license": "apache-2.0",
        "tags": ["vocabx", "vocabulary-extension", "zh-Hant"],
    }
    for sentence in (
        "# smollm2 with 40 new tokens for Chinese (Traditional)\n",
        "**The new token embeddings are not trained yet**",
        "bit for bit",
        f"- Base: [{SMOLLM2}](https://huggingface.co/{SMOLLM2}), from some-package 0.1: a\\_file.gguf\n",
        "learned from packaged text of some\\_package 1.0 (7.9 MB sampled)\n",
        "by `zip-tie`, seed 17; 38 mixed from old embeddings, 2 copied from one, 0 drawn at random\n",
        "300 rows of width 8, F16, input embeddings and lm_head tied; the last 10 rows are padding\n",
        "- Size: 0.0 M parameters, 0.0 MB\n",
        "| zh-Hant | tokens | 4,000 | 2,500 | × 0.625 |",
        "| | bits per byte | 2.500 | 2.750 | +0.250 |",
        "| English is tokenized as before. | 5,321 | 0 | holds |",
        "| Every new token is used. | 8,001 | 14 | for information |",
        'name = "OWNER/NAME"',
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n",
        "model = AutoModelForCausalLM.from_pretrained(name)\n",
        "For llama.cpp, if it supports the pre-tokenizer: `vocabx export DIRECTORY --gguf FILE`.\n",
        f"The license of the base is [Apache License 2.0]({APACHE}) (`apache-2.0`). Its terms apply to this",
        f"```\n{COMMAND}\n```",
        "Made with vocabx 9.8.7.",
        "`report.html`",
    ):
        assert sentence in text, sentence
    assert "required claim fails" not in text and "not measured" not in text


def test_numbers_that_were_not_measured_are_left_out(base, llama):
    targets = {"target": comparison("zh-Hant", False), "base_language": comparison("en", False)}
    text = render(llama, base, dataclasses.replace(REPORT, **targets))
    assert "Bits per byte were not measured.\n" in text and "| bits per byte" not in text
    assert "| | unknown tokens" not in text


def test_unknown_tokens_are_counted(base, bert):
    text = render(bert, base, dataclasses.replace(REPORT, target=comparison("zh-Hant", False, unknown=9)))
    assert "| | unknown tokens | 9 | 0 | |" in text


def test_an_encoder_is_loaded_as_an_encoder(base, bert):
    text = render(bert, base)
    assert "model = AutoModelForMaskedLM.from_pretrained(name)\n" in text
    # llama.cpp reads BERT.
    assert "vocabx export DIRECTORY --gguf FILE" in text


def test_export_is_not_suggested_for_a_model_that_cannot_be_exported(base, tmp_path):
    table = {"transformer.wte.weight": np.zeros((300, 8), np.float16)}
    text = render(model(tmp_path / "gpt2", "gpt2", "GPT2LMHeadModel", table), base)
    assert "model = AutoModelForCausalLM.from_pretrained(name)\n" in text and "llama.cpp" not in text


def test_the_card_of_a_tokenizer_does_not_mention_weights(base, tmp_path):
    report = dataclasses.replace(REPORT, initializer="", rows=0, pad_rows=0, kinds={}, hull_bound=None)
    unmeasured = {"target": comparison("zh-Hant", False), "base_language": comparison("en", False)}
    text = render(tmp_path / "tokenizer", base, dataclasses.replace(report, **unmeasured))
    assert "base_model" not in metadata(text) and "tokenizer" in metadata(text)["tags"]
    assert "# Tokenizer of smollm2 with 40 new tokens" in text and "**This is only a tokenizer**" in text
    assert "from transformers import AutoTokenizer\n" in text and "this tokenizer too" in text
    for word in (
        "embeddings:", "matrices", "Size", "bit for bit", "model =", "llama.cpp", "not trained", "Bits per",
    ):  # fmt: skip
        assert word not in text, word


def test_the_card_of_a_factorised_model_reports_the_error(base, llama):
    made = Factorisation(4, 0.0, {"model.embed_tokens.weight": 0.1234}, 1_500_000, 9_000_000, "AutoModelForX")
    text = render(llama, base, dataclasses.replace(REPORT, factorised=made))
    assert "**Old embeddings are approximated**: off by\n12.3 % of their norm." in text
    assert "they hold\n1.5 M parameters instead of 9.0 M." in text
    assert "300 rows of rank 8" in text
    assert "model = AutoModelForX.from_pretrained(name, trust_remote_code=True)\n" in text
    assert "bit for bit" not in text and "llama.cpp" not in text


def test_tokens_of_a_donor_are_not_called_learned(base, llama):
    origin = Origin("/home/somebody/Qwen3", 30, 10, 5, 3, True, "", None)
    text = render(llama, base, dataclasses.replace(REPORT, origin=origin))
    assert (
        "- New tokens: 40, 30 of them taken from the tokenizer Qwen3 and 10 added to build those; counted in "
        in text
    )
    assert "its pre-tokenizer widened so that it no longer splits words of the language\n" in text
    assert "learned from" not in text and "/home" not in text
    none = render(llama, base, dataclasses.replace(REPORT, origin=Origin("q", 40, 0, 0, 0, False, "", None)))
    assert "taken from the tokenizer q; counted in" in none


def test_protected_text_and_the_settings_of_the_initializer_are_listed(base, llama):
    origin = dataclasses.replace(ORIGIN, protected="my_text.txt", unprotected_share=0.5)
    settings = {"neighbours": 10, "pairs": 12000, "precision_at_1": 0.41234567, "vectors": "/a/b/c.vec"}
    text = render(llama, base, dataclasses.replace(REPORT, origin=origin, parameters=settings))
    assert "- Tokenizer: byte-level BPE; my\\_text.txt is tokenized as before\n" in text
    assert "seed 17, neighbours 10, pairs 12000, precision at 1 0.4123, vectors c.vec; 38 mixed" in text


def test_a_required_claim_that_fails_is_shown(base, llama):
    text = render(llama, base, dataclasses.replace(REPORT, claims=(Claim("x", "It is so.", 9, 1, True, ()),)))
    assert "**A required claim FAILS.**\n" in text and "| It is so. | 9 | 1 | FAILS |" in text


def test_the_card_of_a_transfer_describes_it(base, llama):
    text = render(llama, base, TRANSFER, "transfer_card.md")
    assert metadata(text)["tags"] == ["vocabx", "vocabulary-transfer"]
    assert (metadata(text)["language"], metadata(text)["base_model"]) == (["de"], SMOLLM2)
    for sentence in (
        "smollm2 with the tokenizer their\\_tokenizer in place of its own.",
        "290 tokens (Unigram) instead of 250 (byte-level BPE)\n",
        "**The token embeddings are not trained yet**",
        "initialized by `focus`, seed 17\n",
        "tied; 10 rows are padding\n",
        "| copied from one of the base's | 100 |",
        "| of these, from the unknown token, for text that the base cannot represent | 7 |",
        "| the mean of all, where nothing is known | 40 |",
        "| de | tokens | 4,000 | 2,500 | × 0.625 |",
        "`report.json` holds all numbers",
    ):
        assert sentence in text, sentence
    assert "All old" not in text and "report.html" not in text and "/home" not in text
    unmeasured = dataclasses.replace(TRANSFER, target=comparison("de", False), pad_rows=0)
    assert "Bits per byte were not measured.\n" in render(llama, base, unmeasured, "transfer_card.md")


def test_a_local_base_is_named_without_its_directories_and_claims_no_model_of_the_hub(llama, tmp_path):
    for name in ("/home/somebody/models/my_model", "./models/my_model/", "~/my_model"):
        text = render(llama, Base(name, tmp_path, "local", ""), dataclasses.replace(REPORT, base=name))
        assert "# my\\_model with 40" in text and "- Base: my\\_model, from a local directory\n" in text
        assert "base_model" not in metadata(text) and "license" not in metadata(text)
        assert "**The license of the base is unknown.**" in text and "/home" not in text
    (tmp_path / "here").mkdir()
    assert "# here with 40" in render(llama, Base(".", tmp_path / "here", "local", ""))
    assert "from a local file\n" in render(llama, Base("/a/b/c.gguf", tmp_path, "local", ""))
    (tmp_path / "tokenizer.json").write_text("{}")
    bare = dataclasses.replace(REPORT, initializer="", kinds={})
    text = render(tmp_path / "out", Base("./tokenizer.json", tmp_path / "tokenizer.json", "local", ""), bare)
    assert "- Base: tokenizer.json, from a local file\n" in text


def test_a_base_of_the_hub_is_linked_once(llama, tmp_path):
    text = render(llama, Base("some/model", tmp_path, "some/model", "mit", repository="some/model"))
    assert "- Base: [some/model](https://huggingface.co/some/model)\n" in text


@pytest.mark.parametrize(
    ("stated", "carried", "sentence", "link"),
    [
        ("LICENSE", True, "The license of the base is [its own](LICENSE). Its terms", "LICENSE"),
        (
            "LICENSE.md",
            False,
            "[its own](https://huggingface.co/some/model/blob/main/LICENSE.md). Its",
            "https://huggingface.co/some/model/blob/main/LICENSE.md",
        ),
        ("https://example.org/licence", False, "[its own](https://example.org/licence).", None),
        ("", False, "The license of the base is its own. Its terms", None),
        ("javascript:alert(1)", False, "The license of the base is its own. Its terms", None),
        ("../../etc", False, "The license of the base is its own. Its terms", None),
    ],
)
def test_a_licence_that_the_hub_does_not_know_keeps_name_and_link(
    llama, tmp_path, stated, carried, sentence, link
):
    if carried:
        (llama / "LICENSE").write_text("terms")
    base = Base(
        "some/model", tmp_path, "some/model", "other",
        licence_name="its own", licence_link=stated, repository="some/model",
    )  # fmt: skip
    text = render(llama, base)
    assert sentence in text
    found = metadata(text)
    assert (found["license"], found["license_name"]) == ("other", "its own")
    assert found.get("license_link") == (link or (stated if stated.startswith("https") else None))
    assert ("From the base: [LICENSE](LICENSE).\n" in text) == carried


def test_the_name_of_a_licence_file_is_shown_and_not_read_as_markup(llama, tmp_path):
    name = 'LICENSE)<img src=x onerror="alert(1)">'
    (llama / name).write_text("terms")
    stated = Base("some/model", tmp_path, "some/model", "other", licence_name="own", licence_link=name)
    text = render(llama, stated)
    assert "](LICENSE%29%3Cimg%20src%3Dx%20onerror%3D%22alert%281%29%22%3E)" in text
    assert "<img" not in text.replace("\\<img", "").partition("---\n\n")[2]


def test_a_licence_without_a_name_is_not_given_one(llama, tmp_path):
    text = render(llama, Base("some/model", tmp_path, "some/model", "other", repository="some/model"))
    assert "The license of the base is one of its own. Its terms" in text


def test_no_command_is_shown_when_called_from_python(base, llama):
    text = render(llama, base, dataclasses.replace(REPORT, command=""))
    assert "## How it was made\n\nMade with vocabx" in text


def test_the_code_that_loads_the_model_uses_its_name_on_the_hub(base, llama):
    assert 'name = "me/mine"  #' in render(llama, base, repository="me/mine")


def test_names_are_escaped_for_markdown(base, llama):
    adversarial = dataclasses.replace(REPORT, corpus="a|b <script> [x](y) *z*\n# title", pad_rows=0, kinds={})
    text = render(llama, base, adversarial)
    assert "a\\|b \\<script\\> \\[x\\](y) \\*z\\* \\# title\n" in text


@pytest.mark.parametrize(
    ("described", "shown"),
    [
        ("/home/me/a.txt, ../b/*.jsonl, ~/c (2 MB sampled)", "a.txt, \\*.jsonl, c (2 MB sampled)"),
        ("hf://owner/name/zh, through OpenCC s2t", "hf://owner/name/zh, through OpenCC s2t"),
        ("packaged text of a-package 1/2", "packaged text of a-package 1/2"),
        ("a directory/, /home/me/texts/", "a directory/, texts/"),
    ],
)
def test_texts_are_named_without_their_directories(base, llama, described, shown):
    text = render(llama, base, dataclasses.replace(REPORT, corpus=described))
    assert f"learned from {shown}\n" in text
    assert f"numbers below: {shown}\n" in render(
        llama, base, dataclasses.replace(TRANSFER, corpus=described), "transfer_card.md"
    )


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("zh-Hant", "zh"), ("de", "de"), ("sr-Latn-RS", "sr"), ("yue", "yue"), ("no", "no"),
        ("und-Latn", ""), ("qaa", ""), ("x-private", ""), ("", ""), ("english", ""),
    ],
)  # fmt: skip
def test_the_hub_knows_a_language_by_its_code_alone(tag, code):
    assert hub_language(tag) == code


@pytest.mark.parametrize(("tag", "languages"), [("no", ["no"]), ("qaa", None)])
def test_the_language_no_is_quoted_in_the_metadata(base, llama, tag, languages):
    """An unquoted `no` means false in YAML."""
    found = metadata(render(llama, base, dataclasses.replace(REPORT, language=tag)))
    assert found.get("language") == languages
