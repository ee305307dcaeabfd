"""Unigram on the real T5, whose vocabulary has no Chinese character and whose normalizer is kept."""

import json
from collections import Counter

import pytest
from real_tokenizers import read_once
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import Kind, parse_model, unused_piece
from vocabx.tokenizer.verify import Texts, verify

# T5's embedding matrix has 32,128 rows for 32,100 tokens.
ROWS = 32_128
TOKENS = 1800


@pytest.fixture(scope="module")
def base(t5_json):
    return read_once(t5_json)


@pytest.fixture(scope="module")
def extension(base, verses, chinese):
    """Enough tokens for every character of the text and frequent words, after the padding rows."""
    return extend_tokenizer(base, verses[:1200], chinese, TokenRequest(TOKENS), ROWS, Quiet())


@pytest.fixture(scope="module")
def model(extension):
    return parse_model(extension.tokenizer.companions()[MODEL_NAME])


def failures(base, extended, alphabet, texts):
    claims = verify(base, extended, alphabet, texts).claims
    return {claim.name: claim.examples for claim in claims if claim.required and claim.failed}


def test_every_required_claim_holds(extension, chinese, verses, english):
    texts = Texts(verses[:1200], english[:1000], adversarial=2500)
    assert failures(extension.base, extension.tokenizer, chinese, texts) == {}


def test_text_that_was_unknown_to_the_base_decodes_to_itself(extension, verses):
    base, extended = extension.base, extension.tokenizer
    lost, kept = ([base.unknown_id in ids for ids in t.encode(verses[:1200])] for t in (base, extended))
    assert all(lost)
    # Characters that occur once are not learned.
    once = {c for c, count in Counter("".join(map(base.normal, verses[:1200]))).items() if count == 1}
    assert kept == [not once.isdisjoint(base.normal(verse)) for verse in verses[:1200]]
    whole = [verse for verse, unknown in zip(verses[:1200], kept, strict=True) if not unknown]
    for verse, ids in zip(whole, extended.encode(whole), strict=True):
        assert extended.canonical(extended.decode(ids)) == extended.canonical(verse)


def test_running_text_is_tokenized_into_the_new_pieces(extension, verses):
    ids = [index for row in extension.tokenizer.encode(verses[:1200]) for index in row]
    new = sum(index in extension.new_ids for index in ids)
    assert new > 0.85 * len(ids)
    assert (extension.selection.usage > 0).mean() >= 0.98
    longer = [token for token, used in zip(extension.pieces, extension.selection.usage, strict=True)
              if used and len(token.decode().strip()) > 1]  # fmt: skip
    assert len(longer) > 200, "only single characters are used"


def test_unseen_text_is_tokenized_into_the_new_pieces_too(extension, verses):
    ids = [index for row in extension.tokenizer.encode(verses[1500:1800]) for index in row]
    assert sum(index in extension.new_ids for index in ids) > 0.8 * len(ids)


def test_the_scores_of_the_base_and_their_minimum_are_unchanged_in_both_files(extension, model):
    base, after = extension.base.spec["model"]["vocab"], extension.tokenizer.spec["model"]["vocab"]
    assert after[: len(base)] == base
    assert min(score for _, score in after) == min(score for _, score in base)
    old = parse_model(extension.base.companions()[MODEL_NAME])
    assert list(model.pieces[: len(base)]) == list(old.pieces)
    lowest = min(piece.score for piece in old.pieces if piece.type == Kind.NORMAL)
    assert min(piece.score for piece in model.pieces if piece.type == Kind.NORMAL) == lowest
    scores = [model.pieces[index].score for index in extension.new_ids]
    assert scores == [after[index][1] for index in extension.new_ids]
    assert len(set(scores)) > 0.99 * len(scores), "rounding decides between equal scores"


def test_every_new_piece_is_reachable(extension, model):
    pieces = [extension.tokenizer.id_to_piece[index] for index in extension.new_ids]
    rust = extension.tokenizer.rust.model
    assert [[token.id for token in rust.tokenize(piece)] for piece in pieces] == [
        [index] for index in extension.new_ids
    ]
    plain = parse_model(model.SerializeToString())
    plain.normalizer_spec.add_dummy_prefix = plain.normalizer_spec.remove_extra_whitespaces = False
    processor = SentencePieceProcessor(model_proto=plain.SerializeToString())
    texts = [piece.replace("▁", " ") for piece in pieces]
    assert processor.encode(texts) == [[index] for index in extension.new_ids]


def test_english_keeps_every_id(extension, model, english):
    assert extension.tokenizer.encode(english[:2000]) == extension.base.encode(english[:2000])
    before = SentencePieceProcessor(model_proto=extension.base.companions()[MODEL_NAME])
    after = SentencePieceProcessor(model_proto=model.SerializeToString())
    assert after.encode(english[:2000]) == before.encode(english[:2000])


def test_padding_rows_belong_to_no_token_in_either_file(extension, model):
    assert extension.new_ids == range(ROWS, ROWS + TOKENS)
    rust = Tokenizer.from_str(json.dumps(extension.tokenizer.spec))
    for index, token in zip(extension.new_ids, extension.pieces, strict=True):
        assert model.pieces[index].piece == rust.id_to_token(index) == token.decode().replace(" ", "▁")
    padding = range(extension.base.size, ROWS)
    assert {model.pieces[index].type for index in padding} == {Kind.UNUSED}
    assert not set(padding) & extension.tokenizer.token_bytes.keys()
    assert len(model.pieces) == model.trainer_spec.vocab_size == ROWS + TOKENS


def test_the_text_of_a_placeholder_is_tokenized_as_before(extension):
    names = [unused_piece(index) for index in range(extension.base.size, ROWS)]
    texts = [*names, *(f"see {name}s" for name in names), *(name.replace(" ", "▁") for name in names)]
    assert extension.tokenizer.encode(texts) == extension.base.encode(texts)


def test_special_tokens_and_templates_are_unchanged(extension, english):
    before, after = extension.base, extension.tokenizer
    for key in ("added_tokens", "post_processor", "normalizer", "pre_tokenizer", "decoder"):
        assert after.spec.get(key) == before.spec.get(key)
    for text in ("", "a", english[0], "a <extra_id_0> b </s>"):
        assert after.rust.encode(text).ids == before.rust.encode(text).ids
    assert after.rust.encode("a").ids[-1] == before.vocabulary["</s>"]


def test_new_tokens_contain_no_character_that_the_normalizer_replaces(extension):
    extended = extension.tokenizer
    assert extended.encode(["神　說！"]) == extended.encode(["神 說!"])
    # T5's normalizer never outputs full-width forms or the ideographic space.
    assert not any(c in token.decode() for token in extension.pieces for c in "　，！：（）")


def test_new_pieces_of_the_base_language_break_none_of_its_own(base, english):
    """Scores from the share of the text alone would break hundreds of T5's own words."""
    pieces = ("st", "tr", "ror", "te", "qu", "zz", "ync")
    extended = base.extended([Merge(b"", piece.encode(), 100) for piece in pieces], base.size)
    longer = [i for i, written in base.id_to_piece.items() if any(piece in written for piece in pieces)]
    assert len(longer) > 1000
    lost = [base.id_to_piece[i] for i in longer if base.reaches(i) and not extended.reaches(i)]
    assert lost == []
    ids = {index for row in extended.encode(english[:500]) for index in row}
    assert len(ids & set(range(base.size, extended.size))) > 3, "the new pieces never occur"
