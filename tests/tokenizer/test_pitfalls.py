"""The pitfalls of common recipes, by number: the recipe is shown to fail, and vocabx not to."""

import copy
import json

import pytest
import sentencepiece
from real_tokenizers import read_once
from sentencepiece import SentencePieceProcessor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from vocabx.progress import Quiet
from vocabx.tokenizer.donor import build_donor_merges, read_donor
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import Kind, parse_model, read_model
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer


@pytest.fixture(scope="module")
def donor(verses, english, tmp_path_factory):
    """A SentencePiece model as commonly trained for one language, with some English and digits in it."""
    prefix = tmp_path_factory.mktemp("donor") / "donor"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*verses, *english[:400], *["2010年 in 2010"] * 50]),
        model_prefix=str(prefix), vocab_size=5000, model_type="unigram", character_coverage=1.0,
        minloglevel=2,
    )  # fmt: skip
    return prefix.with_suffix(".model")


@pytest.fixture(scope="module")
def mistral(mistral_model):
    return read_once(mistral_model)


@pytest.fixture(scope="module")
def ours(mistral, verses, chinese, donor):
    """Mistral extended with the donor's tokens."""
    request = TokenRequest(donor=tuple(read_donor(donor)))
    return extend_tokenizer(mistral, verses[:800], chinese, request, mistral.size, Quiet())


def recipe(mistral_model, donor):
    """The widespread recipe: every piece that the base lacks is appended with score 0."""
    proto = read_model(mistral_model)
    known = {piece.piece for piece in proto.pieces}
    for piece in read_model(donor).pieces:
        if piece.piece not in known and piece.type == Kind.NORMAL:
            proto.pieces.add(piece=piece.piece, score=0.0, type=Kind.NORMAL)
    return proto


def test_pitfall_01_score_0_outranks_the_base_and_ours_does_not(
    mistral, mistral_model, donor, ours, verses, english
):
    proto = recipe(mistral_model, donor)
    theirs = SentencePieceProcessor(model_proto=proto.SerializeToString())
    fast = type(mistral)(spec_of(proto, add_bos=True, add_eos=False), proto.SerializeToString())
    lines = [*verses[:400], *english[:400]]
    assert theirs.encode(lines) != fast.encode(lines), "the recipe has become harmless"
    assert any(
        not fast.reaches(i) for i in range(mistral.size) if i in mistral.token_bytes and mistral.reaches(i)
    )
    processor = SentencePieceProcessor(model_proto=ours.tokenizer.companions()[MODEL_NAME])
    assert processor.encode(lines) == ours.tokenizer.encode(lines)
    lost = [i for i in mistral.token_bytes if mistral.reaches(i) and not ours.tokenizer.reaches(i)]
    assert lost == []


def test_pitfall_02_characters_and_intermediates_are_added_or_the_piece_is_left_out(
    mistral, donor, chinese, ours
):
    tokens = read_donor(donor)
    added, dropped = (
        build_donor_merges(mistral, tokens, chinese.allows_token, add_intermediates)
        for add_intermediates in (True, False)
    )
    assert added.intermediates > 0 == dropped.intermediates
    assert dropped.dropped > 0 == added.dropped
    assert added.taken == dropped.taken + dropped.dropped
    model = parse_model(ours.tokenizer.companions()[MODEL_NAME])
    known = {piece.piece for piece in model.pieces}
    for piece in model.pieces[mistral.size :]:
        assert all(character in known for character in piece.piece)
    assert all(ours.tokenizer.reaches(index) for index in ours.new_ids)


def test_pitfall_03_latin_and_digits_of_a_donor_stay_out(mistral, donor, ours, english):
    foreign = [token for token in read_donor(donor) if token.strip().isdigit() or token.strip().isalpha()]
    assert len(foreign) > 100, "the donor has no harmful tokens to leave out"
    assert not any(token.isascii() for token in ours.pieces)
    for text in ("in 2010 and 20101", *english[:500]):
        assert ours.tokenizer.encode([text]) == mistral.encode([text])


def test_pitfall_04_a_model_beside_tokenizer_json_does_not_mislead_transformers(
    ours, mistral_model, verses, english, tmp_path
):
    write_tokenizer(ours.tokenizer, mistral_model, tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    lines = [*verses[:300], *english[:300]]
    processor = SentencePieceProcessor(model_file=str(tmp_path / MODEL_NAME))
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(lines, add_special_tokens=False)["input_ids"] == processor.encode(lines)


def test_pitfall_05_the_first_token_is_added_as_before(ours, mistral, mistral_model, tmp_path):
    write_tokenizer(ours.tokenizer, mistral_model, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded("Hello")["input_ids"] == mistral.rust.encode("Hello").ids
    assert loaded("Hello")["input_ids"][0] == loaded.bos_token_id == 1


def test_pitfall_06_added_tokens_shred_the_base_and_ours_does_not(mistral, ours, english, verses):
    loaded = PreTrainedTokenizerFast(tokenizer_object=copy.deepcopy(mistral.rust))
    loaded.add_tokens(["ple", "sta", "men", "聖經"])
    theirs = loaded(english[:300], add_special_tokens=False)["input_ids"]
    assert theirs != mistral.encode(english[:300]), "the recipe has become harmless"
    assert ours.tokenizer.encode(english[:300]) == mistral.encode(english[:300])
    assert ours.tokenizer.spec["added_tokens"] == mistral.spec["added_tokens"]


def test_pitfall_07_pieces_are_converted_to_the_byte_alphabet_and_merged_after_the_base(
    gpt2_json, donor, chinese, verses, english
):
    base = read_once(gpt2_json)
    request = TokenRequest(donor=tuple(read_donor(donor)))
    extended = extend_tokenizer(base, verses[:500], chinese, request, base.size, Quiet()).tokenizer
    merges = base.spec["model"]["merges"]
    assert extended.spec["model"]["merges"][: len(merges)] == merges
    assert "▁" not in "".join(extended.vocabulary)
    for verse in verses[:200]:
        assert extended.decode(extended.encode([verse])[0]) == verse
    certificate = verify(base, extended, chinese, Texts(verses[:500], english, adversarial=300))
    assert certificate.passed


def test_pitfall_08_selected_tokens_are_used_and_of_the_language_only(extension, chinese):
    usage = extension.selection.usage
    assert (usage > 0).mean() >= 0.98
    assert all(chinese.allows_token(token) for token in extension.pieces)
    assert not any(token.isascii() for token in extension.pieces)


def test_pitfall_09_ids_do_not_depend_on_the_order_of_the_vocabulary(qwen_json, verses, chinese, tmp_path):
    base = read_once(qwen_json)
    extended = extend_tokenizer(base, verses[:500], chinese, TokenRequest(100), base.size, Quiet()).tokenizer
    write_tokenizer(extended, qwen_json, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.get_vocab() == extended.vocabulary
    assert list(loaded.get_vocab().values()) != sorted(loaded.get_vocab().values()), "the pitfall is gone"


def test_pitfall_10_new_tokens_never_get_padding_rows(t5_json, verses, chinese, english):
    base = read_once(t5_json)
    extended = extend_tokenizer(base, verses[:500], chinese, TokenRequest(200), 32128, Quiet()).tokenizer
    ids = {i for row in extended.encode([*verses[:500], *english]) for i in row}
    assert not ids & set(range(base.size, 32128))
    model = parse_model(extended.companions()[MODEL_NAME])
    assert {piece.type for piece in model.pieces[base.size : 32128]} == {Kind.UNUSED}


def test_pitfall_11_the_gguf_copy_splits_digits_as_the_original(base):
    assert len(base.encode(["2010"])[0]) == 4
