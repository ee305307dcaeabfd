import copy
import json
import unicodedata
from collections import Counter
from itertools import groupby

import pytest

from vocabx.commands.inspect.measure import inspect_tokenizer
from vocabx.corpus.languages import find_language
from vocabx.tokenizer.read_tokenizer import read_tokenizer

HINDI = (
    "नदी के किनारे बैठे बच्चे कहानियाँ सुनते हैं।",
    "किसान सुबह खेत में काम करता है और शाम को घर लौटता है।",
    "क्\u200dषेत्र में नई सड़क बनी है, जिससे गाँव के लोग खुश हैं।",
)
TAMIL = (
    "காலையில் மழை பெய்தது, பிறகு வெயில் வந்தது.",
    "குழந்தைகள் மரத்தின் நிழலில் விளையாடுகிறார்கள்.",
)
THAI = (
    "วันนี้อากาศดีมาก เราจึงเดินไปตลาดด้วยกัน",
    "เด็กๆ กินข้าวแล้วอ่านหนังสือใต้ต้นไม้ใหญ่",
)
NAMES = {"hi": "DEVANAGARI", "ta": "TAMIL", "th": "THAI"}
ZH = find_language("zh-Hant")


@pytest.fixture(scope="session")
def real(request):
    """A function that reads one of the real tokenizers by the name of its fixture, once."""
    read = {}

    def tokenizer(name):
        if name not in read:
            found = request.getfixturevalue(name)
            read[name] = found if name == "base" else read_tokenizer(found)
        return read[name]

    return tokenizer


def is_letter(character):
    """A letter of the tests' Chinese, by its Unicode name."""
    name = unicodedata.name(character, "")
    return character in "々〻" or name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY I", "BOPOMOFO LETTER"))


def words_of(texts, script):
    """Runs of a script's letters and marks, joiners with them, one character at a time."""
    words = []
    for text in texts:
        word = ""
        for character in text + " ":
            of_script = unicodedata.name(character, "").startswith(script)
            if (of_script and unicodedata.category(character)[0] in "LM") or (word and character == "\u200d"):
                word += character
            elif word:
                words.append(word)
                word = ""
    return words


@pytest.mark.parametrize("name", ["base", "gpt2_json", "llama2_json", "t5_json", "bert_json", "qwen_json"])
def test_the_tokens_of_a_text_are_those_of_its_lines(real, verses, name):
    texts = verses[:200]
    found = inspect_tokenizer(real(name), texts, ZH)
    assert found.tokens == sum(len(real(name).encode([text])[0]) for text in texts)
    assert found.characters == len("".join(texts))
    assert found.bytes == len("".join(texts).encode())
    assert found.ratios["characters_per_token"] == pytest.approx(found.characters / found.tokens)
    assert found.ratios["bytes_per_token"] == pytest.approx(found.bytes / found.tokens)


def test_words_are_counted_only_in_languages_with_spaces(base, verses, english):
    found = inspect_tokenizer(base, english[:300], find_language("en"))
    words = sum(len(line.split()) for line in english[:300])
    assert found.spaced_words == words
    assert found.ratios["tokens_per_word"] == pytest.approx(found.tokens / words)
    assert inspect_tokenizer(base, verses[:5], ZH).ratios["tokens_per_word"] is None


@pytest.mark.parametrize("name", ["base", "gpt2_json"])
def test_a_split_character_counts_once_and_each_of_its_parts_as_a_token(real, verses, name):
    tokenizer, texts = real(name), [*verses[:200], "naïve 🦙🦙 𠮷野家\n"]
    split = partial = 0
    for text in texts:
        boundaries, place = set(), 0
        for index in tokenizer.encode([text])[0]:
            data = tokenizer.token_bytes[index]
            place += len(data)
            boundaries.add(place)
            partial += data.decode(errors="replace").encode() != data
        start = 0
        for character in text:
            end = start + len(character.encode())
            split += any(start < boundary < end for boundary in boundaries)
            start = end
    found = inspect_tokenizer(tokenizer, texts, ZH)
    assert (found.split_characters, found.partial_tokens) == (split, partial)
    assert 0 < found.ratios["split_character_share"] < 1
    assert 0 < found.ratios["partial_token_share"] < 1


