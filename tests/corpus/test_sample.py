import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.corpus.clean import clean
from vocabx.corpus.document import Document
from vocabx.corpus.passages import passages
from vocabx.corpus.sample import Corpus, Sampler, sample_corpus
from vocabx.errors import CorpusError

ALL = 10**9
BUDGETS = st.sampled_from([0, 40, 4000, ALL])
SEEDS = st.integers(-(2**63), 2**63 - 1)


def random_corpus(seed: int, documents: int, lines: int, long: int) -> list[str]:
    """Documents of few distinct lines, so that some are shared; one in `long` lines exceeds a section."""
    chance = random.Random(seed)

    def line() -> str:
        text = "".join(chance.choices("甲乙丙丁。！ab ", k=chance.randint(0, 8)))
        return text * 700 if chance.random() * long < 1 else text

    texts = ["\n".join(line() for _ in range(chance.randint(0, lines))) for _ in range(documents)]
    return [*texts, "甲"]


CORPORA = st.builds(
    random_corpus, st.integers(0), st.integers(0, 40), st.integers(1, 20), st.integers(5, 2000)
)
few = settings(max_examples=60, deadline=None)


def documents(texts: list[str]) -> list[Document]:
    return [Document(text, "memory", 0) for text in texts]


def sample(texts: list[str], learn=ALL, heldout=ALL, seed=0, scripts=("Han",)) -> Corpus:
    return sample_corpus(documents(texts), scripts, learn, heldout, seed)


def size(texts) -> int:
    return sum(len(text.encode()) for text in texts)


def pieces(texts) -> set[str]:
    return {piece for text in texts for line in text.split("\n") for piece in passages(line, 1000)}


@pytest.fixture(scope="module")
def chapters(verses) -> list[str]:
    return ["\n".join(verses[i : i + 20]) for i in range(0, len(verses), 20)]


@few
@given(CORPORA, BUDGETS, BUDGETS, SEEDS)
def test_held_out_lines_never_reach_the_learning_text(texts, learn, heldout, seed):
    corpus = sample(texts, learn, heldout, seed)
    assert not pieces(corpus.heldout) & set(corpus.learning)


@few
@given(CORPORA, BUDGETS, SEEDS)
def test_no_more_than_a_tenth_is_held_out(texts, heldout, seed):
    corpus = sample(texts, heldout=heldout, seed=seed)
    assert size(corpus.heldout) <= corpus.bytes_read / 10
    assert corpus.bytes_read == size(map(clean, texts))


