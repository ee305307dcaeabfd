"""WordPiece on the real uncased BERT: single Chinese characters, and Russian words with ## continuations."""

import random

import pytest
from real_tokenizers import read_once

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

GAP = 100
CYRILLIC = Alphabet(("Cyrillic",))

WHO = """
дети ученики рабочие инженеры врачи актёры журналисты солдаты матросы крестьяне торговцы ремесленники
учёные спортсмены туристы родители братья сёстры друзья гости соседи художники музыканты учителя рыбаки
лесники строители садовники водители повара профессора студенты охотники пастухи переводчики пожарные
пассажиры
""".split()
WHEN = """
утром вечером вчера сегодня зимой летом осенью весной однажды недавно внезапно постепенно осторожно
медленно быстро позавчера накануне ежедневно
""".split()
WHERE = """
в_школе на_стадионе возле_фонтана за_городом под_горой у_берега в_театре на_выставке среди_холмов
около_станции в_порту на_заводе перед_собором в_теплице на_перекрёстке у_подножия в_подвале на_чердаке
в_столовой на_пристани
""".split()
DID = """
построили нашли потеряли купили продали нарисовали показали закрыли украсили измерили описали сохранили
выбрали забыли получили отправили подняли починили покрасили обсудили перевернули освободили расставили
собрали спасли
""".split()
HOW = """
старую новую деревянную каменную красную зелёную тяжёлую лёгкую маленькую большую странную прекрасную
забытую круглую длинную разноцветную старинную серебряную подробную знаменитую
""".split()
WHAT = """
книгу лампу картину дорогу лодку стену башню крепость песню монету карту газету тетрадь комнату площадку
машину тележку корзину лестницу скамейку мельницу табличку ограду вывеску карусель оранжерею пристройку
подводную_лодку посылку гитару скрипку крышу калитку
""".split()
WHY = """
начинается_праздник приближается_гроза наступает_вечер заканчивается_работа тает_последний_лёд
дует_сильный_ветер светит_яркое_солнце падают_жёлтые_листья возвращаются_перелётные_птицы
темнеет_вечернее_небо открывается_ярмарка прибывает_скорый_поезд просыпается_целый_город
замерзает_широкая_река звонит_церковный_колокол
""".split()


def russian_lines() -> list[str]:
    """Random sentences from lists of words."""
    draw = random.Random(2)

    def sentence() -> str:
        who, when, where, did, how, what, why = map(draw.choice, (WHO, WHEN, WHERE, DID, HOW, WHAT, WHY))
        return f"{who.capitalize()} {when} {where} {did} {how} {what}, потому что {why}.".replace("_", " ")

    return [sentence() for _ in range(500)]


@pytest.fixture(scope="module")
def base(bert_json):
    return read_once(bert_json)


@pytest.fixture(scope="module")
def chinese_extension(base, verses, chinese):
    return extend_tokenizer(base, verses[:1500], chinese, TokenRequest(1000), base.size + GAP, Quiet())


@pytest.fixture(scope="module")
def russian_extension(base):
    return extend_tokenizer(base, russian_lines(), CYRILLIC, TokenRequest(200), base.size + GAP, Quiet())


@pytest.fixture(scope="module", params=["chinese_extension", "russian_extension"])
def extension(request):
    return request.getfixturevalue(request.param)


def failures(base, extended, alphabet, texts):
    claims = verify(base, extended, alphabet, texts).claims
    return {claim.name: claim.examples for claim in claims if claim.required and claim.failed}


def unknown_share(tokenizer, lines):
    ids = [index for row in tokenizer.encode(lines) for index in row]
    return ids.count(tokenizer.unknown_id) / len(ids)


def test_every_required_claim_holds_for_chinese(chinese_extension, chinese, verses, english):
    texts = Texts(verses[:1500], english[:1000], adversarial=2500)
    assert failures(chinese_extension.base, chinese_extension.tokenizer, chinese, texts) == {}


def test_every_required_claim_holds_for_russian(russian_extension, english):
    texts = Texts(russian_lines(), english[:500], adversarial=1000)
    assert failures(russian_extension.base, russian_extension.tokenizer, CYRILLIC, texts) == {}


def test_each_new_chinese_token_is_one_character(chinese_extension):
    new = [chinese_extension.tokenizer.id_to_piece[index] for index in chinese_extension.new_ids]
    assert all(len(piece) == 1 for piece in new)
    for piece, index in zip(new, chinese_extension.new_ids, strict=True):
        assert chinese_extension.tokenizer.encode([f"在{piece}中"])[0][1:-1] == [index], (
            "never occurs in text"
        )


