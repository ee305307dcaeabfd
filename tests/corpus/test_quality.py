"""What `--quality` leaves out, and what it keeps."""

import json
import random
import re
from pydoc_data.topics import topics

import pytest

from vocabx.corpus.dropped import FILE
from vocabx.corpus.languages import find_language
from vocabx.corpus.quality import LARGE, with_quality
from vocabx.corpus.quality_options import QualityOptions
from vocabx.corpus.source import note_other_language, user_source
from vocabx.errors import CorpusError
from vocabx.progress import Quiet

ENGLISH, GERMAN, HANT = find_language("en"), find_language("de"), find_language("zh-Hant")
ON = QualityOptions(wanted=True)
RUSSIAN = (
    "Вчера вечером мы долго говорили о погоде и о том, почему дороги зимой бывают такими скользкими. "
    "Никто не хотел ехать домой первым, и потому все остались до утра, пили чай и слушали старые песни."
)
TRADITIONAL = (
    "憲法法庭審理人民聲請案件時，應先就其聲請是否合法加以審查；聲請不合法者，以裁定駁回之。"
    "本件聲請人主張，其於民國九十八年間因買賣土地，經主管機關認定為虛偽交易，遭追繳稅款並處以罰鍰，"
    "經依法提起行政訴訟，遞經判決敗訴確定，乃認為確定終局判決所適用之法律牴觸憲法第十五條保障人民財產權之意旨，"
    "爰聲請解釋。查該條文規定之目的，在於防止納稅義務人藉由非常規之交易安排規避其應負擔之稅捐，以維護租稅公平，"
    "其手段與目的之間具有合理關聯，與憲法尚無違背。聲請人其餘主張，僅係爭執法院認事用法之當否，並非具體指摘其有何違憲之處。"
)


@pytest.fixture(scope="module")
def english() -> list[str]:
    """Sixty passages of about 800 characters, none of which repeats another: words in random order."""
    words = [word for name in sorted(topics) for word in topics[name].split() if word.isalpha()]
    random.Random(0).shuffle(words)
    return [" ".join(words[at : at + 140]) for at in range(0, 140 * 60, 140)]


def write(tmp_path, texts, name="a.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def kept_of(path, language=ENGLISH, options=ON):
    source = with_quality(user_source([str(path)], "text", ""), language, options)
    return [document.text for document in source.open()], source.dropped


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("Too short to be worth a place.", "short"),
        ("\n".join(["a menu", "of links", "log in"] * 30), "short lines"),
        (RUSSIAN * 2, "other script"),
        ("Buy our best shoes now at half the price. " * 30, "repetitive"),
    ],
)
def test_each_rule_drops_its_document_and_counts_it(tmp_path, english, bad, rule):
    kept, dropped = kept_of(write(tmp_path, [*english[:20], bad, *english[20:40]]))
    assert kept == english[:40]
    assert dict(dropped.counts) == {rule: 1}
    assert "1 of 41 documents" in dropped.sentence() and f"1 as {rule}" in dropped.sentence()


def test_a_document_in_another_language_of_the_same_script_is_dropped_by_name(tmp_path, english):
    german = (
        "Gestern Abend sprachen wir lange über das Wetter und darüber, warum die Straßen im Winter so glatt "
        "sind. Niemand wollte als Erster nach Hause fahren, und deshalb blieben alle bis zum Morgen, tranken "
        "Tee und hörten alte Lieder, die sie schon als Kinder gekannt hatten."
    )
    kept, dropped = kept_of(write(tmp_path, [*english[:5], german]))
    assert kept == english[:5]
    dropped.write(tmp_path)
    [entry] = map(json.loads, (tmp_path / FILE).read_text().splitlines())
    assert (entry["rule"], entry["detail"], entry["text"]) == ("other language", "German", german)


def test_traditional_chinese_is_kept(tmp_path):
    kept, dropped = kept_of(write(tmp_path, [TRADITIONAL]), HANT)
    assert kept == [TRADITIONAL] and not dropped.counts


def test_near_copies_are_dropped_and_their_originals_kept(tmp_path, english):
    rng = random.Random(1)

    def changed(text):
        words = text.split()
        for _ in range(5):
            words[rng.randrange(len(words))] = "another"
        return " ".join(words)

    copies = [changed(text) for text in english[:30]]
    kept, dropped = kept_of(write(tmp_path, [*english, *copies]))
    assert kept == english
    assert dropped.counts == {"near-duplicate": 30}