def test_a_newline_in_a_byte_fallback_piece_is_a_whole_character(real, verses):
    vocabulary = real("llama2_json").vocabulary
    texts = [f"{verse}\n" for verse in verses[:200]]
    spelled = [c for text in texts for c in text if c not in vocabulary and c != "\n"]
    found = inspect_tokenizer(real("llama2_json"), texts, ZH)
    assert found.split_characters == len(spelled)
    assert found.partial_tokens == sum(len(c.encode()) for c in spelled)


@pytest.mark.parametrize("name", ["t5_json", "bert_json"])
def test_each_character_without_a_token_counts_as_lost_to_the_unknown_token(real, verses, name):
    tokenizer = real(name)
    lost = sum(tokenizer.unknown_id in tokenizer.encode([c])[0] for verse in verses[:200] for c in verse)
    found = inspect_tokenizer(tokenizer, verses[:200], ZH)
    assert found.unknown_characters == lost > 0
    assert found.ratios["unknown_share"] == pytest.approx(lost / found.characters)


@pytest.mark.parametrize("name", ["base", "llama2_json"])
def test_families_with_byte_fallback_lose_nothing(real, verses, name):
    assert inspect_tokenizer(real(name), verses[:50], ZH).unknown_characters == 0


@pytest.mark.parametrize("name", ["base", "llama2_json", "t5_json", "bert_json"])
def test_letters_with_a_token_of_their_own(real, verses, name):
    tokenizer = real(name)

    def single(letter):
        if tokenizer.family == "byte-level BPE":
            return len(tokenizer.encode([letter])[0]) == 1
        return letter in tokenizer.vocabulary

    counts = Counter(c for verse in verses for c in verse if is_letter(c))
    found = inspect_tokenizer(tokenizer, verses, ZH).letters
    assert found.distinct == len(counts)
    assert found.occurrences == counts.total()
    assert found.single == sum(map(single, counts))
    assert found.single_occurrences == sum(n for c, n in counts.items() if single(c))
    others = [n for c, n in counts.most_common() if not single(c)]
    assert [n for _, n in found.missing] == others[:20]
    assert all(counts[c] == n and not single(c) for c, n in found.missing)


def test_a_capital_that_the_normalizer_lowercases_has_a_token(real):
    found = inspect_tokenizer(real("bert_json"), ["ABC abc Äé"], find_language("en")).letters
    assert (found.distinct, found.single) == (8, 8)


def test_letters_that_the_normalizer_isolates_are_counted(real, base, verses):
    found = inspect_tokenizer(real("bert_json"), verses[:50], ZH)
    assert found.letters.apart_occurrences == sum(is_letter(c) for verse in verses[:50] for c in verse)
    assert inspect_tokenizer(base, verses[:50], ZH).letters.apart_occurrences == 0


def test_a_token_that_no_merge_makes_is_unreachable(base):
    spec = copy.deepcopy(base.spec)
    spec["model"]["vocab"]["Ġunmergeable"] = base.size
    found = inspect_tokenizer(type(base)(spec), ["文"], ZH).vocabulary
    before = inspect_tokenizer(base, ["文"], ZH).vocabulary
    assert found.unreachable == before.unreachable + 1
    assert found.checked == before.checked + 1
    assert " unmergeable" in found.unreachable_examples


def test_byte_fallback_pieces_are_not_called_unreachable(real):
    found = inspect_tokenizer(real("llama2_json"), ["文"], ZH).vocabulary
    assert found.unreachable == 0
    assert found.checked == found.tokens - 256


def test_unreachable_tokens_that_share_a_text_are_shown_as_pieces(real):
    bert = real("bert_json")
    found = inspect_tokenizer(bert, ["文"], ZH).vocabulary
    reserved = [piece for piece in bert.vocabulary if piece.startswith("[unused")]
    # Chinese characters are isolated as words, so none continues a word.
    inside = [piece for piece in bert.vocabulary if piece.startswith("##") and is_letter(piece[2])]
    assert found.unreachable >= len(reserved) + len(inside) > 1000
    assert any(example.startswith("##") for example in found.unreachable_examples)
    assert 10 < len(found.unreachable_examples) <= 20


