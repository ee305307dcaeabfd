"""Tokens aligned to what was typed, in every family."""

from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocabx.commands.playground.tokenized import Segmenter, as_json, new_ids
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

FILES = ("gpt2_json", "llama2_json", "t5_json", "bert_json")
TEXTS = st.text(
    st.one_of(
        st.sampled_from(" \t\nab中文\u3000ée\u0301Ωﬁ㍿ไทย\u200d🏳️‍🌈\u00ad\u200b\ufeff\x00"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def segmenters(request) -> dict[str, Segmenter]:
    read = {name: read_tokenizer(request.getfixturevalue(name)) for name in FILES}
    return {name: Segmenter(tokenizer, frozenset()) for name, tokenizer in read.items()}


def tokens(segmenter, text):
    return [token for span in segmenter.spans(text) for token in span.tokens]


@pytest.mark.parametrize("name", FILES)
@given(text=TEXTS)
@settings(max_examples=50, deadline=None)
@example(text="")
@example(text="Hello  world,\n 中文字𠮷 ﬁ㍿ café Ω ไทย🏳️‍🌈 x ")
def test_the_tokens_are_the_tokenizers_own_and_the_spans_are_the_text(segmenters, name, text):
    segmenter = segmenters[name]
    spans = segmenter.spans(text)
    assert [token.id for span in spans for token in span.tokens] == segmenter.tokenizer.encode([text])[0]
    assert "".join(span.text for span in spans) == text
    # What belongs to no token is white space, or what the normalizer removes. (The offsets of the library are
    # wrong behind a control character that T5's normalizer removes.)
    removed = any(category(character) == "Cc" for character in text if character not in "\t\n")
    for span in () if removed else spans:
        assert span.tokens or not segmenter.tokenizer.normal(span.text).replace("▁", " ").strip()
    assert as_json(spans)["tokens"] == len(segmenter.tokenizer.encode([text])[0])


@pytest.mark.parametrize("name", ["gpt2_json", "llama2_json"])
def test_a_character_in_several_tokens_is_one_span_of_bytes(segmenters, name):
    spans = segmenters[name].spans("a𠮷")
    assert [span.text for span in spans] == ["a", "𠮷"]
    assert [token.text for token in spans[1].tokens] == ["F0", "A0", "AE", "B7"]
    assert all(token.bytes for token in spans[1].tokens) and not spans[0].tokens[0].bytes


def test_a_token_that_ends_inside_of_a_character_is_bytes_with_those_that_follow(segmenters):
    spans = segmenters["gpt2_json"].spans("x ﬁ")
    assert [(span.text, [token.text for token in span.tokens]) for span in spans] == [
        ("x", ["x"]),
        (" ﬁ", ["20 EF", "AC", "81"]),
    ]


def test_a_byte_piece_is_bytes_even_where_it_is_a_whole_character(segmenters):
    (span,) = segmenters["llama2_json"].spans("\n")[-1:]
    assert (span.text, span.tokens[-1].text, span.tokens[-1].bytes) == ("\n", "0A", True)


def test_spaces_that_gpt2_trims_from_its_offsets_belong_to_their_token(segmenters):
    assert [span.text for span in segmenters["gpt2_json"].spans("one two")] == ["one", " two"]


def test_a_prefix_that_was_not_typed_stands_for_nothing(segmenters):
    spans = segmenters["t5_json"].spans("中文")
    assert [(span.text, span.tokens[0].text.strip(), span.tokens[0].unknown) for span in spans] == [
        ("", "", False),
        ("中文", "<unk>", True),
    ]


def test_what_the_normalizer_changes_is_shown_as_typed(segmenters):
    spans = segmenters["bert_json"].spans("Café  NOIR")
    assert [(span.text, span.tokens[0].text) for span in spans if span.tokens] == [
        ("Café", " cafe"), ("NOIR", " noir"),
    ]  # fmt: skip
    assert [span.text for span in spans if not span.tokens] == ["  "]


def test_what_a_saved_tokenizer_would_shorten_or_pad_is_whole(base):
    settings = {
        "truncation": {"max_length": 2, "strategy": "LongestFirst", "direction": "Right", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "x",
        },
    }  # fmt: skip
    changed: FastTokenizer = type(base)({**base.spec, **settings})
    text = "One sentence of more than two tokens."
    found = tokens(Segmenter(changed, frozenset()), text)
    assert [token.id for token in found] == base.encode([text])[0]


@pytest.mark.parametrize("name", FILES)
def test_the_new_tokens_of_every_family_are_those_that_were_added(segmenters, chinese, verses, name):
    base = segmenters[name].tokenizer
    extension = extend_tokenizer(base, verses[:300], chinese, TokenRequest(60), base.size, Quiet())
    new = new_ids(base, extension.tokenizer)
    assert new == set(extension.new_ids)
    text = " ".join(verses[:20])
    found = tokens(Segmenter(extension.tokenizer, new), text)
    assert [token.id for token in found] == extension.tokenizer.encode([text])[0]
    assert [token.new for token in found] == [token.id >= base.size for token in found]
    assert any(token.new for token in found)


def test_two_families_are_compared_by_the_bytes_of_their_tokens(segmenters):
    gpt2, llama2 = segmenters["gpt2_json"].tokenizer, segmenters["llama2_json"].tokenizer
    new = new_ids(gpt2, llama2)
    for piece, known in (("\u2581the", True), ("<0x41>", True), ("\u2581\u0434\u043b\u044f", False)):
        assert (llama2.vocabulary[piece] not in new) == known, piece
