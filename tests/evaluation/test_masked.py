"""Masked bits per byte, against a slow computation that hides and reads one unit at a time in float64."""

import json
import math

import numpy as np
import pytest
import torch
from small_encoders import small_encoder
from tokenizers import Tokenizer

from vocabx.errors import TokenizerError
from vocabx.evaluation.masked import GROUPS, MaskedScorer, frame_of, hidden_passes, unknown_nats
from vocabx.evaluation.spans import SpanScorer, sentinels_of, span_passes
from vocabx.evaluation.units import Encoded, common_units, encoded, units_of
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.vectors.words import word_spans

TEXT = "The naïve reader's 起初神創造天地, tokenization.\n  Unbelievable…"


@pytest.fixture(params=["bert", "roberta"])
def encoder(request, bert_json, roberta_json):
    """A small random encoder in float64 with a real tokenizer."""
    path = {"bert": bert_json, "roberta": roberta_json}[request.param]
    return small_encoder(request.param).double().eval(), read_tokenizer(path), path.parent


def oracle(model, tokenizer, frame, text, spans):
    """Bits of a text: for each token, the words of its group from it on are masked, and the model is read."""
    encoding = Tokenizer.from_str(json.dumps({**tokenizer.spec, "truncation": None, "padding": None})).encode(
        text, add_special_tokens=False
    )
    inside = [False] * (len(text) + 1)
    for start, end in [*spans, *encoding.offsets]:
        for place in range(start + 1, end):
            inside[place] = True
    unit, number = [], -1
    for place in range(len(text)):
        if place == 0 or not (inside[place] or text[place - 1].isspace()):
            number += 1
        unit.append(number)
    of = [unit[min(start, len(text) - 1)] for start, _ in encoding.offsets]
    bits = 0.0
    for target, index in enumerate(encoding.ids):
        place = [n for n in range(len(of)) if of[n] == of[target]].index(target)
        row = list(encoding.ids)
        for n in range(len(row)):
            mates = [m for m in range(len(of)) if of[m] == of[n]]
            if of[n] % GROUPS == of[target] % GROUPS and mates.index(n) >= place:
                row[n] = frame.mask
        ids = torch.tensor([[*frame.begin, *row, *frame.end]])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, len(frame.begin) + target]
        bits -= torch.log_softmax(logits.double(), -1)[index].item() / math.log(2)
        if index == tokenizer.unknown_id:
            start, end = encoding.offsets[target]
            bits += 8 * len(text[start:end].encode())
    return bits


@pytest.mark.parametrize("segmentation", ["spaces", "jieba", "none"])
def test_the_bits_are_those_of_each_word_from_left_to_right(encoder, segmentation):
    model, tokenizer, directory = encoder
    frame = frame_of(tokenizer, directory)
    scorer = MaskedScorer(tokenizer, frame, common_units([TEXT], segmentation, [tokenizer]))
    (score,) = scorer.scores(model, [[TEXT]])
    wanted = oracle(model, tokenizer, frame, TEXT, word_spans(TEXT, segmentation)) / len(TEXT.encode())
    assert score.whole == pytest.approx(wanted, rel=1e-5)
    assert score.start == pytest.approx(score.whole)


def span_oracle(model, tokenizer, sentinels, text, units, group):
    """Bits of the units of a group: the decoder is read once for each token that it predicts."""
    tokens = encoded(tokenizer, [text])[0]
    of = units.of_tokens(tokens.offsets).tolist()
    shown, target = [], []
    for index, unit in zip(tokens.ids, of, strict=True):
        if unit % GROUPS != group:
            shown.append(index)
            continue
        if not target or target[-1][1] != unit:
            number = len({unit for _, unit in target})
            shown.append(sentinels[number])
            target.append((sentinels[number], unit))
        target.append((index, unit))
    if not target:
        return 0.0
    row = [index for index, _ in target] + [sentinels[len({unit for _, unit in target})]]
    bits = 0.0
    for place in range(1, len(row)):
        with torch.no_grad():
            logits = model(
                input_ids=torch.tensor([[*shown, 1]]), decoder_input_ids=torch.tensor([[0, *row[:place]]])
            ).logits[0, -1]
        bits -= torch.log_softmax(logits.double(), -1)[row[place]].item() / math.log(2)
    return bits


