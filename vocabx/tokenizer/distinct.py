"""The distinct words of a text with their occurrences, so that each is tokenized once.

A word here is what the pre-tokenizer makes, and the model tokenizes it by itself. That holds for byte-level
BPE, whose words contain no white space and are as long as their tokens, so that many can be handed to the
tokenizers library as one text. It does not for a text with an added token in it, which is found before the
pre-tokenizer: such a text is tokenized as a whole, by `FastTokenizer.atoms` and `FastTokenizer.usage`, with
the same result.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers

from vocabx.tokenizer.fast import FastTokenizer, Ids

# An encoding takes far more memory than its text: some thousand words at a time, in a few texts, which the
# library divides among cores.
_WORDS, _TEXTS = 1 << 12, 8
# Looking for more added tokens in a text takes longer than is saved.
_MOST_ADDED = 500


def distinct_words(tokenizer: FastTokenizer, texts: Sequence[str]) -> Counter[str] | None:
    """The distinct words of `texts`, as the pre-tokenizer writes them, in the order of their appearance.

    None where the texts have to be tokenized as a whole.
    """
    pre_tokenizer = tokenizer.rust.pre_tokenizer
    dropped = tokenizer.dropped_in_words()
    added = [token["content"] for token in tokenizer.spec["added_tokens"]]
    if dropped is None or pre_tokenizer is None or len(added) > _MOST_ADDED:
        return None
    normal = texts if tokenizer.rust.normalizer is None else [tokenizer.normal(text) for text in texts]
    # An added token is sought in the text itself or in the normalized text, as it says.
    for sought in (texts,) if normal is texts else (texts, normal):
        if any(content in text for text in sought for content in added):
            return None
    found: Counter[str] = Counter()
    for text in normal:
        found.update([word for word, _ in pre_tokenizer.pre_tokenize_str(text)])
    together = " ".join(found)
    if len(together.split()) != len(found) or any(character in together for character in dropped):
        return None
    return found


def tokenized_words(tokenizer: FastTokenizer, words: Mapping[str, int]) -> Iterator[tuple[Ids, Ids, Ids]]:
    """The ids of distinct words, some thousand words at a time.

    Yields:
        Three int64 arrays of equal length: ids, for each the number of its word, and how often that occurs.
    """
    model = _alone(tokenizer.rust)
    lengths = tokenizer.byte_lengths(tokenizer.size)
    items = iter(words.items())
    done = 0
    while batch := list(islice(items, _WORDS * _TEXTS)):
        texts = _texts([word for word, _ in batch])
        encodings = model.encode_batch_fast(texts, add_special_tokens=False)
        ids = np.concatenate([np.array(encoding.ids, dtype=np.int64) for encoding in encodings])
        # No byte is lost, so that the lengths of tokens tell where words end, at a fraction of the time that
        # the library takes to say so.
        ends = np.cumsum([len(word) for word, _ in batch])
        number = np.searchsorted(ends, np.cumsum(lengths[ids]))
        yield ids, number + done, np.array([times for _, times in batch], dtype=np.int64)[number]
        done += len(batch)


def usage_in_words(tokenizer: FastTokenizer, words: Mapping[str, int]) -> Ids:
    """How often each id occurs in a text with these words: int64, (`size`,); see `FastTokenizer.usage`."""
    return occurrences(_alone(tokenizer.rust), words, tokenizer.size)


def occurrences(model: Tokenizer, words: Mapping[str, int], size: int) -> Ids:
    """How often each id occurs in a text with these words, int64 (size,).

    Args:
        model: a tokenizer that splits at white space.
        words: each with its occurrences.
        size: one more than the highest id.
    """
    by_times: dict[int, list[str]] = {}
    for word, times in words.items():
        by_times.setdefault(times, []).append(word)
    found = np.zeros(size, dtype=np.int64)
    texts = ((times, text) for times, group in by_times.items() for text in _texts(group))
    while batch := list(islice(texts, _TEXTS)):
        encodings = model.encode_batch_fast([text for _, text in batch], add_special_tokens=False)
        for (times, _), encoding in zip(batch, encodings, strict=True):
            found += times * np.bincount(np.array(encoding.ids, dtype=np.int64), minlength=size)
    return found


def _texts(words: Sequence[str]) -> list[str]:
    """The words separated by spaces, some thousands a text."""
    return [" ".join(words[start : start + _WORDS]) for start in range(0, len(words), _WORDS)]


def _alone(tokenizer: Tokenizer) -> Tokenizer:
    """The model of a tokenizer, for words that white space separates."""
    alone = Tokenizer(tokenizer.model)
    alone.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return alone
