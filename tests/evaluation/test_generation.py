import pytest
import torch
from real_tokenizers import read_once

from vocabx.evaluation.generation import choose_prompts, generate
from vocabx.evaluation.load_model import load_model
from vocabx.evaluation.side_by_side import Prompt
from vocabx.tokenizer.read_tokenizer import read_tokenizer

CHINESE = "起初神創造天地地是空虛混沌淵面黑暗神的靈運行在水面上" * 4


def greedy(model, ids, tokens, forbidden):
    """The likeliest allowed tokens, one at a time and without a cache."""
    ids = list(ids)
    for _ in range(tokens):
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].clone()
        logits[forbidden] = -torch.inf
        ids.append(int(logits.argmax()))
    return ids[-tokens:]


@pytest.fixture
def directory(small_model):
    return small_model(dtype="float32")


def test_the_likeliest_allowed_tokens_are_generated(directory):
    model, tokenizer = load_model(directory), read_tokenizer(directory)
    prompts = [Prompt("The cat sat", ""), Prompt("起初神", "")]
    free = greedy(model, [1, *tokenizer.encode(["The cat sat"])[0]], 12, [2])
    # Padding rows are suppressed this way.
    model.generation_config.suppress_tokens = [free[0], free[1]]
    done = []
    found = generate(model, tokenizer, prompts, 12, done.append)
    texts = []
    for prompt in prompts:
        ids = tokenizer.encode([prompt.text])[0]
        new = greedy(model, [1, *ids], 12, [2, free[0], free[1]])
        texts.append(tokenizer.decode([*ids, *new]).removeprefix(tokenizer.decode(ids)))
    assert list(found.continuations) == texts
    assert found.characters == sum(len(text.replace("\ufffd", "")) for text in texts)
    assert found.seconds > 0 and found.characters_per_second == found.characters / found.seconds
    assert done == [1, 1]


def test_a_space_that_a_decoder_would_drop_is_kept(mistral_model):
    from vocabx.evaluation.generation import _text_after

    tokenizer = read_once(mistral_model)
    ids = tokenizer.encode(["the cat sat on the mat"])[0]
    assert _text_after(tokenizer, ids[:3], ids[3:]) == tokenizer.decode(ids)[len(tokenizer.decode(ids[:3])) :]
    assert _text_after(tokenizer, ids[:3], ids[3:]).startswith(" ")


def test_prompts_begin_passages_and_end_with_a_word():
    english = "\nThe quick brown fox jumps over the lazy dog and runs on and on and on.\n"
    prompts = choose_prompts([CHINESE, "too short", english, CHINESE[1:]], 2)
    assert [prompt.text for prompt in prompts] == [CHINESE[:30], "The quick brown fox jumps over"]
    assert prompts[1].continues.startswith(" the lazy dog")
    assert CHINESE.startswith(prompts[0].text + prompts[0].continues[:50])
    assert choose_prompts(["The quick brown foxes jumpingly " * 3], 1)[0].text == "The quick brown foxes"
    assert choose_prompts([CHINESE], 0) == ()
