"""`vocabx verify --runtimes`: real programs, and stand-ins that hang, die, flood their output or err."""

import json
from pathlib import Path

import pytest

VENV = Path(__file__).resolve().parents[3] / ".venv"
QUICK = ("--adversarial", 60, "--sample-bytes", 20_000, "--runtimes-strings", 200)
# What the stand-ins have in common: right ids, from the tokenizers library.
_RIGHT = """
import os, sys, time
from tokenizers import Tokenizer as Real

class Tokenizer:
    def __init__(self, path):
        self.real, self.extended = Real.from_file(path), "extended" in path
        self.begin()
    from_json = from_tokenizers_file = from_file = classmethod(lambda cls, path: cls(path))
    def begin(self): pass
    def encode(self, text, *rest, **options): return self.real.encode(text, add_special_tokens=False)
    def encode_raw(self, text): return self.encode(text).ids
    def decode(self, ids, *rest, **options): return self.real.decode(ids, skip_special_tokens=False)
    decode_with_special = decode
"""


@pytest.fixture
def stand_in(tmp_path):
    """A function that installs a module in the place of a runtime, and returns the folder of all of them."""

    def install(package: str, version: str, module: str, code: str) -> Path:
        folder = tmp_path / "packages"
        about = folder / f"{package.replace('-', '_')}-{version}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        path = folder / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_RIGHT + code)
        return folder

    return install


@pytest.fixture
def verify(vocabx, small_extended):
    """A function that verifies the small extended checkpoint; it returns the run and its rows by runtime."""

    def run(runtimes, *options):
        texts = small_extended.texts
        arguments = (
            "verify", small_extended(), "--corpus", texts / "zh.jsonl", "--base-text", texts / "en.txt",
            *QUICK, "--json", "--runtimes", runtimes, *options,
        )  # fmt: skip
        ran = vocabx(*arguments)
        rows = json.loads(ran.out)["runtimes"] if ran.out else []
        return ran, {(row["runtime"], row["version"].split(".")[0]): row for row in rows}

    return run


