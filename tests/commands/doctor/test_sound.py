"""Sound checkpoints give no findings."""

import pytest
from real_tokenizers import read_once

from vocabx.commands.doctor.examine import examine
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import parse_model
from vocabx.tokenizer.write import write_tokenizer


@pytest.mark.parametrize("with_base", [False, True])
def test_the_real_mistral_model_is_sound(directory, mistral_model, with_base, names):
    files = directory(tokenizer__model=mistral_model.read_bytes())
    assert names(examine(files, mistral_model if with_base else None)) == {}


def test_a_model_next_to_its_tokenizer_json_is_sound(directory, small, small_file, names):
    files = directory(tokenizer__model=small_file.read_bytes(), tokenizer__json=small.spec)
    assert names(examine(files)) == {}


def test_an_ascii_byte_written_as_its_character_is_no_disagreement(directory, append, small_file, names):
    model = append(small_file.read_bytes(), ["\t\t", "\t\t\t\t"], lambda place: -40_000.0 - place)
    spec = spec_of(parse_model(model), add_bos=True, add_eos=False)
    assert "\t" in spec["model"]["vocab"]
    files = directory(tokenizer__model=model, tokenizer__json=spec)
    assert names(examine(files, small_file)) == {}


@pytest.mark.parametrize(
    "file", ["gpt2_json", "llama2_json", "roberta_json", "bert_json", "t5_json", "qwen_json"]
)
def test_a_real_tokenizer_json_is_sound_and_has_nothing_new(request, directory, names, file):
    content = request.getfixturevalue(file).read_text("utf-8")
    found = examine(directory(tokenizer__json=content))
    assert names(found) == {}
    assert found.files.new.ids == ()


def test_smollm2_with_its_weights_is_sound(smollm2, names):
    assert names(examine(smollm2)) == {}
    assert names(examine(smollm2, smollm2)) == {}


@pytest.mark.parametrize("with_base", [False, True])
def test_a_fresh_extension_of_a_byte_level_base_is_sound(tmp_path, smollm2, extension, with_base, names):
    write_tokenizer(extension.tokenizer, smollm2, tmp_path)
    found = examine(tmp_path, smollm2 if with_base else None)
    assert names(found) == {}
    assert len(found.files.new.ids) == (1000 if with_base else 0)


@pytest.mark.parametrize(
    ("base_file", "with_base"),
    [("mistral_model", True), ("mistral_model", False), ("llama2_json", False), ("t5_json", True)],
)
def test_a_fresh_extension_of_a_sentencepiece_base_is_sound(
    request, tmp_path, verses, chinese, base_file, with_base, names
):
    path = request.getfixturevalue(base_file)
    base = read_once(path)
    extension = extend_tokenizer(base, verses, chinese, TokenRequest(400), base.size, Quiet())
    write_tokenizer(extension.tokenizer, path, tmp_path)
    found = examine(tmp_path, path if with_base else None)
    assert names(found) == {}
    assert not with_base or len(found.files.new.ids) == 400
