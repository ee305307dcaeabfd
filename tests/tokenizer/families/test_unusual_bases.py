"""Bases of a known family with an unusual part: extended with a certificate, or refused by name."""

from dataclasses import replace

import pytest
from small_tokenizers import byte_level, character_bpe, marked_bpe, read_json, unigram, write_json
from tokenizers import normalizers

from vocabx import ExtendOptions, extend
from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_alphabet import to_alphabet
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


MARKS = [{"end_of_word_suffix": "</w>"}, {"continuing_subword_prefix": "@@"}]


@pytest.mark.parametrize("mark", MARKS, ids=str)
@pytest.mark.parametrize("byte", [False, True], ids=["characters", "bytes"])
def test_pieces_that_mark_the_edges_of_words_are_extended(tmp_path, english, transformers4, mark, byte):
    directory = marked_bpe(tmp_path / "base", english[:600], byte, **mark)
    base, made = certified(directory, tmp_path / "out", english, transformers4)
    new = [made.id_to_piece[index] for index in made.token_bytes if index >= base.size]
    (sign,) = mark.values()
    marked = [piece for piece in new if piece.startswith(sign) or piece.endswith(sign)]
    assert marked and len(marked) < len(new)
    # A word of the text is one or two tokens, where it was two for each letter or unknown.
    assert len(made.encode(RUSSIAN)[0]) < 2 * len(RUSSIAN[0].split())
    assert made.unknown_id not in made.encode(RUSSIAN)[0]
    for index, data in base.token_bytes.items():
        assert base.bytes_to_piece(data) == base.id_to_piece[index]


@pytest.mark.parametrize("byte", [False, True], ids=["characters", "bytes"])
def test_marks_at_both_edges_of_words_are_refused_by_name(tmp_path, english, byte):
    directory = (byte_level if byte else character_bpe)(tmp_path / "base", english[:200])
    spec = read_json(directory / "tokenizer.json")
    both = {**MARKS[0], **MARKS[1]}
    write_json(directory / "tokenizer.json", {**spec, "model": {**spec["model"], "merges": [], **both}})
    with pytest.raises(TokenizerError, match="continuing_subword_prefix '@@' and end_of_word_suffix '</w>'"):
        read_tokenizer(directory)


def without_letters(directory, letters):
    """A byte-level tokenizer's directory without the tokens that hold some letters of its alphabet."""
    spec = read_json(directory / "tokenizer.json")
    model = spec["model"]
    kept = [piece for piece in model["vocab"] if not set(letters) & set(piece)]
    model["vocab"] = {piece: index for index, piece in enumerate(kept)}
    model["merges"] = [pair for pair in model["merges"] if not set(letters) & set("".join(pair))]
    write_json(directory / "tokenizer.json", spec)
    return directory


def test_bytes_that_a_base_drops_become_tokens_first(tmp_path, english, transformers4):
    letters = "".join(to_alphabet(bytes([byte])) for byte in range(0x80, 0x100))
    directory = without_letters(byte_level(tmp_path / "base", english[:600]), letters)
    base, made = certified(directory, tmp_path / "out", english, transformers4)
    assert base.decode(base.encode(["Старый дом"])[0]).strip() == ""
    assert [made.decode(ids) for ids in made.encode(RUSSIAN[:2])] == RUSSIAN[:2]
    first = [made.token_bytes[index] for index in range(base.size + 3, base.size + 5)]
    assert [len(data) for data in first] == [1, 1]
    assert max(len(made.token_bytes[index]) for index in made.token_bytes) > 8
    # Only bytes of the language get tokens.
    assert made.lost_tokens("é") and not made.lost_tokens(RUSSIAN[0])


def test_bytes_that_are_dropped_are_said_before_the_work_and_get_embeddings(tmp_path, english):
    directory = without_letters(byte_level(tmp_path / "base", english[:200]), to_alphabet(b"\xd0"))
    (tmp_path / "ru.txt").write_text("\n".join(RUSSIAN), "utf-8")
    options = ExtendOptions(
        base=str(directory), lang="ru", corpus=(str(tmp_path / "ru.txt"),), out=tmp_path / "out",
        tokenizer_only=True, adversarial=100,
    )  # fmt: skip
    said = Said()
    result = extend(options, said)
    assert any("drops bytes of the text, such as 0xD0" in note for note in said.notes)
    assert result.certificate.passed
    with pytest.raises(TokenizerError, match="leave text in the language out of --protect"):
        extend(replace(options, out=tmp_path / "two", protect=(str(tmp_path / "ru.txt"),)))
    assert not (tmp_path / "two").exists()


class Said(Quiet):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.mark.parametrize("added", [{"normalized": True}, {"normalized": False, "single_word": True}], ids=str)
def test_added_words_that_an_extension_would_find_elsewhere_are_refused_before_the_work(
    tmp_path, english, added
):
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    directory = unigram(tmp_path / "base", english[:600], normalizer)
    spec = read_json(directory / "tokenizer.json")
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "special": False}
    token = {"id": len(spec["model"]["vocab"]), "content": "assert", **flags, **added}
    spec["added_tokens"].append(token)
    write_json(directory / "tokenizer.json", spec)
    (tmp_path / "ru.txt").write_text("\n".join(RUSSIAN), "utf-8")
    options = ExtendOptions(
        base=str(directory), lang="ru", corpus=(str(tmp_path / "ru.txt"),), out=tmp_path / "out",
        tokenizer_only=True, adversarial=100,
    )  # fmt: skip
    with pytest.raises(TokenizerError, match="only in some places"):
        extend(options)
    assert not (tmp_path / "out").exists()
    # Matched wherever it stands, it does not reach the model.
    spec["added_tokens"][-1] |= {"normalized": False, "single_word": False}
    write_json(directory / "tokenizer.json", spec)
    assert extend(options).certificate.passed
