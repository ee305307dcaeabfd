"""How many new tokens a training budget supports, counted again from the text."""

from collections import Counter

import pytest

from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer


@pytest.fixture
def extended(base, verses, chinese):
    def run(**request: int) -> Extension:
        return extend_tokenizer(base, verses, chinese, TokenRequest(**request), base.size, Quiet())

    return run


@pytest.mark.parametrize("budget", [20_000, 80_000])
def test_nine_of_ten_tokens_occur_four_times_in_the_budget(extended, verses, budget):
    made = extended(budget=budget)
    counts = Counter(index for ids in made.tokenizer.encode(verses) for index in ids)
    scale = budget / sum(len(verse.encode()) for verse in verses)
    often = [index for index in made.new_ids if counts[index] * scale >= 4]
    assert len(often) >= 0.9 * len(made.new_ids) > 0
    # And not many more could be had.
    larger = extended(new_tokens=round(1.3 * len(made.new_ids)))
    assert (larger.selection.usage * scale >= 4).mean() < 0.9


def test_a_long_budget_leaves_all_tokens(extended):
    assert extended(budget=10**12).pieces == extended().pieces


def test_a_budget_in_which_no_token_occurs_four_times_is_refused(extended):
    with pytest.raises(TokenizerError, match="no new token would occur 4 times in a budget of 10 bytes"):
        extended(budget=10)
