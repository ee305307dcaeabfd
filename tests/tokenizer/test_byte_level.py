import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from vocabx.errors import TokenizerError
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.read_tokenizer import read_tokenizer

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT)
def test_any_text_decodes_to_itself_if_it_does_in_the_base(extension, text):
    before, after = (t.decode(t.encode([text])[0]) for t in (extension.base, extension.tokenizer))
    # SmolLM2 lacks tokens for some bytes that no assigned character needs.
    assert after in (text, before)


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT)
def test_text_that_does_not_touch_the_language_keeps_its_ids(extension, chinese, text):
    if not chinese.touches(text):
        assert extension.tokenizer.encode([text]) == extension.base.encode([text])


@settings(max_examples=100, deadline=None)
@given(text=ANY_TEXT)
def test_no_text_takes_more_tokens_than_in_the_base(extension, text):
    assert len(extension.tokenizer.encode([text])[0]) <= len(extension.base.encode([text])[0])


def test_english_keeps_every_id(extension, english):
    assert extension.tokenizer.encode(english) == extension.base.encode(english)


def test_new_ids_follow_in_order_and_decode_to_their_merges(extension):
    new = [
        data
        for index, data in sorted(extension.tokenizer.token_bytes.items())
        if index >= extension.base.size
    ]
    assert new == list(extension.pieces)
    assert len(new) == 1000


def test_extending_leaves_the_base_as_it_was(base):
    before = json.dumps(base.spec)
    base.extended([Merge("中".encode()[:2], "中".encode()[2:], 1)], base.size)
    assert json.dumps(base.spec) == before


def with_tokens_after_the_vocabulary(base: ByteLevelTokenizer) -> ByteLevelTokenizer:
    """The layout of GPT-2 and Qwen: added tokens outside the model's own vocabulary."""
    spec = json.loads(json.dumps(base.spec))
    for offset, text in enumerate(("<|late|>", "<tool>")):
        token = dict(spec["added_tokens"][0], id=base.size + offset, content=text, special=offset == 0)
        spec["added_tokens"].append(token)
    return ByteLevelTokenizer(spec)


def test_added_tokens_after_the_vocabulary_keep_their_ids(base, chinese, verses):
    late = with_tokens_after_the_vocabulary(base)
    merge = Merge("中".encode()[:2], "中".encode()[2:], 1)
    extended = late.extended([merge], late.size)
    reread = Tokenizer.from_str(json.dumps(extended.spec))
    assert reread.token_to_id("<|late|>") == base.size
    assert reread.token_to_id("<tool>") == base.size + 1
    assert reread.encode("a<tool>b<|late|>", add_special_tokens=False).ids[1::2] == [base.size + 1, base.size]


def test_new_ids_may_begin_after_padding_rows(base):
    merges = [Merge("龍".encode()[:n], "龍".encode()[n : n + 1], 1) for n in (1, 2)]
    extended = base.extended(merges, base.size + 100)
    assert extended.size == base.size + 102
    assert extended.encode(["龍龍"]) == [[base.size + 101] * 2]


def test_merges_stored_as_strings_are_extended_as_strings(base):
    spec = json.loads(json.dumps(base.spec))
    spec["model"]["merges"] = [" ".join(pair) for pair in spec["model"]["merges"]]
    old_style = ByteLevelTokenizer(spec)
    merges = [Merge("中".encode()[:2], "中".encode()[2:], 1)]
    ids = [tokenizer.extended(merges, base.size).encode(["中文 abc"]) for tokenizer in (old_style, base)]
    assert ids[0] == ids[1]


def test_an_unsupported_family_is_refused_by_name(tmp_path):
    model = {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}
    spec = {"version": "1.0", "added_tokens": [], "pre_tokenizer": None, "model": model}
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    with pytest.raises(TokenizerError, match="WordLevel"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"model": {"type": "BPE"}}'])
def test_a_missing_or_damaged_tokenizer_gives_a_one_line_error(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(TokenizerError) as caught:
        read_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)
