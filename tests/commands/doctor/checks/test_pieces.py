"""Pieces that no text is tokenized into."""

import copy
import json

from real_tokenizers import read_once

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.tokenizer.byte_alphabet import to_alphabet
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import Kind, parse_model


def test_pieces_without_halves_are_reported_as_not_repairable(
    directory, tmp_path, append, train, small, small_file, verses, names, dead
):
    """Unigram training yields words without their parts; a BPE model cannot build those."""
    model = append(small_file.read_bytes(), train(verses, 2500, "unigram"))
    found = examine(directory(tokenizer__model=model))
    finding = names(found)["dead-halves"]
    assert not finding.repairable
    repair(found, tmp_path / "out")
    left = examine(tmp_path / "out", small_file)
    assert list(names(left)) == ["dead-halves"]
    assert len(dead(tmp_path / "out", small)) == finding.count > 100


def test_the_libraries_agree_again_on_pieces_with_characters_that_are_not_pieces(
    directory,
    tmp_path,
    append,
    small,
    small_file,
    chinese_pieces,
    verses,
    english,
    names,
    disagreements,
    dead,
):
    """SentencePiece merges characters that are not pieces; tokenizers has split them into bytes by then."""
    model = append(small_file.read_bytes(), [piece for piece in chinese_pieces if len(piece) > 1])
    found = examine(directory(tokenizer__model=model))
    assert set(names(found)) == {"scores", "half-dead"}
    repair(found, tmp_path / "out")
    left = names(examine(tmp_path / "out", small_file))
    assert set(left) == {"dead-characters"}
    assert not left["dead-characters"].repairable
    assert disagreements(tmp_path / "out", [*verses, *english]) == []
    assert (
        len(dead(tmp_path / "out", small)) == left["dead-characters"].count == names(found)["half-dead"].count
    )
    proto = parse_model((tmp_path / "out" / "tokenizer.model").read_bytes())
    assert sum(piece.type == Kind.UNUSED for piece in proto.pieces) == left["dead-characters"].count


def test_tokens_in_the_vocabulary_without_merges_get_merges(directory, tmp_path, gpt2_json, english, names):
    base = read_once(gpt2_json)
    spec = copy.deepcopy(base.spec)
    words = dict.fromkeys(f" {word}" for line in english for word in line.split() if word.isalpha())
    parts = {word: len(base.tokenize(word.encode())) for word in words}
    fit = [word for word in words if parts[word] == 2][:20]
    words = [*fit, *[word for word in words if parts[word] == 3][:20]]
    for place, word in enumerate(words):
        spec["model"]["vocab"][to_alphabet(word.encode())] = base.size + place
    found = examine(directory(tokenizer__json=spec), gpt2_json)
    assert names(found)["dead-merges"].count == len(fit) == 20
    unfit = sum(finding.count for name, finding in names(found).items() if name != "dead-merges")
    assert unfit == len(words) - len(fit) > 0
    repair(found, tmp_path / "out")
    repaired = read_tokenizer(tmp_path / "out")
    assert [repaired.encode([word])[0] for word in fit] == [[base.size + words.index(word)] for word in fit]
    plain = [line for line in english if not any(word in f" {line}" for word in words)]
    assert repaired.encode(plain) == base.encode(plain)
    assert repaired.vocabulary == read_tokenizer(tmp_path / "checkpoint-0").vocabulary
    assert "dead-merges" not in names(examine(tmp_path / "out", gpt2_json))


def test_words_that_the_pre_tokenizer_splits_are_reported(directory, gpt2_json, names):
    base = read_once(gpt2_json)
    spec = copy.deepcopy(base.spec)
    spec["model"]["vocab"][to_alphabet(b"New York")] = base.size
    finding = names(examine(directory(tokenizer__json=spec), gpt2_json))["dead-words"]
    assert (finding.count, finding.examples) == (1, ("New York",))


def test_base_tokens_that_moved_or_were_lost_are_fatal_or_wrong(directory, gpt2_json, names):
    spec = json.loads(gpt2_json.read_text("utf-8"))
    vocabulary = spec["model"]["vocab"]
    vocabulary["Ġthe"], vocabulary["Ġof"] = vocabulary["Ġof"], vocabulary["Ġthe"]
    spec["model"]["merges"].remove(
        "Ġ tropical" if "Ġ tropical" in spec["model"]["merges"] else spec["model"]["merges"][-1]
    )
    found = names(examine(directory(tokenizer__json=spec), gpt2_json))
    assert (found["base-ids"].severity, found["base-ids"].count) == ("fatal", 2)
    assert (found["base-lost"].severity, found["base-lost"].count) == ("wrong", 1)
