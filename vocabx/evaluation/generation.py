"""How a model continues the beginning of a text, and how many characters per second it generates.

Greedy decoding, so the text is the same each time; the speed is that of this machine and of transformers'
`generate`, which respects the ids that generation_config.json suppresses.
"""

import time
from collections.abc import Sequence
from typing import Any

from vocabx._util.extras import need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.evaluation.side_by_side import Generated, Prompt
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

_PROMPT_CHARACTERS = 30
_CONTINUES_CHARACTERS = 100
_WARM_UP = 4
# What the decoder inserts for bytes that are not a whole character.
_REPLACEMENT = "\ufffd"


def choose_prompts(passages: Sequence[str], count: int) -> tuple[Prompt, ...]:
    """The beginnings, of about 30 characters, of the first `count` passages that are long enough.

    A prompt ends at a word boundary if the text has spaces.
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
    # In a text without spaces, the only space may be far from the end.
    return words[0] if len(words) == 2 and len(words[0]) > _PROMPT_CHARACTERS // 2 else head.rstrip()


def generate(
    model: Any,
    tokenizer: FastTokenizer,
    prompts: Sequence[Prompt],
    tokens: int,
    advance: Advance = lambda done: None,
) -> Generated:
    """Let a model continue each prompt by `tokens` tokens with greedy decoding.

    eos is not allowed before the end, so that every model takes the same number of steps. A few tokens are
    generated as warm-up before timing.

    Args:
        model: a transformers model, on any device.
        tokenizer: its tokenizer.
        prompts: at least one.
        tokens: number of tokens to generate.
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
    """The new ids as a list, which waits until a GPU is done."""
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
    """The text of `new` in its context: alone, some decoders would drop the leading space."""
    before, whole = tokenizer.decode(ids), tokenizer.decode([*ids, *new])
    return whole[len(before) :] if whole.startswith(before) else tokenizer.decode(new)
