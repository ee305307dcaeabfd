"""How a model continues the beginning of a text, and how many characters per second it generates.

Continuations that are shown are decoded greedily, so the text is the same each time; `write_texts` also
samples. The speed is that of this machine and of transformers' `generate`, which respects the ids that
generation_config.json suppresses.
"""

import time
from collections.abc import Collection, Sequence
from typing import Any, Literal

from vocabx._util.extras import need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.evaluation.adoption import Adoption, adoption_of
from vocabx.evaluation.side_by_side import Generated, Prompt, Written
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


def write_texts(
    model: Any,
    tokenizer: FastTokenizer,
    prompts: Sequence[Prompt],
    tokens: int,
    new: Collection[int],
    seed: int | None = None,
    advance: Advance = lambda done: None,
) -> Written:
    """Let a model continue each prompt by `tokens` tokens, and measure what that took.

    Args:
        model, tokenizer, prompts, tokens, advance: as for `generate`.
        new: the ids of its new tokens.
        seed: of sampling at temperature 1 from the whole distribution; None decodes greedily.
    """
    model.eval()
    begin = begin_id(model.config)
    encoded = tokenizer.encode([prompt.text for prompt in prompts])
    _continue(model, [begin, *encoded[0]], min(_WARM_UP, tokens), seed)
    seconds, characters, adopted = 0.0, 0, Adoption(0, 0)
    for number, ids in enumerate(encoded):
        start = time.perf_counter()
        made = _continue(model, [begin, *ids], tokens, None if seed is None else seed + number)
        seconds += time.perf_counter() - start
        text = _text_after(tokenizer, ids, made)
        characters += len(text) - text.count(_REPLACEMENT)
        adopted += adoption_of(tokenizer, made, new)
        advance(1)
    how: Literal["greedy", "sampled"] = "greedy" if seed is None else "sampled"
    return Written(how, len(encoded) * tokens, characters, seconds, adopted.possible, adopted.used)


def _continue(model: Any, ids: list[int], tokens: int, seed: int | None = None) -> list[int]:
    """The new ids as a list, which waits until a GPU is done; with a seed they are sampled."""
    torch = need("torch", "evaluate")
    row = torch.tensor([ids], device=model.device)
    if seed is not None:
        torch.manual_seed(seed)
    # The whole distribution: a model's own settings may cut it off.
    sampling = {} if seed is None else {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
    made = model.generate(
        row,
        attention_mask=torch.ones_like(row),
        do_sample=seed is not None,
        **sampling,
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
