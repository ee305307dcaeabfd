"""Directories without a tokenizer.json: read as transformers reads them, or refused with the way out."""

import json
import shutil

import pytest
from small_tokenizers import byte_level, sentencepiece_model, wordpiece, write_json
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import parse_model
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

RUSSIAN = [
    "Старый привратник приветствовал прибывших при свете лампы.",
    "Прохожие кланялись привратнику.",
] * 8
T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
CASES = ("GPT2", "Bert", "XLMRoberta", "DebertaV2", "Camembert", "T5", "MBart50", "M2M100")


@pytest.fixture(scope="module")
def slow(tmp_path_factory, english):
    """A function that returns a directory with the slow files of a class and nothing else."""
    root, lines = tmp_path_factory.mktemp("slow"), english[:600]
    names = {
        "XLMRoberta": "sentencepiece.bpe.model", "Camembert": "sentencepiece.bpe.model", 
        "DebertaV2": "spm.model", "T5": "spiece.model", "MBart50": "sentencepiece.bpe.model",
        "Nllb": "sentencepiece.bpe.model", "M2M100": "sentencepiece.bpe.model",
    }  # fmt: skip

    def make(kind):
        directory = root / kind
        if directory.is_dir():
            return directory
        if kind in names:
            settings = T5 if kind == "T5" else {}
            family = "bpe" if kind in ("Nllb", "M2M100") else "unigram"
            model = sentencepiece_model(directory / names[kind], lines, family, **settings)
            if kind == "M2M100":
                pieces = parse_model(model.read_bytes()).pieces
                first = ("<s>", "<pad>", "</s>", "<unk>")
                rest = reversed([piece.piece for piece in pieces if piece.piece not in first])
                ids = {piece: index for index, piece in enumerate((*first, *rest))}
                write_json(directory / "vocab.json", ids)
        else:
            whole = (byte_level if kind == "GPT2" else wordpiece)(root / f"{kind}-whole", lines)
            directory.mkdir()
            Tokenizer.from_file(str(whole / "tokenizer.json")).model.save(str(directory))
        write_json(directory / "tokenizer_config.json", {"tokenizer_class": f"{kind}Tokenizer"})
        return directory

    return make


@pytest.mark.parametrize("kind", CASES)
def test_slow_files_are_read_as_transformers_reads_them_and_as_version_4_where_it_agrees(
    slow, transformers4, english, kind
):
    directory = slow(kind)
    base, loaded = read_tokenizer(directory), AutoTokenizer.from_pretrained(directory)
    texts = [*english[:60], *RUSSIAN[:2], " two  spaces ", "the <extra_id_0> is <extra_id_99>", "a <mask> b"]
    ids = [encoding.ids for encoding in base.rust.encode_batch(texts)]
    assert ids == loaded(texts)["input_ids"]
    four = transformers4(directory, texts, special=True)["ids"]
    if kind == "MBart50":
        # Version 4 leaves out a space at the end of a text, and version 5 does not.
        spaced = texts.index(" two  spaces ")
        assert [*ids[spaced][:-2], ids[spaced][-1]] == four[spaced]
        del ids[spaced], four[spaced]
    assert ids == four


@pytest.mark.parametrize("kind", CASES)
def test_a_base_of_slow_files_is_extended_with_a_certificate(slow, transformers4, tmp_path, english, kind):
    directory, alphabet = slow(kind), Alphabet(("Cyrillic",))
    base = read_tokenizer(directory)
    made = extend_tokenizer(base, RUSSIAN, alphabet, TokenRequest(None), base.size + 5, Quiet()).tokenizer
    write_tokenizer(made, directory, tmp_path)
    claims = verify(
        base, made, alphabet, Texts(RUSSIAN, english[:200], adversarial=150), (directory, tmp_path)
    ).claims
    assert [claim for claim in claims if claim.required and claim.failed] == []
    assert transformers4(tmp_path, RUSSIAN)["ids"] == made.encode(RUSSIAN)


def test_the_sentinels_of_t5_keep_their_ids(slow, tmp_path):
    shutil.copytree(slow("T5"), tmp_path / "base")
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 3}
    write_json(tmp_path / "base" / "tokenizer_config.json", config)
    base = read_tokenizer(tmp_path / "base")
    ids = [base.vocabulary[f"<extra_id_{n}>"] for n in (2, 1, 0)]
    assert ids == [base.size - 3, base.size - 2, base.size - 1]
    assert "<extra_id_3>" not in base.vocabulary


@pytest.mark.parametrize(
    "files", [{"tekken.json": {"config": {}, "vocab": []}}, {"qwen.tiktoken": "IQ== 0\n"}, {}], ids=str
)
def test_a_directory_that_holds_no_readable_tokenizer_is_refused_with_the_way_out(tmp_path, files):
    write_json(tmp_path / "config.json", {"model_type": "mistral"})
    for name, content in files.items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    with pytest.raises(TokenizerError, match="save_pretrained") as refusal:
        read_tokenizer(tmp_path)
    assert "\n" not in str(refusal.value)


def test_the_codes_of_m2m100_have_the_ids_that_its_class_makes(slow):
    base, loaded = read_tokenizer(slow("M2M100")), AutoTokenizer.from_pretrained(slow("M2M100"))
    assert base.vocabulary["__ru__"] == loaded.get_lang_id("ru") > max(loaded.encoder.values())
    assert base.rust.encode("a __ru__ b").tokens.count("__ru__") == 1


def test_slow_files_whose_class_loses_the_codes_of_languages_are_refused_with_the_way_out(slow):
    """Version 5 makes no codes of NLLB's .model: their ids would have rows and no tokens."""
    with pytest.raises(
        TokenizerError, match=r"makes no codes of languages of its sentencepiece\.bpe"
    ) as refusal:
        read_tokenizer(slow("Nllb"))
    assert "save_pretrained of transformers 4" in str(refusal.value) and "\n" not in str(refusal.value)