@few
@given(CORPORA, BUDGETS, BUDGETS, SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_change_the_sample(texts, learn, heldout, seed, chance):
    shuffled = chance.sample(texts, len(texts))
    assert sample(shuffled, learn, heldout, seed) == sample(texts, learn, heldout, seed)


def test_the_fate_of_a_line_shared_with_a_held_out_document_does_not_depend_on_the_order():
    texts = ["\n".join([*(f"第{i}篇第{j}行" for j in range(500)), "共有的一行"]) for i in range(25)]
    samples = [sample(texts[i:] + texts[:i], heldout=1) for i in range(25)]
    assert samples[0].heldout_whole_documents and "共有" not in samples[0].heldout[0]
    assert all(other == samples[0] for other in samples)


@few
@given(CORPORA, BUDGETS, BUDGETS, SEEDS)
def test_every_sampled_text_is_distinct_and_occurs_in_the_corpus(texts, learn, heldout, seed):
    corpus = sample(texts, learn, heldout, seed)
    whole = [clean(text) for text in texts]
    for sampled in (corpus.learning, corpus.heldout):
        assert len(set(sampled)) == len(sampled)
        assert all(any(text in document for document in whole) for text in sampled)
        assert all(set(text) & set("甲乙丙丁") for text in sampled)


@few
@given(CORPORA, SEEDS)
def test_a_line_is_removed_only_if_it_is_held_out(texts, seed):
    corpus = sample(texts, seed=seed)
    wanted = set(sample(texts, heldout=0).learning)
    lost = wanted - set(corpus.learning)
    if not corpus.heldout_whole_documents:
        assert lost <= pieces(corpus.heldout)
    if not corpus.heldout:
        assert not lost


@few
@given(CORPORA, SEEDS)
def test_a_smaller_sample_is_a_prefix_of_a_larger_one(texts, seed):
    small, large = (sample(texts, learn, 0, seed).learning for learn in (40, ALL))
    assert large[: len(small)] == small
    assert size(small[:-1]) < 40


def test_a_held_out_document_contributes_no_line_to_learning(chapters):
    corpus = sample(chapters, heldout=1000)
    assert corpus.heldout_whole_documents
    apart = {chapter for chapter in chapters for text in corpus.heldout if text in chapter}
    learned = set(corpus.learning)
    only_there = pieces(apart) - pieces(set(chapters) - apart)
    assert only_there and not only_there & learned


def test_real_held_out_text_has_about_the_requested_size(chapters):
    corpus = sample(chapters, heldout=12_000)
    assert 12_000 <= size(corpus.heldout) <= 18_000
    assert size(corpus.learning) > 0.8 * corpus.bytes_read


def test_a_small_corpus_keeps_nine_tenths_for_learning(verses):
    corpus = sample(["\n".join(verses[:40])])
    assert corpus.heldout
    assert size(corpus.heldout) <= corpus.bytes_read / 10
    assert size(corpus.learning) > 0.85 * corpus.bytes_read


def test_the_same_seed_draws_the_same_text_and_another_seed_another(chapters):
    one, again, two = (sample(chapters, 20_000, 6_000, seed) for seed in (1, 1, 2))
    assert one == again
    assert len(set(one.learning) & set(two.learning)) < len(one.learning) / 2
    assert set(one.heldout) != set(two.heldout)


def test_held_out_and_learning_text_are_drawn_independently():
    # With one key for both, the lines of lowest priority would be the sections of lowest priority.
    lines = [f"第{i}行" for i in range(5000)]
    corpus = sample(lines, heldout=500)
    everything = sample(lines, heldout=0).learning
    assert not set(everything[: len(corpus.heldout)]) >= set(corpus.heldout)


def test_the_sample_is_drawn_from_the_whole_stream():
    corpus = sample([f"第{i}行" for i in range(10_000)], learn=5_000, heldout=0)
    numbers = [int(line[1:-1]) for line in corpus.learning]
    assert 4_000 < sum(numbers) / len(numbers) < 6_000
    assert max(numbers) > 9_000


def test_a_repeated_line_is_learned_from_once():
    corpus = sample(["頁尾\n正文一", "頁尾\n正文二", "頁尾\n正文三"] * 50, heldout=0)
    assert sorted(corpus.learning) == sorted(["頁尾", "正文一", "正文二", "正文三"])


def test_a_line_in_another_script_is_not_learned_from():
    corpus = sample(["第一行\nplain English\n12345\n中 and Latin"], heldout=0)
    assert set(corpus.learning) == {"第一行", "中 and Latin"}


def test_a_corpus_without_the_script_is_refused():
    with pytest.raises(
        CorpusError, match=r"^the corpus holds no letter of Han script: check --lang"
    ) as caught:
        sample(["English only", "Ελληνικά"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("texts", [[], [""], ["\ufeff\n \n", "\x00"]])
def test_a_corpus_without_text_is_refused(texts):
    with pytest.raises(CorpusError, match=r"^the corpus holds no text"):
        sample(texts)


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [("ab中文", "Han", 0.5), ("हिन्दी में", "Devanagari", 1.0), ("ภาษาไทยที่นี่ abc", "Thai", 0.75)],
)
def test_the_share_of_the_script_counts_letters_and_not_marks(text, script, share):
    assert sample([text], scripts=[script]).script_share == pytest.approx(share, abs=0.05)


def test_progress_adds_up_to_the_bytes_of_every_file():
    stream = [
        Document("甲", "a", 10),
        Document("乙", "a", 25),
        Document("丙", "b", 7),
        Document("丁", "b", 9),
    ]
    steps: list[float] = []
    sample_corpus(stream, ["Han"], ALL, ALL, 0, steps.append)
    assert steps == [10, 15, 7, 2]


def test_memory_is_bounded_by_the_budget_and_not_by_the_corpus():
    def stream():
        for i in range(600):
            yield Document("\n".join(f"字{i}-{j}:" + "0123456789" * 90 for j in range(110)), "memory", 0)

    tracemalloc.start()
    corpus = sample_corpus(stream(), ["Han"], 200_000, 50_000, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert corpus.bytes_read > 59_000_000
    assert peak < 5_000_000


def test_memory_does_not_grow_with_the_number_of_documents():
    chance = random.Random(0)
    tracemalloc.start()
    corpus = sample_corpus(
        (Document(f"字{chance.random()}", "memory", i) for i in range(30_000)), ["Han"], 2_000, 2_000, 0
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert corpus.documents == 30_000
    # Most of it counts how often each character occurs.
    assert peak < 1_500_000


@few
@given(
    st.lists(st.text("天地人a b。\n", max_size=30), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_samples_of_parts_merge_to_that_of_the_whole(texts, random):
    whole, parts = (
        Sampler(["Han"], 40, 30, 1),
        [Sampler(["Han"], 40, 30, 1) for _ in range(3)],
    )
    texts = [*texts, "天"]
    for text in texts:
        whole.add(text)
        random.choice(parts).add(text)
    first, *others = parts
    for part in others:
        first.merge(part)
    assert first.corpus() == whole.corpus()
