"""Some classes put tokens of their own around a text, such as codes of languages: so does the extension."""

import pytest
from small_tokenizers import character_bpe, marked_bpe, read_json, write_json
from transformers import AutoTokenizer

from vocabx import ExtendOptions
from vocabx.commands.extend.vocabulary_plan import make_vocabulary_plan
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

RUSSIAN = ["Старый привратник приветствовал прибывших при свете лампы."] * 8
CODES = ["eng_Latn", "rus_Cyrl"]
SETTINGS = {
    "the default": {"tokenizer_class": "NllbTokenizer"},
    "another source": {"tokenizer_class": "NllbTokenizerFast", "src_lang": "rus_Cyrl"},
    "legacy": {"tokenizer_class": "NllbTokenizer", "legacy_behaviour": True},
    "none": {"tokenizer_class": "PreTrainedTokenizerFast", "src_lang": "rus_Cyrl", "unk_token": "<unk>"},
}


@pytest.mark.parametrize("case", SETTINGS)
def test_the_template_is_that_of_the_class(tmp_path, english, transformers4, case):
    directory = character_bpe(tmp_path / "base", english[:600])
    spec = read_json(directory / "tokenizer.json")
    # A template for pairs that puts nothing around them, as one that is not stated.
    spec["post_processor"]["pair"] = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    spec["added_tokens"].append({**spec["added_tokens"][-1], "id": 402, "content": "<mask>", "lstrip": True})
    spec["added_tokens"][-1]["normalized"] = True
    write_json(directory / "tokenizer.json", spec)
    settings = {
        "additional_special_tokens": CODES,
        "mask_token": "<mask>",
        "eos_token": "</s>",
        **SETTINGS[case],
    }
    write_json(directory / "tokenizer_config.json", settings)
    base, loaded = read_tokenizer(directory), AutoTokenizer.from_pretrained(directory)
    assert base.rust.encode("the word").ids == loaded("the word")["input_ids"]
    assert base.rust.encode("a", "b").ids == loaded("a", "b")["input_ids"]
    assert base.rust.encode("the word").ids == transformers4(directory, ["the word"], special=True)["ids"][0]
    cyrillic = Alphabet(("Cyrillic",))
    made = extend_tokenizer(base, RUSSIAN, cyrillic, TokenRequest(None), base.size, Quiet()).tokenizer
    (tmp_path / "out").mkdir()
    write_tokenizer(made, directory, tmp_path / "out")
    texts = Texts(RUSSIAN, english[:100], adversarial=100)
    claims = verify(base, made, cyrillic, texts, (directory, tmp_path / "out")).claims
    assert [claim for claim in claims if claim.required and claim.failed] == []


def test_the_template_of_clip_is_that_of_its_class(tmp_path, english):
    directory = marked_bpe(tmp_path / "base", english[:600], byte=True, end_of_word_suffix="</w>")
    spec = read_json(directory / "tokenizer.json")
    flags = {**spec["added_tokens"][0], "special": True}
    size = len(spec["model"]["vocab"])
    for number, name in enumerate(("<|startoftext|>", "<|endoftext|>")):
        spec["added_tokens"].append({**flags, "id": size + number, "content": name})
    write_json(directory / "tokenizer.json", spec)
    write_json(directory / "tokenizer_config.json", {"tokenizer_class": "CLIPTokenizer"})
    base, loaded = read_tokenizer(directory), AutoTokenizer.from_pretrained(directory)
    for text in ("", "the words"):
        ids = base.rust.encode(text).ids
        around = loaded(text)["input_ids"]
        assert (ids[0], ids[-1]) == (around[0], around[-1]) == (size, size + 1)


def test_a_class_that_switches_codes_and_is_not_kept_is_told_before_the_work(tmp_path, english):
    directory = character_bpe(tmp_path / "base", english[:200])
    write_json(directory / "tokenizer_config.json", {"tokenizer_class": "NllbTokenizer"})
    (tmp_path / "ru.txt").write_text("\n".join(RUSSIAN), "utf-8")
    notes = []
    told = Quiet()
    told.note = notes.append
    options = ExtendOptions(
        base=str(directory), lang="ru", corpus=(str(tmp_path / "ru.txt"),), out=tmp_path / "out",
        tokenizer_only=True,
    )  # fmt: skip
    make_vocabulary_plan(options, told)
    assert any("NllbTokenizer switches the code of the source language" in note for note in notes)
