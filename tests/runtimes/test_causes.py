"""Which differences of an extension alone are laid to a runtime that errs with the base, too."""

import pytest

from vocabx.runtimes.causes import unexplained
from vocabx.runtimes.reading import Kind, Reading


@pytest.fixture
def judge(extension):
    """A function that asks a runtime, given as a function, about texts; it returns the unexplained ones."""
    pair = {"base": extension.base, "extended": extension.tokenizer}

    def run(encode, decode, texts):
        def ask(asked):
            return [_reading(tokenizer, name, encode, decode, asked) for name, tokenizer in pair.items()]

        base, extended = ask(texts)
        left = unexplained(texts, base, extended, extension.tokenizer, ask)
        new = {kind: [number for number, _ in extended.new_to(base, kind)] for kind in Kind}
        return new, {kind: list(found) for kind, found in left.items()}

    return run


def _reading(tokenizer, name, encode, decode, texts):
    ids = tokenizer.encode(texts)
    back = [tokenizer.decode(one) for one in ids]
    theirs = [encode(name, text, one) for text, one in zip(texts, ids, strict=True)]
    decoded = [decode(name, one, text) for one, text in zip(ids, back, strict=True)]
    return Reading(
        "", True, True,
        tuple((n, made) for n, made in enumerate(theirs) if made != ids[n]),
        tuple((n, made) for n, made in enumerate(decoded) if made != back[n]),
    )  # fmt: skip


def _right(name, given, made):
    return made


def test_a_fault_that_the_base_shows_on_a_part_of_the_text_is_the_runtimes(judge, verses):
    # It loses the end of a text of an odd number of tokens that ends in Latin letters.
    def encode(name, text, ids):
        return ids[:-1] if len(ids) % 2 and text[-1:].isascii() else ids

    def decode(name, ids, text):
        return text[:-1] if len(ids) % 2 and text[-1:].isascii() else text

    new, left = judge(encode, decode, [f"{verse} ab" for verse in verses[:40]])
    assert new[Kind.IDS] and new[Kind.DECODED]
    assert left == {Kind.IDS: [], Kind.DECODED: []}


def test_a_fault_that_only_the_extension_shows_is_not(judge, verses):
    def encode(name, text, ids):
        return [index for index in ids if index < 49_152] if name == "extended" else ids

    new, left = judge(encode, _right, verses[:40])
    assert len(new[Kind.IDS]) > 30
    assert left == {Kind.IDS: new[Kind.IDS], Kind.DECODED: []}


def test_a_text_too_short_to_have_parts_is_explained_by_nothing(judge):
    def encode(name, text, ids):
        return "ValueError: no" if name == "extended" else ids

    _, left = judge(encode, _right, ["a", ""])
    assert left[Kind.IDS] == [0, 1]


def test_texts_that_the_base_has_wrong_are_not_asked_about_again(judge, verses):
    def encode(name, text, ids):
        return []

    new, left = judge(encode, _right, verses[:5])
    assert new[Kind.IDS] == left[Kind.IDS] == []