def test_installed_runtimes_of_several_ages_read_the_ids_of_the_certificate(verify):
    python = VENV / "transformers4/bin/python"
    ran, rows = verify(
        "transformers,tokenizers,xllamacpp", "--runtimes-at", f"transformers={python}",
        "--runtimes-at", f"tokenizers={python}",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert {name for name, _ in rows} == {"transformers", "tokenizers", "xllamacpp"}
    assert ("transformers", "4") in rows and ("transformers", "5") in rows
    for row in rows.values():
        assert row["outcome"] == "same ids", row
        assert (row["ids"], row["decoded"], row["base_ids"], row["base_decoded"]) == (0, 0, 0, 0), row
        assert row["strings"] == 200


def test_sentencepiece_reads_the_model_file_of_bare_files_too(vocabx, mistral_model, verses, tmp_path):
    (tmp_path / "verses.txt").write_text("\n".join(verses[:400]), "utf-8")
    options = ("--against", mistral_model, "--lang", "zh-Hant", "--corpus", tmp_path / "verses.txt")
    ran = vocabx(
        "verify", mistral_model, *options, *QUICK, "--runtimes", "sentencepiece,tokenizers", "--json"
    )
    assert ran.code == 0, ran.err
    rows = json.loads(ran.out)["runtimes"]
    assert [(row["runtime"], row["outcome"]) for row in rows] == [
        ("tokenizers", "same ids"), ("sentencepiece", "same ids")
    ]  # fmt: skip
    # It takes a literal special token for text.
    assert 100 < rows[1]["strings"] < rows[0]["strings"]


def test_one_that_hangs_dies_floods_or_is_too_old_is_a_row_and_the_rest_goes_on(verify, stand_in):
    stand_in(
        "tokie", "0.1.9", "tokie",
        "class Tokenizer(Tokenizer):\n"
        "    def begin(self):\n"
        "        if self.extended: time.sleep(600)\n",
    )  # fmt: skip
    stand_in(
        "kitoken", "0.99.0", "kitoken",
        "class Kitoken(Tokenizer):\n"
        "    def begin(self):\n"
        "        print('about to die', flush=True)\n"
        "        os.kill(os.getpid(), 11)\n",
    )  # fmt: skip
    stand_in(
        "gigatoken", "0.99.0", "gigatoken",
        "class Tokenizer(Tokenizer):\n"
        "    def begin(self):\n"
        "        while self.extended: print('x' * 10_000)\n",
    )  # fmt: skip
    stand_in("splintr-rs", "0.3.1", "splintr", "raise AssertionError('imported')")
    folder = stand_in("iree-tokenizer", "0.99.0", "iree/tokenizer", "raise ImportError('too new')")
    stand_in("fastokens", "0.99.0", "fastokens", "import module_that_nobody_has")
    names = (
        "tokie,kitoken,gigatoken,splintr,iree-tokenizer,fastokens,outlines-core,transformers.js,tokenizers"
    )
    ran, found = verify(names, "--runtimes-at", folder, "--runtimes-seconds", 5)
    rows = {name: row for (name, _), row in found.items()}
    assert ran.code == 1, ran.err
    said = {name: (row["outcome"], row["message"]) for name, row in rows.items()}
    assert said == {
        "tokie": ("REFUSED", "took longer than 5 seconds"),
        "kitoken": ("refused with the base", "died of SIGSEGV: about to die"),
        "gigatoken": ("REFUSED", "wrote more than 16 MB to its output"),
        "splintr": ("not compared", "needs splintr-rs 0.20 or later"),
        "iree-tokenizer": ("refused with the base", "ImportError: too new"),
        "fastokens": (
            "not compared",
            "its installation is incomplete: it lacks the module module_that_nobody_has",
        ),
        "outlines-core": ("not installed", ""),
        "transformers.js": ("not installed", ""),
        "tokenizers": ("same ids", ""),
    }
    assert rows["tokie"]["base_ids"] == 0


def test_other_ids_than_the_certificates_fail_with_the_shortest_string(verify, stand_in):
    stand_in(
        "tokie", "0.1.9", "tokie",
        "class Tokenizer(Tokenizer):\n"
        "    def encode(self, text, **options):\n"
        "        made = super().encode(text)\n"
        "        if self.extended and '的' in text: made.truncate(0)\n"
        "        return made\n",
    )  # fmt: skip
    folder = stand_in(
        "splintr-rs", "0.99.0", "splintr",
        "class from_json(Tokenizer):\n"
        "    def decode_with_special(self, ids): return 'nothing'\n",
    )  # fmt: skip
    ran, found = verify("tokie,splintr", "--runtimes-at", folder)
    assert ran.code == 1, ran.err
    rows = {name: row for (name, _), row in found.items()}
    row = rows["tokie"]
    assert (row["outcome"], row["fails"], row["base_ids"]) == ("DIFFERS", True, 0)
    assert 0 < row["ids"] < row["strings"]
    assert "的" in row["example"] and row["message"] == "ids []"
    # What is wrong of the base already is no failure of the extension.
    assert (rows["splintr"]["outcome"], rows["splintr"]["fails"]) == ("differs with the base", False)
    assert rows["splintr"]["decoded"] == rows["splintr"]["base_decoded"] > 100
    assert rows["splintr"]["new_decoded"] == 0
    assert rows["splintr"]["ids"] == 0


def test_a_text_that_the_base_has_wrong_excuses_no_other(verify, stand_in):
    folder = stand_in(
        "tokie", "0.1.9", "tokie",
        "class Tokenizer(Tokenizer):\n"
        "    def encode(self, text, **options):\n"
        "        made = super().encode(text)\n"
        "        if text == '0123456789' or self.extended and '的' in text: made.truncate(0)\n"
        "        return made\n"
        "    def decode(self, ids, **options):\n"
        "        text = super().decode(ids)\n"
        "        return '' if text == '0123456789' or self.extended and '是' in text else text\n"
        "    decode_with_special = decode\n",
    )  # fmt: skip
    ran, found = verify("tokie", "--runtimes-at", folder)
    (row,) = found.values()
    assert ran.code == 1, ran.err
    assert (row["outcome"], row["fails"]) == ("DIFFERS", True)
    for kind in ("ids", "decoded"):
        assert row[f"base_{kind}"] == 1
        assert row[f"new_{kind}"] == row[kind] - 1 > 0
    assert "的" in row["example"]


def test_runtimes_of_node_are_asked_in_the_modules_of_a_folder(verify, tmp_path):
    module = tmp_path / "node_modules/@huggingface/tokenizers"
    module.mkdir(parents=True)
    about = {"name": "@huggingface/tokenizers", "version": "9.9.9", "type": "module", "main": "index.js"}
    (module / "package.json").write_text(json.dumps(about))
    (module / "index.js").write_text(
        "export class Tokenizer {\n"
        "  constructor(spec) { this.size = Object.keys(spec.model.vocab).length; }\n"
        "  encode(text) { if (text[3]) throw new TypeError('too long'); return { ids: [this.size] }; }\n"
        "  decode() { return 'word'; }\n"
        "}\n"
    )
    ran, rows = verify("tokenizers.js,node-llama-cpp", "--runtimes-at", tmp_path)
    assert ran.code == 0, ran.err
    row = rows["tokenizers.js", "9"]
    assert (row["outcome"], row["ids"]) == ("differs with the base", 200)
    assert row["message"].startswith("ids [6")
    assert rows["node-llama-cpp", ""]["outcome"] == "not installed"


def test_no_program_and_none_of_its_files_are_rows(vocabx, small_extended, bert_json, tmp_path):
    verses = small_extended.texts / "zh.jsonl"
    quiet = tmp_path / "python"
    quiet.write_text("#!/bin/sh\nexit 0\n")
    quiet.chmod(0o755)
    ran = vocabx(
        "verify", bert_json, "--against", bert_json, "--lang", "zh-Hant", "--corpus", verses, *QUICK,
        "--json", "--runtimes", "xllamacpp,llama-cpp-python,tokie", "--runtimes-at", f"tokie={quiet}",
    )  # fmt: skip
    rows = {row["runtime"]: (row["outcome"], row["message"]) for row in json.loads(ran.out)["runtimes"]}
    # llama.cpp reads a WordPiece vocabulary; some adversarial strings, it reads otherwise.
    assert rows["xllamacpp"][0] in ("same ids", "differs with the base")
    assert rows["llama-cpp-python"] == ("not installed", "")
    assert rows["tokie"] == ("refused with the base", "ended without an answer")


def test_the_table_names_what_is_installed_and_what_is_not(vocabx, small_extended):
    texts = ("--corpus", small_extended.texts / "zh.jsonl", "--base-text", small_extended.texts / "en.txt")
    ran = vocabx("verify", small_extended(), *texts, *QUICK, "--runtimes", "tokenizers,tokie")
    assert ran.code == 0, ran.err
    assert "Other programs, against the tokenizers library" in ran.out
    assert "same ids" in ran.out
    assert "not installed: tokie" in ran.out


def test_bad_options_are_one_line(vocabx, small_extended, tmp_path):
    for options, says in (
        (("--runtimes", "toki"), "Did you mean tokie?"),
        (("--runtimes", "all", "--records"), "pass one of them"),
        (("--runtimes-at", tmp_path), "pass --runtimes all"),
        (("--runtimes", "all", "--runtimes-at", tmp_path / "nowhere"), "is neither a folder"),
        (("--runtimes", "all", "--runtimes-seconds", 0), "--runtimes-seconds"),
    ):
        ran = vocabx("verify", small_extended(), *options)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), (options, ran)
        assert says in ran.err and len(ran.err) <= 310, ran.err