def test_chinese_that_was_unknown_to_the_base_decodes_to_itself(chinese_extension, verses):
    base, extended = chinese_extension.base, chinese_extension.tokenizer
    assert unknown_share(base, verses[:1500]) > 0.3
    assert unknown_share(extended, verses[:1500]) < 0.05
    read = [verse for verse in verses[:1500] if extended.unknown_id not in extended.encode([verse])[0]]
    assert len(read) > 500
    for verse in read:
        assert extended.canonical(extended.decode(extended.encode([verse])[0])) == extended.canonical(verse)


def test_new_tokens_begin_and_continue_russian_words(russian_extension):
    lines = russian_lines()
    assert len({word.strip(".,") for line in lines for word in line.split()}) > 200
    base, extended = russian_extension.base, russian_extension.tokenizer
    new = [extended.id_to_piece[index] for index in russian_extension.new_ids]
    usage = extended.usage(lines)[russian_extension.new_ids.start :]
    used = [piece for piece, count in zip(new, usage, strict=True) if count]
    inside = [piece for piece in used if piece.startswith("##")]
    whole = [piece for piece in used if len(piece) > 4 and not piece.startswith("##")]
    assert len(inside) > 10, "no continuation was learned and used"
    assert len(whole) > 50, "no word was learned and used"
    old_length, new_length = (sum(map(len, t.encode(lines))) for t in (base, extended))
    assert new_length < 0.4 * old_length


def test_no_token_contains_an_accent_that_the_normalizer_strips(russian_extension):
    # Uncased BERT turns й into и and ё into е before it looks for pieces.
    text = b"".join(russian_extension.pieces).decode()
    assert not set("йёЙЁ") & set(text)
    assert text == text.lower()


def test_every_new_token_is_reachable(extension):
    extended = extension.tokenizer
    for index in extension.new_ids:
        piece = extended.id_to_piece[index]
        # A continuation needs a word: "a" begins no piece with Cyrillic or Chinese letters.
        word, skipped = (f"a{piece[2:]}", 1) if piece.startswith("##") else (piece, 0)
        assert extended.encode([word])[0][skipped:] == [index], piece


def test_tokens_are_used(extension, verses):
    assert (extension.selection.usage > 0).mean() >= 0.98


def test_english_keeps_every_id(extension, english):
    assert extension.tokenizer.encode(english[:2000]) == extension.base.encode(english[:2000])


def test_ids_before_the_first_new_one_belong_to_no_token(extension):
    size = extension.base.size
    new = sorted(index for index in extension.tokenizer.token_bytes if index >= size)
    held = range(size, size + GAP)
    assert [extension.tokenizer.id_to_piece[i] for i in held] == [f"<vocabx unused {i}>" for i in held]
    assert new == list(extension.new_ids)
    assert extension.new_ids.start == size + GAP
    assert {i: extension.tokenizer.rust.id_to_token(i) for i in new} == {
        i: extension.tokenizer.id_to_piece[i] for i in new
    }


def test_special_tokens_and_templates_are_unchanged(extension, english):
    before, after = extension.base, extension.tokenizer
    for key in ("added_tokens", "post_processor", "normalizer", "pre_tokenizer", "decoder"):
        assert after.spec.get(key) == before.spec.get(key)
    assert {k: v for k, v in after.spec["model"].items() if k != "vocab"} == {
        k: v for k, v in before.spec["model"].items() if k != "vocab"
    }
    for text in ("", "a", english[0], "a [MASK] b"):
        assert after.rust.encode(text).ids == before.rust.encode(text).ids
        pair, old = after.rust.encode(text, "b"), before.rust.encode(text, "b")
        assert (pair.ids, pair.type_ids) == (old.ids, old.type_ids)


def test_line_numbers_of_vocab_txt_are_ids(base, verses, chinese, chinese_extension, tmp_path):
    gap = chinese_extension.tokenizer
    lines = gap.companions()["vocab.txt"].decode().splitlines()
    assert {piece: index for index, piece in enumerate(lines)} == gap.vocabulary
    dense = extend_tokenizer(base, verses[:500], chinese, TokenRequest(50), base.size, Quiet()).tokenizer
    write_tokenizer(dense, tmp_path, tmp_path)
    pieces = (tmp_path / "vocab.txt").read_text("utf-8").splitlines()
    assert {piece: index for index, piece in enumerate(pieces)} == dense.vocabulary
