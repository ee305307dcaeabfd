"""Byte-level BPE on real tokenizers that differ from SmolLM2's: GPT-2, RoBERTa, Llama 3 and Qwen."""

import json
import random

import pytest
from real_tokenizers import read_once
from tokenizers import Tokenizer

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_alphabet import from_alphabet, to_alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.verify import Texts, verify

BASES = ("gpt2_json", "roberta_json", "llama3_json", "qwen_json")
GAP = 100
TOKENS = 250

WHO = """
садовник рыбак художник учитель почтальон сосед пекарь моряк кузнец певец поэт лесник доктор пастух
портной фермер водитель студент профессор мельник охотник музыкант библиотекарь плотник часовщик
путешественник архитектор повар капитан строитель дровосек сапожник инженер журналист актёр судья
""".split()
WHEN = """
утром вечером днём ночью осторожно быстро медленно тихо громко радостно молча внимательно терпеливо
весело задумчиво иногда всегда редко снова наконец
""".split()
DOES = """
чинит находит покупает продаёт рисует читает несёт ищет прячет показывает открывает закрывает украшает
измеряет описывает хранит выбирает забывает получает отправляет поднимает ремонтирует разглядывает
перевозит упаковывает
""".split()
HOW = """
старый новый деревянный железный красный зелёный тяжёлый лёгкий маленький большой странный прекрасный
забытый круглый длинный бронзовый хрустальный шёлковый пёстрый
""".split()
WHAT = """
стол фонарь колокол ключ журнал сундук ковёр мост кувшин зонтик чемодан портрет дневник инструмент
подсвечник календарь самовар телефон глобус компас корабль парус мешок забор подарок букет пирог конверт
билет учебник фотоаппарат велосипед кораблик рюкзак кошелёк платок
""".split()
WHERE = """
в_саду на_площади у_реки в_музее на_вокзале под_мостом за_домом в_гавани на_рынке в_библиотеке
около_церкви в_мастерской на_горе среди_берёз у_окна в_кухне на_острове в_деревне за_холмом у_ворот
в_коридоре на_крыше в_поезде у_колодца в_погребе под_лестницей за_забором возле_мельницы на_балконе
""".split()
SHE = "девочка бабушка учительница певица королева соседка танцовщица хозяйка писательница медсестра".split()
ALSO = """
смеётся улыбается отдыхает работает танцует поёт молчит гуляет слушает ждёт вспоминает мечтает надеется
удивляется торопится дремлет плачет шепчет завтракает ужинает
""".split()


def russian_lines() -> list[str]:
    """Random sentences from lists of words."""
    draw = random.Random(3)

    def sentence() -> str:
        who, when, does, how, what, where = map(draw.choice, (WHO, WHEN, DOES, HOW, WHAT, WHERE))
        she, also, place = map(draw.choice, (SHE, ALSO, WHERE))
        line = f"{who.capitalize()} {when} {does} {how} {what} {where}, а {she} {place} {also}."
        return line.replace("_", " ")

    return [sentence() for _ in range(500)]


@pytest.fixture(scope="module", params=BASES)
def extension(request, verses, chinese):
    """A base with Chinese tokens, whose ids begin after a gap."""
    base = read_once(request.getfixturevalue(request.param))
    return extend_tokenizer(base, verses[:1000], chinese, TokenRequest(TOKENS), base.size + GAP, Quiet())


@pytest.fixture(scope="module")
def merging(extension):
    """The extension's model as it works inside a longer word, where Llama 3 too has only its merges."""
    return by_merges(extension.tokenizer)


def by_merges(tokenizer):
    spec = {**tokenizer.spec, "model": {**tokenizer.spec["model"], "ignore_merges": False}}
    return Tokenizer.from_str(json.dumps(spec)).model


def failures(base, extended, alphabet, texts):
    claims = verify(base, extended, alphabet, texts).claims
    return {claim.name: claim.examples for claim in claims if claim.required and claim.failed}


def test_every_required_claim_holds(extension, chinese, verses, english):
    texts = Texts(verses[:1000], english[:1000], adversarial=2500 if extension.base.size < 100_000 else 1000)
    assert failures(extension.base, extension.tokenizer, chinese, texts) == {}


def test_every_new_token_is_reachable_inside_a_longer_word(extension, merging):
    written = [extension.tokenizer.id_to_piece[index] for index in extension.new_ids]
    assert [[token.id for token in merging.tokenize(piece)] for piece in written] == [
        [index] for index in extension.new_ids
    ]


def test_new_tokens_are_used_and_shorten_the_text(extension, verses):
    usage = extension.tokenizer.usage(verses[:1000])[extension.new_ids.start :]
    assert (usage > 0).sum() >= 0.98 * TOKENS
    old, new = (sum(map(len, t.encode(verses[:1000]))) for t in (extension.base, extension.tokenizer))
    assert new < 0.9 * old


def test_english_keeps_every_id(extension, english):
    assert extension.tokenizer.encode(english[:2000]) == extension.base.encode(english[:2000])


def test_new_merges_follow_those_of_the_base_and_build_the_new_tokens(extension):
    base, after = extension.base.rules(), extension.tokenizer.rules()
    assert after[: len(base)] == base
    made = ["".join(rule.split(" ") if isinstance(rule, str) else rule) for rule in after[len(base) :]]
    new = [extension.tokenizer.id_to_piece[index] for index in extension.new_ids]
    assert [piece for piece in dict.fromkeys(made) if piece not in extension.base.vocabulary] == new
    assert [from_alphabet(piece) for piece in new] == list(extension.pieces)


