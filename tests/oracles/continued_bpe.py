"""Continued BPE written in the slow, obvious way: the oracle of the learning tests."""

from collections import Counter
from itertools import pairwise

from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer


def base_words(base: ByteLevelTokenizer, lines: list[str]) -> Counter:
    """Pre-tokens of the lines as tuples of the bytes of base tokens."""
    words: Counter = Counter()
    for encoding in base.rust.encode_batch(lines, add_special_tokens=False):
        word: list[bytes] = []
        previous = None
        for index, number in zip(encoding.ids, encoding.word_ids, strict=True):
            if number != previous and word:
                words[tuple(word)] += 1
                word = []
            word.append(base.token_bytes[index])
            previous = number
        if word:
            words[tuple(word)] += 1
    return words


def starts_character(data: bytes) -> bool:
    return not 0x80 <= data[0] < 0xC0


def may_join(left: bytes, right: bytes, alphabet: Alphabet) -> bool:
    """Whether two tokens may join: to complete a character, or complete characters, of the language."""
    if not starts_character(left) or not alphabet.allows_token(left + right):
        return False
    if starts_character(right):
        return is_whole(left) and is_whole(right)
    return True


def is_whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def learn(base: ByteLevelTokenizer, lines: list[str], alphabet: Alphabet, steps: int) -> list[int]:
    """How often each of the first `steps` merges applies, by recounting all pairs before each."""
    words = base_words(base, lines)
    applied = []
    for _ in range(steps):
        pairs: Counter = Counter()
        for word, count in words.items():
            for left, right in pairwise(word):
                if may_join(left, right, alphabet):
                    pairs[left, right] += count
        (left, right), _ = max(pairs.items(), key=lambda item: (item[1], item[0]))
        merged: Counter = Counter()
        times = 0
        for word, count in words.items():
            new: list[bytes] = []
            for token in word:
                if new and new[-1] == left and token == right:
                    new[-1] = left + right
                    times += count
                else:
                    new.append(token)
            merged[tuple(new)] += count
        words = merged
        applied.append(times)
    return applied
