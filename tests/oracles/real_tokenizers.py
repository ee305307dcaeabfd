"""The installed tokenizers, read once for many tests, which change neither them nor their files."""

from functools import lru_cache

from vocabx.tokenizer.read_tokenizer import read_tokenizer

# The larger ones take 100 MB of memory.
read_once = lru_cache(maxsize=6)(read_tokenizer)
