"""Bases of a known family with an unusual part: extended with a certificate, or refused by name."""

import json

import pytest
from small_tokenizers import byte_level, character_bpe, read_json, unigram, write_json
from tokenizers import normalizers

from vocabx import ExtendOptions, extend
from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.families.character_bpe import CharacterTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

CYRILLIC = Alphabet(("Cyrillic",))
RUSSIAN = [
    "Старый привратник приветствовал прибывших при свете лампы.",
    "Прохожие кланялись привратнику.",
] * 8


def certified(directory, target, english, transformers4):
    """The base and its extension, whose certificate has no required claim that fails."""
    base = read_tokenizer(directory)
    made = extend_tokenizer(base, RUSSIAN, CYRILLIC, TokenRequest(None), base.size + 3, Quiet()).tokenizer
    target.mkdir()
    write_tokenizer(made, directory, target)
    texts = Texts(RUSSIAN, english[:200], adversarial=200)
    claims = verify(base, made, CYRILLIC, texts, (directory, target)).claims
    assert [claim for claim in claims if claim.required and claim.failed] == []
    lines = [*RUSSIAN[:2], *english[:20]]
    assert transformers4(target, lines)["ids"] == made.encode(lines)
    assert read_tokenizer(target).spec == made.spec
    return base, made


NORMALIZERS = {
    "NFKC": normalizers.NFKC(),
    "Lowercase": normalizers.Lowercase(),
    "StripAccents": normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]),
}


@pytest.mark.parametrize("name", NORMALIZERS)
def test_a_unigram_base_may_normalize_as_no_sentencepiece_model_does(tmp_path, english, transformers4, name):
    directory = unigram(tmp_path / "base", english[:600], NORMALIZERS[name])
    base, made = certified(directory, tmp_path / "out", english, transformers4)
    assert base.unknown_id in base.encode(RUSSIAN)[0]
    assert made.unknown_id not in made.encode(RUSSIAN)[0]
    assert made.companions() == {}


def test_bpe_over_characters_gets_characters_and_merges(tmp_path, english, transformers4):
    directory = character_bpe(tmp_path / "base", english[:600])
    base, made = certified(directory, tmp_path / "out", english, transformers4)
    assert isinstance(base, CharacterTokenizer)
    assert base.unknown_id in base.encode(RUSSIAN)[0]
    assert made.unknown_id not in made.encode(RUSSIAN)[0]
    assert made.decode(made.encode(RUSSIAN)[0]) == RUSSIAN[0]
    assert max(len(made.token_bytes[index].decode()) for index in made.token_bytes if index >= base.size) > 4
    # An English word inside the unknown run of the base is still found.
    assert base.encode(["the"])[0] == made.encode(["the"])[0]


def test_atoms_of_an_unknown_run_are_its_characters(tmp_path, english):
    base = read_tokenizer(character_bpe(tmp_path / "base", english[:600]))
    ids, words = base.atoms(["the шумъ", "ы"])
    data = b"".join(base.atom_bytes(int(index)) for index in ids)
    assert data.decode() == " the шумъ ы"
    assert len(set(words.tolist())) == 3


@pytest.mark.parametrize(
    "mark", [{"end_of_word_suffix": "</w>"}, {"continuing_subword_prefix": "@@"}], ids=str
)
@pytest.mark.parametrize("byte", [False, True])
def test_marks_of_word_edges_are_refused_by_name(tmp_path, english, mark, byte):
    directory = (byte_level if byte else character_bpe)(tmp_path / "base", english[:200])
    spec = read_json(directory / "tokenizer.json")
    write_json(directory / "tokenizer.json", {**spec, "model": {**spec["model"], "merges": [], **mark}})
    with pytest.raises(TokenizerError, match=next(iter(mark))):
        read_tokenizer(directory)


def test_bytes_that_the_base_drops_are_refused_before_the_work(tmp_path, english):
    directory = byte_level(tmp_path / "base", english[:200])
    spec = read_json(directory / "tokenizer.json")
    spec["model"]["vocab"].pop("Ð")
    spec["model"]["merges"] = [pair for pair in spec["model"]["merges"] if "Ð" not in "".join(pair)]
    spec["model"]["vocab"] = {p: i for p, i in spec["model"]["vocab"].items() if "Ð" not in p}
    (directory / "tokenizer.json").write_text(json.dumps(spec), "utf-8")
    (tmp_path / "ru.txt").write_text("\n".join(RUSSIAN), "utf-8")
    options = ExtendOptions(
        base=str(directory), lang="ru", corpus=(str(tmp_path / "ru.txt"),), out=tmp_path / "out",
        tokenizer_only=True,
    )  # fmt: skip
    with pytest.raises(TokenizerError, match="drops 1 bytes of the text, such as 0xD0"):
        extend(options)
    assert not (tmp_path / "out").exists()
