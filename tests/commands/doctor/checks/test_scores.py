"""Pieces appended to a SentencePiece model with score 0, and merges inserted before the base's."""

import pytest
from real_tokenizers import read_once
from transformers import AutoTokenizer

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.tokenizer.from_sentencepiece import merges_by_score
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import Kind, model_of, parse_model


@pytest.fixture
def zeroed(directory, append, mistral_model, chinese_pieces):
    """Mistral's model with Chinese pieces of score 0: the common recipe."""
    return directory(tokenizer__model=append(mistral_model.read_bytes(), chinese_pieces))


@pytest.mark.parametrize("with_base", [False, True])
def test_pieces_of_score_0_that_outrank_the_base_and_tie_are_reported(
    zeroed, mistral_model, names, with_base
):
    found = examine(zeroed, mistral_model if with_base else None)
    assert list(names(found)) == ["scores"]
    finding = names(found)["scores"]
    long = [
        p for p in parse_model((zeroed / "tokenizer.model").read_bytes()).pieces[32000:] if len(p.piece) > 1
    ]
    assert finding.count == len(long)
    assert finding.repairable
    assert "tied with another" in finding.sentence
    assert "tokenized differently by SentencePiece" in finding.sentence
    assert bool(found.files.new.inferred) != with_base


def test_repaired_scores_decrease_strictly_below_the_base_and_both_libraries_agree(
    zeroed, tmp_path, mistral, mistral_model, names, dead, disagreements, verses, english
):
    before = parse_model((zeroed / "tokenizer.model").read_bytes())
    found = examine(zeroed)
    repair(found, tmp_path / "out")
    after = parse_model((tmp_path / "out" / "tokenizer.model").read_bytes())
    assert [piece.piece for piece in after.pieces] == [piece.piece for piece in before.pieces]
    assert after.pieces[:32000] == before.pieces[:32000]
    scores = [piece.score for piece in after.pieces[32000:]]
    assert scores == sorted(set(scores), reverse=True)
    assert scores[0] < min(piece.score for piece in after.pieces[:32000] if piece.score > -1e8)
    assert names(examine(tmp_path / "out", mistral_model)) == {}
    assert disagreements(tmp_path / "out", [*verses, *english]) == []
    assert read_tokenizer(tmp_path / "out").encode(english) == mistral.encode(english)
    assert dead(tmp_path / "out", mistral) == set()
    loaded = AutoTokenizer.from_pretrained(tmp_path / "out")
    texts = [*verses[:200], *english[:200]]
    assert loaded(texts, add_special_tokens=False)["input_ids"] == read_tokenizer(tmp_path / "out").encode(
        texts
    )
    assert (loaded.bos_token, loaded("a")["input_ids"][0]) == ("<s>", 1)


def test_base_pieces_hidden_by_new_ones_of_the_same_script_are_counted_and_restored(
    directory, tmp_path, append, train, small, small_file, english, names
):
    pieces = train(english, 2000, "bpe")
    found = examine(directory(tokenizer__model=append(small_file.read_bytes(), pieces)))
    assert "base pieces" in names(found)["scores"].sentence
    repair(found, tmp_path / "out")
    repaired = read_tokenizer(tmp_path / "out")
    assert all(repaired.reaches(index) for index in small.token_bytes if small.reaches(index))
    # Pieces that stay dead were reported as not repairable.
    unmade = [index for index in found.files.new.ids if not repaired.reaches(index)]
    assert len(unmade) == sum(f.count for f in names(found).values() if not f.repairable)


def test_pieces_with_the_scores_of_their_own_training_are_reported_too(
    directory, tmp_path, append, small_file, chinese_pieces, names, disagreements, verses
):
    model = append(small_file.read_bytes(), chinese_pieces, lambda place: -float(place))
    found = examine(directory(tokenizer__model=model))
    assert list(names(found)) == ["scores"]
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert disagreements(tmp_path / "out", verses) == []


def test_merges_of_new_pieces_before_the_base_are_found_without_a_model_and_moved(
    directory, tmp_path, append, small, small_file, chinese_pieces, names, dead, english
):
    """What transformers 4 writes for the common recipe: merges sorted by score, and no .model."""
    proto = parse_model(append(small_file.read_bytes(), chinese_pieces))
    ids = {piece.piece: index for index, piece in enumerate(proto.pieces)}
    scores = {piece.piece: piece.score for piece in proto.pieces if piece.type == Kind.NORMAL}
    merges = [list(pair) for pair in merges_by_score(scores, ids)]
    spec = {**small.spec, "model": {**small.spec["model"], "vocab": ids, "merges": merges}}
    found = examine(directory(tokenizer__json=spec))
    assert list(names(found)) == ["scores"]
    assert found.files.new.inferred
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out", None, found.files.new)) == {}
    assert read_tokenizer(tmp_path / "out").encode(english) == small.encode(english)
    assert dead(tmp_path / "out", small) == set()


def test_unigram_pieces_of_score_0_get_log_probabilities(
    directory, tmp_path, append, train, t5_json, verses, english, names
):
    base = read_once(t5_json)
    model = model_of(base.spec).SerializeToString()
    pieces = [piece for piece in train(verses, 2500, "unigram") if piece != "<s>"]
    found = examine(directory(spiece__model=append(model, pieces)))
    assert list(names(found)) == ["scores"]
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out", None, found.files.new)) == {}
    repaired = read_tokenizer(tmp_path / "out")
    assert all(repaired.reaches(index) for index in found.files.new.ids)
    assert all(
        piece.score < 0
        for piece in parse_model((tmp_path / "out" / "spiece.model").read_bytes()).pieces[32200:]
    )
    assert repaired.encode(english) == base.encode(english)
