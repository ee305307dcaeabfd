"""SentencePiece BPE on real tokenizers: a lone .model (Mistral), and tokenizer.json without one."""

import random
from itertools import pairwise

import pytest
from real_tokenizers import read_once
from sentencepiece import SentencePieceProcessor

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import MODEL_NAME
from vocabx.tokenizer.from_sentencepiece import splits
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import LAST, Kind, parse_model, piece_scores
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

# The number of new tokens for each base; a vocabulary of 256,000 is slow.
BASES = {"mistral_model": 300, "llama2_json": 300, "mistral3_json": 300, "gemma_json": 150}
GAP = 100

WHO = """
बच्चा किसान शिक्षक दादी लड़की लड़का डॉक्टर दुकानदार मज़दूर चित्रकार लेखक गायक सैनिक मछुआरा पड़ोसी मेहमान यात्री कुम्हार
दर्ज़ी बढ़ई माली रसोइया चौकीदार डाकिया वैज्ञानिक विद्यार्थी खिलाड़ी पुजारी व्यापारी चरवाहा सुनार लोहार नाविक दूधवाला
पहलवान संगीतकार वकील सिपाही मंत्री
""".split()
WHEN = """
सुबह शाम दोपहर रात कल आज हमेशा कभी-कभी धीरे-धीरे जल्दी चुपचाप अक्सर सोमवार मंगलवार बुधवार गुरुवार शुक्रवार
शनिवार रविवार अचानक
""".split()
WHERE = """
बाज़ार नदी जंगल विद्यालय अस्पताल मंदिर गाँव शहर बगीचे पहाड़ समुद्र रसोई आँगन पुस्तकालय सड़क खेत कारख़ाने स्टेशन झोपड़ी
महल दुकान मैदान तालाब घाटी रेगिस्तान बरामदे कमरे तहख़ाने छत द्वीप गुफा बंदरगाह चौराहे गोदाम संग्रहालय
""".split()
HOW = """
पुरानी नई सुंदर छोटी बड़ी लाल हरी नीली पीली सफ़ेद मीठी ठंडी गरम भारी हल्की लंबी चमकीली अनोखी टूटी साफ़
""".split()
WHAT = """
किताब रोटी चिट्ठी तस्वीर साड़ी घड़ी कुर्सी चाबी टोपी मछली मिठाई लालटेन टोकरी मूर्ति नाव गाड़ी पतंग बाँसुरी ढोलक रस्सी
थैली चादर तलवार अंगूठी पोटली दवाई खिड़की दीवार कविता कहानी सीढ़ी बाल्टी कलम छतरी डिबिया
""".split()
DOES = """
ख़रीदता बेचता बनाता देखता ढूँढता छिपाता उठाता दिखाता सजाता माँगता भेजता पाता खोलता बेचती बनाती देखती ढूँढती रखता
लौटाता पहचानता धोता तोड़ता जोड़ता सँभालता भूलता
""".split()
WHY = """
बारिश त्योहार विवाह परीक्षा यात्रा मेले छुट्टी बीमारी ख़ुशी सर्दी गर्मी भीड़ हवा धूप अकाल बाढ़ जन्मदिन प्रतियोगिता चुनाव नाटक
""".split()


def hindi_lines() -> list[str]:
    """Random sentences from lists of words."""
    draw = random.Random(1)

    def sentence() -> str:
        who, when, where, how, what, does = map(draw.choice, (WHO, WHEN, WHERE, HOW, WHAT, DOES))
        why, other = draw.choice(WHY), draw.choice(WHO)
        return f"{who} {when} {where} में {how} {what} {does} है, क्योंकि {why} के दिन {other} भी आता है।"

    return [sentence() for _ in range(500)]


_PARAMETERS = [pytest.param(name, marks=pytest.mark.slow) if name == "gemma_json" else name for name in BASES]


@pytest.fixture(scope="module", params=_PARAMETERS)
def extension(request, verses, chinese):
    """A base with Chinese tokens, whose ids begin after a gap."""
    base, request = read_once(request.getfixturevalue(request.param)), TokenRequest(BASES[request.param])
    return extend_tokenizer(base, verses[:1000], chinese, request, base.size + GAP, Quiet())


@pytest.fixture(scope="module")
def model(extension):
    return parse_model(extension.tokenizer.companions()[MODEL_NAME])


def failures(base, extended, alphabet, texts):
    claims = verify(base, extended, alphabet, texts).claims
    return {claim.name: claim.examples for claim in claims if claim.required and claim.failed}


def merges_of(tokenizer) -> list[tuple[str, str]]:
    return [tuple(rule.split(" ", 1)) if isinstance(rule, str) else tuple(rule) for rule in tokenizer.rules()]


def without_prefix(model) -> SentencePieceProcessor:
    """SentencePiece with the model, but without a space before the text."""
    copy = parse_model(model.SerializeToString())
    copy.normalizer_spec.add_dummy_prefix = False
    return SentencePieceProcessor(model_proto=copy.SerializeToString())


def test_every_required_claim_holds(extension, chinese, verses, english):
    # Small bases get more adversarial strings than large ones.
    texts = Texts(verses[:1000], english[:1000], adversarial=2500 if extension.base.size < 40_000 else 1000)
    assert failures(extension.base, extension.tokenizer, chinese, texts) == {}


def test_new_tokens_are_used_and_shorten_the_text(extension, verses):
    usage = extension.tokenizer.usage(verses[:1000])[extension.new_ids.start :]
    assert (usage > 0).sum() >= 0.98 * len(usage)
    old, new = (sum(map(len, t.encode(verses[:1000]))) for t in (extension.base, extension.tokenizer))
    assert new < 0.95 * old