@pytest.mark.parametrize("segmentation", ["spaces", "none"])
def test_the_bits_of_spans_are_those_of_each_word_and_its_end(t5_json, segmentation):
    model, tokenizer = small_encoder("t5").double().eval(), read_tokenizer(t5_json)
    units = common_units([TEXT], segmentation, [tokenizer])
    sentinels = sentinels_of(tokenizer, "t5")
    assert len(sentinels) == 100
    scorer = SpanScorer(tokenizer, frame_of(tokenizer, t5_json.parent), sentinels, units)
    (score,) = scorer.scores(model, [[TEXT]])
    wanted = sum(
        span_oracle(model, tokenizer, sentinels, TEXT, units[TEXT], group) for group in range(GROUPS)
    )
    unknown = unknown_nats(tokenizer, TEXT, encoded(tokenizer, [TEXT])[0]).sum() / math.log(2)
    assert score.whole == pytest.approx((wanted + unknown) / len(TEXT.encode()), rel=1e-5)


def test_there_are_more_groups_where_there_are_few_sentinels():
    passes = list(span_passes(range(100, 130), np.arange(30), (1, 2, 3)))
    assert len(passes) == 15 and all(len(one.target) == 5 for one in passes)
    hidden = sorted(index for one in passes for index in one.target if index >= 100)
    assert hidden == list(range(100, 130))


def test_a_tokenizer_without_sentinels_is_refused(bert_json):
    with pytest.raises(TokenizerError, match="has no sentinels"):
        sentinels_of(read_tokenizer(bert_json), "bert")


def test_each_token_is_predicted_once_with_all_that_follows_it_in_its_unit_hidden():
    units = np.repeat(np.arange(20), [1, 3, 2, 1, 5, 1, 1, 2, 1, 4, 1, 1, 1, 2, 3, 1, 1, 1, 2, 1])
    asked = []
    for hidden, predicted in hidden_passes(units):
        asked += predicted.tolist()
        assert set(predicted) <= set(hidden)
        # At most one unit in seven, and of each of them an end.
        assert len(set(units[hidden])) <= math.ceil(20 / GROUPS)
        for unit in set(units[hidden]):
            mine = np.flatnonzero(units == unit)
            kept = np.intersect1d(mine, hidden)
            assert kept.tolist() == mine[len(mine) - len(kept) :].tolist()
    assert sorted(asked) == list(range(len(units)))


def test_two_tokenizers_hide_the_same_text(bert_json, roberta_json):
    tokenizers = [read_tokenizer(path) for path in (bert_json, roberta_json)]
    units = common_units([TEXT], "spaces", tokenizers)[TEXT]
    places = {n for n in range(1, len(TEXT)) if units.of_character[n] != units.of_character[n - 1]}
    for tokenizer in tokenizers:
        alone = common_units([TEXT], "spaces", [tokenizer])[TEXT].of_character
        assert places <= {n for n in range(1, len(TEXT)) if alone[n] != alone[n - 1]}
    assert units.bytes(TEXT).sum() == len(TEXT.encode())


def test_a_token_across_two_words_makes_them_one_unit():
    text = "起初神創造"
    words = [(0, 2), (2, 3), (3, 5)]
    apart = units_of(text, words, [Encoded([1, 2, 3], words)])
    joined = units_of(text, words, [Encoded([1, 2], [(0, 3), (3, 5)])])
    assert apart.of_character.tolist() == [0, 0, 1, 2, 2]
    assert joined.of_character.tolist() == [0, 0, 0, 1, 1]


def test_an_empty_text_has_no_units():
    units = units_of("", [], [Encoded([], [])])
    assert units.of_character.tolist() == units.bytes("").tolist() == []


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("bert_json", ((101,), (102,), 103)),
        ("roberta_json", ((0,), (2,), 50264)),
        ("t5_json", ((), (1,), None)),
    ],
)
def test_the_ids_around_a_text_are_those_of_the_template(request, name, ids):
    path = request.getfixturevalue(name)
    frame = frame_of(read_tokenizer(path), path.parent)
    assert (frame.begin, frame.end, frame.mask) == ids