def test_ids_before_the_first_new_one_belong_to_no_token(extension):
    size = extension.base.size
    assert extension.new_ids == range(size + GAP, size + GAP + TOKENS)
    rust = extension.tokenizer.rust
    # Of the alphabet of bytes, with one that UTF-8 never has: some readers take no other characters.
    names = [f"<vocabxÿunusedÿ{index}>" for index in range(size, size + GAP)]
    assert all(
        from_alphabet(name) == f"<vocabx\xffunused\xff{n}>".encode("latin-1")
        for n, name in zip(range(size, size + GAP), names, strict=True)
    )
    assert [rust.id_to_token(index) for index in range(size, size + GAP)] == names
    assert not set(range(size, size + GAP)) & extension.tokenizer.token_bytes.keys()
    assert not {i for ids in extension.tokenizer.encode(names) for i in ids} & set(range(size, size + GAP))
    for index in extension.new_ids:
        assert rust.token_to_id(extension.tokenizer.id_to_piece[index]) == index
    assert {
        piece: rust.token_to_id(piece) for piece in extension.base.vocabulary
    } == extension.base.vocabulary


def test_special_tokens_and_templates_are_unchanged(extension, english):
    before, after = extension.base, extension.tokenizer
    for key in ("added_tokens", "post_processor", "normalizer", "pre_tokenizer", "decoder"):
        assert after.spec.get(key) == before.spec.get(key)
    special = [token["content"] for token in before.spec["added_tokens"]]
    for text in ("", "a", english[0], f"a{special[0]}b {special[-1]}"):
        assert after.rust.encode(text).ids == before.rust.encode(text).ids
        assert after.rust.encode(text, "b").ids == before.rust.encode(text, "b").ids


@pytest.fixture
def bytes_alone():
    """A tokenizer of 256 bytes that looks up whole words before it merges, as Llama 3 does."""
    segmenter = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    vocabulary = {to_alphabet(bytes([byte])): byte for byte in range(256)}
    model = {"type": "BPE", "vocab": vocabulary, "merges": [], "ignore_merges": True}
    return ByteLevelTokenizer(
        {
            "version": "1.0",
            "added_tokens": [],
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": segmenter,
            "decoder": segmenter,
            "model": model,
        }
    )


def test_a_token_that_is_looked_up_as_a_word_is_built_by_merges_too(bytes_alone, chinese):
    """The first token's merge breaks up the second, which only the word lookup would still find."""
    donor = ["神天地".encode(), "創神天".encode()]
    extension = extend_tokenizer(bytes_alone, [], chinese, TokenRequest(donor=donor), 256, Quiet())
    merging = by_merges(extension.tokenizer)
    for token in donor:
        (index,) = (i for i, data in extension.tokenizer.token_bytes.items() if data == token)
        assert [part.id for part in merging.tokenize(extension.tokenizer.id_to_piece[index])] == [index]
        assert index in extension.tokenizer.encode([f"一{token.decode()}一"])[0]


def test_a_token_that_no_merge_builds_is_unreachable_although_it_is_looked_up(bytes_alone, chinese):
    vocabulary = {**bytes_alone.spec["model"]["vocab"], to_alphabet("神天".encode()): 256}
    model = {**bytes_alone.spec["model"], "vocab": vocabulary}
    extended = ByteLevelTokenizer({**bytes_alone.spec, "model": model})
    assert extended.encode(["神天", "一神天"])[0] == [256]
    certificate = verify(bytes_alone, extended, chinese, Texts(["神天"], ["a"], adversarial=50))
    (reachable,) = (claim for claim in certificate.claims if claim.name == "reachable")
    assert (reachable.checked, reachable.examples) == (1, ("神天 (id 256)",))
    assert not certificate.passed


def test_a_character_that_the_normalizer_replaces_becomes_no_token(bytes_alone, chinese):
    # As in Qwen: NFC replaces the compatibility ideograph U+F900 by the unified U+8C48.
    donor = ["\uf900".encode(), "神\uf900".encode(), "神天".encode()]
    extension = extend_tokenizer(bytes_alone, [], chinese, TokenRequest(donor=donor), 256, Quiet())
    assert "神天".encode() in extension.pieces
    assert not any("\uf900".encode() in token for token in extension.pieces)
    assert extension.donor_merges.dropped == 2


def test_russian_words_become_tokens_of_gpt_2(gpt2_json, english):
    lines = russian_lines()
    assert len({word.strip(".,") for line in lines for word in line.split()}) > 200
    base, cyrillic = read_once(gpt2_json), Alphabet(("Cyrillic",))
    extension = extend_tokenizer(base, lines, cyrillic, TokenRequest(150), base.size + GAP, Quiet())
    assert failures(base, extension.tokenizer, cyrillic, Texts(lines, english[:500], adversarial=1000)) == {}
    words = {f" {word.strip('.,')}".encode() for line in lines for word in line.split()}
    assert len(words & extension.pieces.keys()) > 5, "no whole words were learned"
    old, new = (sum(map(len, t.encode(lines))) for t in (base, extension.tokenizer))
    assert new < 0.55 * old
