"""How much of a generated text uses new tokens where the tokenizer would."""

import pytest

from vocabx.evaluation.adoption import Adoption, adoption_of


@pytest.fixture(scope="module")
def word(base, extension):
    """A text that the extension covers by one new token, as that token and as the base's tokens."""
    tokenizer = extension.tokenizer
    index = next(n for n in extension.new_ids if len(tokenizer.text_of(n) or "") == 2)
    text = tokenizer.text_of(index)
    return text, [index], base.encode([text])[0]


def test_text_in_new_tokens_adopts_all_and_text_in_old_ones_nothing(extension, word):
    text, new, old = word
    size = len(text.encode())
    assert adoption_of(extension.tokenizer, new, extension.new_ids) == Adoption(size, size)
    assert adoption_of(extension.tokenizer, old, extension.new_ids) == Adoption(size, 0)


def test_text_that_no_new_token_shortens_does_not_count(extension):
    ids = extension.tokenizer.encode(["The cat sat on the mat."])[0]
    assert adoption_of(extension.tokenizer, ids, extension.new_ids) == Adoption(0, 0)


def test_bytes_without_a_character_and_special_tokens_part_texts(extension, word):
    text, new, old = word
    size = len(text.encode())
    special = next(iter(extension.tokenizer.added_ids))
    assert adoption_of(extension.tokenizer, [*new, special, *old], extension.new_ids) == Adoption(
        2 * size, size
    )
    broken = [*new, old[0]]
    assert extension.tokenizer.text_of(old[0]) is None
    assert adoption_of(extension.tokenizer, broken, extension.new_ids) == Adoption(size, size)


def test_a_space_that_the_tokenizer_puts_before_a_text_moves_nothing(mistral_model):
    from real_tokenizers import read_once

    from vocabx.tokenizer.merges import Merge

    base = read_once(mistral_model)
    tokenizer = base.extended([Merge(b"", "龘".encode(), 9)], base.size)
    ids = tokenizer.encode(["a龘b"])[0]
    assert adoption_of(tokenizer, ids, {base.size}) == Adoption(3, 3)
    assert adoption_of(tokenizer, ids[1:], {base.size}) == Adoption(3, 3)
