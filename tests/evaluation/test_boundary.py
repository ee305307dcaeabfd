"""Likelihoods of continuations against the enumeration of all tokenizations."""

import itertools
import math

import numpy as np
import pytest

from vocabx.evaluation.boundary import Split, Vocabulary, continuation_scores, split_group

TEXTS = ["a", "b", "c", "ab", "bc", "abc", "ca", "bca"]
VOCABULARY = Vocabulary(dict(enumerate(text.encode() for text in TEXTS)))


@pytest.fixture
def model():
    """A bigram model over the tokens, and how it is asked: log p of each id in place of each token."""
    table = np.random.default_rng(0).normal(size=(len(TEXTS), len(TEXTS))) * 2
    logs = table - np.log(np.exp(table).sum(axis=1, keepdims=True))

    def ask(before, tokens):
        given = [*before, *tokens][len(before) - 1 : -1]
        return logs[given]

    return logs, ask


def merged(text):
    """The tokens of a text, the longest first: the tokenization."""
    found = []
    while text:
        index = max((i for i, one in enumerate(TEXTS) if text.startswith(one)), key=lambda i: len(TEXTS[i]))
        found.append(index)
        text = text[len(TEXTS[index]) :]
    return found


def likelihood(logs, before, tokens):
    return sum(logs[a, b] for a, b in itertools.pairwise([before, *tokens]))


def goes_on_with(logs, before, rest):
    """p that the text after `before` begins with `rest`: over every token that agrees, to any depth."""
    total = 0.0
    for index, text in enumerate(TEXTS):
        p = math.exp(logs[before, index])
        if text.startswith(rest):
            total += p
        elif rest.startswith(text):
            total += p * goes_on_with(logs, index, rest[len(text) :])
    return total


@pytest.mark.parametrize(
    ("context", "continuations"),
    [("abbc", ["a", "ca", "b"]), ("cab", ["c", "ca", "a"]), ("cbc", ["a", "ab", "b"]), ("aab", ["cca", "c"])],
)
def test_a_straddled_continuation_has_the_probability_of_its_text(model, context, continuations):
    logs, ask = model
    split = split_group(merged(context), [merged(context + one) for one in continuations])
    assert any(split.straddled) and split.head
    rest = context[sum(len(TEXTS[i]) for i in split.head) :]
    covered = math.log(goes_on_with(logs, split.head[-1], rest))
    found = continuation_scores(split, VOCABULARY, ask)
    for one, (score, _) in zip(continuations, found, strict=True):
        whole = likelihood(logs, split.head[-1], merged(context + one)[len(split.head) :])
        # The cover at hand leaves out tokenizations that neither text has, so the score is no lower.
        assert whole - covered - 1e-9 <= score <= 0
        assert score == pytest.approx(whole - at_hand(logs, split, rest))


def at_hand(logs, split, rest):
    """The cover over the tokenizations of a group, by its definition."""
    starts = {()}
    for tokens in (split.context, *split.joint):
        for size in range(1, len(tokens) + 1):
            text = "".join(TEXTS[i] for i in tokens[:size])
            if len(text) >= len(rest):
                break
            starts.add(tokens[:size])
    total = 0.0
    for start in starts:
        left = rest[sum(len(TEXTS[i]) for i in start) :]
        ends = sum(
            math.exp(likelihood(logs, split.head[-1], [*start, i]))
            for i, text in enumerate(TEXTS)
            if text.startswith(left)
        )
        total += ends
    return math.log(total)


def test_the_probabilities_of_all_next_tokens_sum_to_one(model):
    _, ask = model
    # Whatever begins with the last byte of the context ends the cover.
    joint = [(i,) for i, text in enumerate(TEXTS) if text.startswith("b")]
    found = continuation_scores(Split((0,), (1,), tuple(joint)), VOCABULARY, ask)
    assert sum(math.exp(score) for score, _ in found) == pytest.approx(1)


def test_choices_of_one_context_differ_as_their_whole_texts_do(model):
    logs, ask = model
    context, choices = "cab", ["c", "ca", "a"]
    split = split_group(merged(context), [merged(context + one) for one in choices])
    scores = [score for score, _ in continuation_scores(split, VOCABULARY, ask)]
    wholes = [likelihood(logs, 6, merged(context + one)[1:]) for one in choices]
    for i, j in itertools.combinations(range(3), 2):
        assert scores[i] - scores[j] == pytest.approx(wholes[i] - wholes[j])


def test_a_continuation_within_the_last_token_is_scored(model):
    logs, ask = model
    split = split_group(merged("cab"), [merged("cabc")])
    assert split == Split((6,), (1,), ((4,),))
    ((score, _),) = continuation_scores(split, VOCABULARY, ask)
    fitting = [1, 4, 7]
    assert score == pytest.approx(logs[6, 4] - np.log(np.exp(logs[6, fitting]).sum()))


def test_what_does_not_straddle_is_told_from_what_does():
    split = split_group([0, 1], [[0, 1, 2], [0, 4, 2], [3]])
    assert split == Split((), (0, 1), ((0, 1, 2), (0, 4, 2), (3,)))
    assert split.straddled == (False, True, True)
    assert split_group([0, 1], [[0, 1, 2]]) == Split((0, 1), (), ((2,),))
    assert split_group([0, 1], [[0, 1, 2]]).straddled == (False,)


@pytest.mark.parametrize("order", [list(range(8)), [4, 7, 1, 0, 2, 3, 5, 6]])
def test_greedy_is_what_is_most_probable_among_tokens_that_agree_with_the_context(order):
    logits = np.zeros((8, 8))
    # After "ca": ids by falling probability; only b, bc and bca agree with a context that goes on with b.
    logits[6, order] = -np.arange(8.0)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    split = Split((6,), (1,), ((1, 2), (4,), (7,)))
    found = continuation_scores(split, VOCABULARY, lambda before, tokens: logs[[6, *tokens][:-1]])
    first = next(i for i in order if i in (1, 4, 7))
    assert [greedy for _, greedy in found] == [
        # After "b", which ends the context, the first of equal ids is not 2.
        False,
        first == 4,
        first == 7,
    ]


def test_tokens_are_found_by_what_they_begin_with():
    tokens = {0: b"\xff", 1: b"\xff\xff\xff", 2: b"\xfe", 3: b"a", 4: b"ab", 5: b"ab", 9: b"b"}
    vocabulary = Vocabulary(tokens)
    for rest in (b"\xff", b"\xff\xff", b"a", b"ab", b"abc", b"b", b"zz"):
        assert sorted(vocabulary.beginning_with(rest)) == [i for i, t in tokens.items() if t.startswith(rest)]
        agreeing = [i for i, t in tokens.items() if t.startswith(rest) or rest.startswith(t)]
        assert sorted(vocabulary.agreeing_with(rest)) == agreeing
    assert Vocabulary({}).beginning_with(b"a").size == 0
