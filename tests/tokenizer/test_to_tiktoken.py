"""Tokenizers converted for tiktoken, read by tiktoken itself."""

import copy
import random

import pytest
import tiktoken
from real_tokenizers import read_once

from vocabx.corpus.languages import find_language
from vocabx.errors import TokenizerError
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_alphabet import to_alphabet
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.to_tiktoken import to_tiktoken


def differing(tokenizer, texts) -> list[str]:
    """The texts that tiktoken encodes otherwise, ids of bytes without a token left out."""
    made = to_tiktoken(tokenizer)
    encoding = tiktoken.Encoding(
        "x", pat_str=made.pattern, mergeable_ranks=made.ranks, special_tokens=made.special
    )
    end = made.lacking or 10**9
    texts = list(map(tokenizer.normal, texts))
    return [
        text
        for text, ids in zip(texts, tokenizer.encode(texts), strict=True)
        if [index for index in encoding.encode(text, allowed_special="all") if index < end] != list(ids)
    ]


def strings(tokenizer) -> list[str]:
    """Adversarial strings with special tokens, and random tokens in a row."""
    literals = [token["content"] for token in tokenizer.spec["added_tokens"]]
    draw, known = random.Random(1), list(tokenizer.token_bytes.values())
    rows = (b"".join(draw.choices(known, k=8)).decode("utf-8", "ignore") for _ in range(1000))
    return [*adversarial_strings(1000, 0, literals, long=False), *rows]


@pytest.mark.parametrize("name", ["gpt2_json", "llama3_json", "qwen_json"])
def test_tiktoken_gives_the_ids_of_a_real_tokenizer(name, request, verses, english):
    tokenizer = read_once(request.getfixturevalue(name))
    assert differing(tokenizer, [*verses[:300], *english[:300], *strings(tokenizer)]) == []


def test_tiktoken_gives_the_ids_of_an_extension_that_splits_digits(extension, verses, english):
    texts = [*verses, *english[:500], *strings(extension.tokenizer), "a 1  2 ½", " 12  ", "3.14 \n 5"]
    assert differing(extension.tokenizer, texts) == []


def test_a_widened_pre_tokenizer_is_one_pattern_for_tiktoken_too(base):
    hindi = find_language("hi")
    tokenizer = base.adapted(Alphabet(hindi.scripts, hindi.blocks))
    texts = ["नमस्ते दुनिया 12 ३४", "हिन्दी में  लिखा", "a नमस्ते1b"]
    assert differing(tokenizer, [*texts, *strings(tokenizer)]) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("roberta_json", "not in the order of the ids"),
        ("mistral3_json", "SentencePiece BPE"),
        ("t5_json", "Unigram"),
        ("bert_json", "WordPiece"),
    ],
)
def test_what_tiktoken_cannot_express_is_refused_in_one_sentence(name, why, request):
    with pytest.raises(TokenizerError, match=why) as refused:
        to_tiktoken(read_once(request.getfixturevalue(name)))
    assert len(str(refused.value)) <= 300


def bytewise(*merges: str, **changes) -> ByteLevelTokenizer:
    """A tokenizer of all bytes and some merges; `changes` replace parts of its tokenizer.json."""
    vocab = {to_alphabet(bytes([byte])): byte for byte in range(256)}
    vocab |= {merge.replace(" ", ""): 256 + n for n, merge in enumerate(merges)}
    alphabet = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    spec = {
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": alphabet,
        "post_processor": None, "decoder": alphabet,
        "model": {"type": "BPE", "vocab": vocab, "merges": list(merges), "ignore_merges": False},
    }  # fmt: skip
    return ByteLevelTokenizer({**spec, **changes})


def test_a_token_without_a_merge_of_its_own_is_left_out_and_not_made():
    made = bytewise("a b", "c d")
    spec = copy.deepcopy(made.spec)
    spec["model"]["vocab"]["abcd"] = 258
    tokenizer = ByteLevelTokenizer(spec)
    converted = to_tiktoken(tokenizer)
    assert converted.left_out == (258,)
    assert b"abcd" not in converted.ranks
    assert differing(tokenizer, ["abcd", "xabcdx", "abcd abcd"]) == []
    # Looked up as a whole word, it occurs, and inside a longer word tiktoken would make it too.
    spec = copy.deepcopy(spec)
    spec["model"]["ignore_merges"] = True
    with pytest.raises(TokenizerError, match="of its two parts"):
        to_tiktoken(ByteLevelTokenizer(spec))


def test_a_merge_of_a_lower_id_after_one_of_a_higher_is_refused():
    spec = copy.deepcopy(bytewise("a b", "b c").spec)
    assert to_tiktoken(ByteLevelTokenizer(spec)).ranks[b"bc"] == 257
    spec["model"]["merges"].reverse()
    with pytest.raises(TokenizerError, match="'ab', id 256, comes after that of a higher id"):
        to_tiktoken(ByteLevelTokenizer(spec))


def test_a_dead_rule_out_of_order_is_no_obstacle():
    # "abc" is made of "ab" and "c"; no text comes to "a" and "bc".
    tokenizer = bytewise("a b", "b c", "ab c")
    spec = copy.deepcopy(tokenizer.spec)
    spec["model"]["vocab"]["cd"] = 259
    spec["model"]["merges"] += ["c d", "a bc"]
    tokenizer = ByteLevelTokenizer(spec)
    draw = random.Random(0)
    texts = ["".join(draw.choices("abcd", k=9)) for _ in range(2000)]
    assert differing(tokenizer, texts) == []


ADDED = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "has no normalizer"),
        (
            {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}},
            "one pattern",
        ),
        (
            {"added_tokens": [{"id": 300, "content": "<s", **ADDED}, {"id": 301, "content": "<s>", **ADDED}]},
            "begins with another",
        ),
        ({"added_tokens": [{"id": 300, "content": "<s>", **ADDED, "single_word": True}]}, "word of its own"),
    ],
)
def test_what_surrounds_the_merges_is_expressed_or_refused(changes, why):
    with pytest.raises(TokenizerError, match=why):
        to_tiktoken(bytewise("a b", **changes))