def test_lines_that_recur_in_many_documents_are_removed_from_later_ones(tmp_path, english):
    notice = "All rights reserved. Subscribe to our newsletter."
    kept, dropped = kept_of(write(tmp_path, [f"{text}\n{notice}" for text in english]))
    assert [text.partition("\n")[0] for text in kept] == english
    assert sum(notice in text for text in kept) == 10
    assert dropped.lines == 50


def test_paragraphs_of_a_text_file_are_not_dropped_for_their_length(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("It rained.\n\nNobody went out.\n\nThe roads were empty until the evening.\n")
    kept, dropped = kept_of(path)
    assert len(kept) == 3 and not dropped.counts


def test_the_result_does_not_depend_on_how_documents_are_divided_among_files(tmp_path, english):
    texts = [*english, *(text.replace("the", "this") for text in english[:20]), "short"] * 2
    whole, dropped = kept_of(write(tmp_path, texts))
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, start in enumerate(range(0, len(texts), 7)):
        write(parts, texts[start : start + 7], f"{number:03}.jsonl")
    divided, dropped_of_parts = kept_of(parts)
    assert divided == whole
    assert dropped_of_parts.counts == dropped.counts


def test_a_second_pass_gives_the_same_documents_and_counts(tmp_path, english):
    path = write(tmp_path, [*english, *english[:10], "short"])
    source = with_quality(user_source([str(path)], "text", ""), ENGLISH, ON)
    passes = [([document.text for document in source.open()], dict(source.dropped.counts)) for _ in range(2)]
    assert passes[0] == passes[1]


def test_a_text_of_which_nothing_is_left_is_refused_with_the_rule_and_what_it_is(tmp_path):
    with pytest.raises(CorpusError) as refused:
        kept_of(write(tmp_path, [f"{RUSSIAN} {number} {RUSSIAN}" for number in range(3)]))
    assert "drops 3 as other script" in str(refused.value)
    assert "Russian (Cyrillic script)" in str(refused.value)


def test_only_large_texts_are_judged_by_default(tmp_path, english, monkeypatch):
    path = write(tmp_path, [*english, "short"])
    source = user_source([str(path)], "text", "")
    assert with_quality(source, ENGLISH, QualityOptions()) is source
    monkeypatch.setattr("vocabx.corpus.quality.LARGE", path.stat().st_size - 1)
    assert LARGE == 50_000_000
    large = with_quality(source, ENGLISH, QualityOptions())
    assert [document.text for document in large.open()] == english
    assert with_quality(source, ENGLISH, QualityOptions(wanted=False)) is source


# KenLM is compiled where it is installed, so that `make test-slow` alone installs it.
@pytest.mark.slow
def test_documents_are_ranked_by_an_n_gram_model(tmp_path, english):
    # A unigram model in which "alpha" is likely, and every other word is not.
    model = tmp_path / "model.arpa"
    model.write_text(
        "\\data\\\nngram 1=4\nngram 2=1\n\n\\1-grams:\n-4\t<unk>\t0\n"
        "-99\t<s>\t0\n-1\t</s>\t0\n-0.1\talpha\t0\n\n"
        "\\2-grams:\n-0.1\t<s> alpha\n\n\\end\\\n"
    )
    good = [f"{'alpha ' * 3}{text}".replace(" of ", " alpha ").replace(" is ", " alpha ") for text in english]
    better = [re.sub(r"\b[a-m]\w+", "alpha", text, count=40) for text in english[:30]]
    options = QualityOptions(model=str(model), share=0.5)
    kept, dropped = kept_of(write(tmp_path, [*better, *good[30:]]), options=options)
    assert set(kept) == {*better}
    assert dropped.counts["high perplexity"] == 30


@pytest.mark.slow
def test_a_file_that_is_no_n_gram_model_is_refused(tmp_path, english):
    path = write(tmp_path, english)
    for model, said in ((tmp_path / "none.arpa", "no such n-gram model"), (path, "is no model of KenLM")):
        with pytest.raises(CorpusError, match=said):
            kept_of(path, options=QualityOptions(model=str(model)))


def test_a_text_in_another_language_than_asked_for_is_named(tmp_path, english):
    notes = []

    class Notes(Quiet):
        def note(self, text):
            notes.append(text)

    note_other_language("\n".join(english), GERMAN, Notes())
    note_other_language("\n".join(english), ENGLISH, Notes())
    assert len(notes) == 1 and "English rather than German" in notes[0]