def test_every_new_piece_is_reachable_in_sentencepiece(extension, model):
    processor = without_prefix(model)
    texts = [model.pieces[index].piece.replace("▁", " ") for index in extension.new_ids]
    assert processor.encode(texts) == [[index] for index in extension.new_ids]


def test_new_scores_descend_from_below_the_lowest_real_one(extension, model):
    base = piece_scores(parse_model(extension.base.companions()[MODEL_NAME]))
    scores = [model.pieces[index].score for index in extension.new_ids]
    assert scores[0] < min(score for score in base.values() if score > LAST / 2)
    assert all(later < earlier for earlier, later in pairwise(scores))
    assert scores[-1] > LAST / 2


def test_merges_in_tokenizer_json_are_ordered_by_score(extension, model):
    scores = piece_scores(model)
    merges = [
        m.split(" ", 1) if isinstance(m, str) else m for m in extension.tokenizer.spec["model"]["merges"]
    ]
    old = {tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in extension.base.rules()}
    new = {model.pieces[index].piece for index in extension.new_ids}
    # A few base files list runs of white space out of order, which is kept.
    ours = [scores[left + right] for left, right in merges if (left, right) not in old]
    assert ours == sorted(ours, reverse=True)
    # The first merge of a new piece comes after all of the base's, except those of white space.
    first = next(n for n, (left, right) in enumerate(merges) if left + right in new)
    later = [left + right for left, right in merges[first:] if (left, right) in old]
    assert all(scores[piece] < LAST / 2 for piece in later)


def test_every_split_of_a_new_piece_is_a_merge(extension, model):
    scores = piece_scores(model)
    merges = [
        m.split(" ", 1) if isinstance(m, str) else m for m in extension.tokenizer.spec["model"]["merges"]
    ]
    pairs = {}
    for left, right in merges:
        pairs.setdefault(left + right, set()).add((left, right))
    for index in extension.new_ids:
        piece = model.pieces[index].piece
        assert pairs.get(piece, set()) == set(splits(piece, scores)), piece


def test_every_character_of_a_new_piece_is_a_piece(extension, model):
    pieces = {piece.piece for piece in model.pieces}
    for index in extension.new_ids:
        assert set(model.pieces[index].piece) <= pieces


def test_english_keeps_every_id(extension, model, english):
    old, new = extension.base.encode(english[:2000]), extension.tokenizer.encode(english[:2000])
    assert new == old
    before = SentencePieceProcessor(model_proto=extension.base.companions()[MODEL_NAME])
    after = SentencePieceProcessor(model_proto=model.SerializeToString())
    assert after.encode(english[:2000]) == before.encode(english[:2000])


def test_ids_before_the_first_new_one_belong_to_no_token_in_either_file(extension, model):
    size, first = extension.base.size, extension.base.size + GAP
    assert extension.new_ids.start == first
    assert sorted(i for i in extension.tokenizer.token_bytes if i >= size) == list(extension.new_ids)
    held = [extension.tokenizer.rust.id_to_token(index) for index in range(size, first)]
    assert held == [piece.piece for piece in model.pieces[size:first]]
    assert {piece.type for piece in model.pieces[size:first]} == {Kind.UNUSED}
    for index in extension.new_ids:
        assert model.pieces[index].type == Kind.NORMAL
        assert extension.tokenizer.rust.id_to_token(index) == model.pieces[index].piece
    assert len(model.pieces) == model.trainer_spec.vocab_size == extension.new_ids.stop


def test_special_tokens_and_templates_are_unchanged(extension, model, english):
    before, after = extension.base, extension.tokenizer
    for key in ("added_tokens", "post_processor", "normalizer", "decoder"):
        assert after.spec.get(key) == before.spec.get(key)
    for text in ("", "a", english[0]):
        assert after.rust.encode(text).ids == before.rust.encode(text).ids
        assert after.rust.encode(text, text).ids == before.rust.encode(text, text).ids
    old = parse_model(before.companions()[MODEL_NAME])
    assert list(model.pieces[: before.size]) == list(old.pieces)
    assert model.normalizer_spec == old.normalizer_spec


@pytest.mark.parametrize("extension", ["mistral_model", "mistral3_json"], indirect=True)
def test_a_tokenizer_read_from_its_directory_tokenizes_the_same(extension, verses, english, tmp_path):
    write_tokenizer(extension.tokenizer, tmp_path, tmp_path)
    again = read_tokenizer(tmp_path)
    lines = [*verses[:200], *english[:200]]
    assert again.encode(lines) == extension.tokenizer.encode(lines)
    if extension.base.model:
        (tmp_path / "tokenizer.json").unlink()
        assert read_tokenizer(tmp_path).encode(lines) == extension.tokenizer.encode(lines)


def test_hindi_pieces_in_llama_2_extend_across_vowel_signs(llama2_json, english):
    lines = hindi_lines()
    assert len({word for line in lines for word in line.split()}) > 200
    base, hindi = read_once(llama2_json), Alphabet(("Devanagari",))
    extension = extend_tokenizer(base, lines, hindi, TokenRequest(100), base.size + GAP, Quiet())
    assert failures(base, extension.tokenizer, hindi, Texts(lines, english[:500], adversarial=1000)) == {}
    assert " क्योंकि".encode() in extension.pieces, "the word in every sentence did not become a token"
    old, new = (sum(map(len, t.encode(lines))) for t in (base, extension.tokenizer))
    assert new < 0.65 * old
    model = parse_model(extension.tokenizer.companions()[MODEL_NAME])
    texts = [model.pieces[index].piece.replace("▁", " ") for index in extension.new_ids]
    assert without_prefix(model).encode(texts) == [[index] for index in extension.new_ids]