@pytest.mark.parametrize(("tag", "texts"), [("hi", HINDI), ("ta", TAMIL), ("th", THAI)])
@pytest.mark.parametrize("name", ["gpt2_json", "base"])
def test_words_are_split_between_letters_and_marks(real, name, tag, texts):
    words = words_of(texts, NAMES[tag])
    split = Counter()
    for word in words:
        groups = groupby(word, key=lambda c: unicodedata.category(c).startswith("L"))
        split[tuple("".join(group) for _, group in groups)] += 1
    split = Counter({parts: n for parts, n in split.items() if len(parts) > 1})
    found = inspect_tokenizer(real(name), texts, find_language(tag))
    assert found.words.total == len(words)
    assert found.words.split == split.total() > 0
    assert all(split[parts] == n for parts, n in found.words.examples)
    assert [n for _, n in found.words.examples] == sorted(split.values(), reverse=True)[:10]


@pytest.mark.parametrize("name", ["gpt2_json", "base", "qwen_json"])
@pytest.mark.parametrize(("tag", "texts"), [("hi", HINDI), ("ta", TAMIL), ("th", THAI)])
def test_an_adapted_pre_tokenizer_splits_no_word(real, name, tag, texts):
    found = inspect_tokenizer(real(name), texts, find_language(tag))
    assert found.words.split_adapted == 0
    assert found.ratios["split_word_share"] > found.ratios["split_word_share_adapted"] == 0


def test_no_adapted_pre_tokenizer_is_tried_if_no_word_is_split(base, verses):
    found = inspect_tokenizer(base, verses[:200], ZH).words
    assert found.total > 200
    assert (found.split, found.split_adapted, found.examples) == (0, None, ())


@pytest.mark.parametrize("name", ["llama2_json", "t5_json"])
def test_families_that_split_at_spaces_or_nowhere_split_no_word(real, name):
    # T5's normalizer turns the joiner into a space.
    texts = [text for text in HINDI if "\u200d" not in text]
    found = inspect_tokenizer(real(name), texts, find_language("hi")).words
    assert (found.split, found.total) == (0, len(words_of(texts, "DEVANAGARI")))


def test_marks_that_the_normalizer_removes_are_counted(real):
    categories = Counter(map(unicodedata.category, unicodedata.normalize("NFD", "".join(HINDI))))
    found = inspect_tokenizer(real("bert_json"), HINDI, find_language("hi"))
    assert found.marks == categories["Mn"] + categories["Mc"]
    assert found.marks_removed == categories["Mn"] > 0
    for name in ("base", "t5_json", "llama2_json"):
        assert inspect_tokenizer(real(name), HINDI, find_language("hi")).marks_removed == 0


@pytest.mark.parametrize("name", ["base", "llama2_json", "qwen_json"])
def test_tokens_of_the_language_are_counted(real, chinese, name):
    tokenizer = real(name)
    lengths = []
    for data in tokenizer.token_bytes.values():
        if chinese.allows_token(data):
            whole = data.removeprefix(b" ").decode(errors="ignore")
            lengths += [len(whole)] * any(map(is_letter, whole))
    found = inspect_tokenizer(tokenizer, ["文"], ZH).vocabulary
    assert found.of_language == len(lengths) > 0
    assert found.of_language_long == sum(length > 1 for length in lengths)


def test_an_empty_text_is_measured(base):
    found = inspect_tokenizer(base, [], ZH)
    assert found.tokens == found.words.total == found.letters.distinct == 0


def test_the_inspection_is_plain_data(base):
    found = inspect_tokenizer(base, HINDI, find_language("hi"))
    data = json.loads(json.dumps(found.to_dict()))
    assert data["tokens"] == found.tokens
    assert data["words"]["examples"][0][0] == list(found.words.examples[0][0])
    assert data["ratios"] == found.ratios


def test_progress_counts_every_text_and_every_token_once(base):
    done = []
    inspect_tokenizer(base, HINDI, find_language("hi"), done.append)
    assert sum(done) == len(HINDI) + len(base.token_bytes)
