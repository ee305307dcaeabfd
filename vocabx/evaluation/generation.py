"""What a model writes after the beginning of a text, and how many characters a second.

Greedy, so that it is the same each time; the speed is that of this machine, and of transformers' own
`generate`, which heeds the ids that generation_config.json suppresses.
"""

import time
from collections.abc import Sequence
from typing import Any

from vocabx._util.extras import need
from vocabx.evaluation.bits_per_byte import begin_id
from vocabx.evaluation.side_by_side import Generated, Prompt
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

_PROMPT_CHARACTERS = 30
_CONTINUES_CHARACTERS = 100
_WARM_UP = 4
# What the decoder puts in the place of bytes that are no whole character.
_REPLACEMENT = "\ufffd"


def choose_prompts(passages: Sequence[str], count: int) -> tuple[Prompt, ...]:
    """The beginnings of the first `count` passages that go on long enough, of about 30 characters each.

    A prompt ends where a word does, if the text has spaces.
    """
    prompts: list[Prompt] = []
    for passage in passages:
        text = passage.strip()
        if len(prompts) < count and len(text) >= 2 * _PROMPT_CHARACTERS:
            head = _whole_words(text)
            prompts.append(Prompt(head, text[len(head) :][:_CONTINUES_CHARACTERS]))
    return tuple(prompts)


def _whole_words(text: str) -> str:
    head = text[:_PROMPT_CHARACTERS]
    if text[_PROMPT_CHARACTERS].isspace():
        return head.rstrip()
    words = head.rsplit(maxsplit=1)
    # In a text without spaces the only space may stand far from the end.
    return words[0] if len(words) == 2 and len(words[0]) > _PROMPT_CHARACTERS // 2 else head.rstrip()


def generate(
    model: Any,
    tokenizer: FastTokenizer,
    prompts: Sequence[Prompt],
    tokens: int,
    advance: Advance = lambda done: None,
) -> Generated:
    """Let a model continue each prompt by `tokens` tokens, the likeliest each time.

    The token that ends a text is not allowed before, so that every model does the same number of steps. A few
    tokens are generated before the time is taken.

    Args:
        model: of transformers, on any device.
        tokenizer: its own.
        prompts: at least one.
        tokens: how many.
        advance: called with 1 after each prompt.
    """
    model.eval()
    begin = begin_id(model.config)
    encoded = tokenizer.encode([prompt.text for prompt in prompts])
    _continue(model, [begin, *encoded[0]], min(_WARM_UP, tokens))
    continuations, seconds = [], 0.0
    for ids in encoded:
        start = time.perf_counter()
        new = _continue(model, [begin, *ids], tokens)
        seconds += time.perf_counter() - start
        continuations.append(_text_after(tokenizer, ids, new))
        advance(1)
    characters = sum(len(text) - text.count(_REPLACEMENT) for text in continuations)
    return Generated(tuple(continuations), characters, seconds)


def _continue(model: Any, ids: list[int], tokens: int) -> list[int]:
    """The new ids, once they are here: a GPU is done then."""
    torch = need("torch", "evaluate")
    row = torch.tensor([ids], device=model.device)
    made = model.generate(
        row,
        attention_mask=torch.ones_like(row),
        do_sample=False,
        num_beams=1,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        pad_token_id=begin_id(model.config),
    )
    new: list[int] = made[0, len(ids) :].tolist()
    return new


def _text_after(tokenizer: FastTokenizer, ids: Sequence[int], new: Sequence[int]) -> str:
    """The text of `new` where it stands: alone, some decoders would take the space before it away."""
    before, whole = tokenizer.decode(ids), tokenizer.decode([*ids, *new])
    return whole[len(before) :] if whole.startswith(before) else tokenizer.decode(new)
