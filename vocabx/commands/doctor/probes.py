"""Texts to probe a tokenizer with if there is no corpus: concatenated pieces, and adversarial strings."""

import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.fast import FastTokenizer

_ADVERSARIAL = 1000
_STRINGS = 1500
_LONGEST = 8


@lru_cache(maxsize=2)
def probe_texts(files: CheckpointFiles) -> tuple[str, ...]:
    """Texts made of new pieces, and texts made of all pieces, without added tokens.

    Deterministic for a given tokenizer.
    """
    tokenizer = files.tokenizer
    if tokenizer is None:
        return ()
    chance = random.Random(0).random
    everything = _texts(tokenizer, sorted(tokenizer.token_bytes))
    new = _texts(tokenizer, files.new.ids)
    return _free_of_added(tokenizer, [*_strung(new, chance), *_strung(everything, chance)])


def adversarial_texts(files: CheckpointFiles) -> tuple[str, ...]:
    """Adversarial strings without added tokens."""
    if files.tokenizer is None:
        return ()
    return _free_of_added(files.tokenizer, _adversarial())


@lru_cache(maxsize=1)
def _adversarial() -> tuple[str, ...]:
    return tuple(adversarial_strings(_ADVERSARIAL, long=False))


def sentencepiece_encoder(model: bytes) -> Callable[[Sequence[str]], list[list[int]]]:
    """A function that encodes texts with the SentencePiece library."""
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_proto=model)

    def encode(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = processor.encode(list(texts))
        return ids

    return encode


def differing(files: CheckpointFiles, tokenizer: FastTokenizer, texts: Sequence[str]) -> list[str]:
    """Those of `texts` that SentencePiece tokenizes differently from `tokenizer`."""
    if files.model is None:
        return []
    encoded = zip(texts, sentencepiece_encoder(files.model)(texts), tokenizer.encode(texts), strict=True)
    # Of two equally good segmentations, each library may pick another one.
    return [text for text, a, b in encoded if a != b and not tokenizer.tied(a, b)]


def _free_of_added(tokenizer: FastTokenizer, texts: Sequence[str]) -> tuple[str, ...]:
    literals = [token["content"] for token in tokenizer.spec["added_tokens"]]
    return tuple(text for text in texts if not any(literal in text for literal in literals))


def _texts(tokenizer: FastTokenizer, ids: Sequence[int]) -> list[str]:
    found = (tokenizer.text_of(index) for index in ids if index in tokenizer.token_bytes)
    return [text for text in found if text]


def _strung(texts: Sequence[str], chance: Callable[[], float]) -> list[str]:
    if not texts:
        return []
    lengths = (1 + int(chance() * _LONGEST) for _ in range(_STRINGS))
    return ["".join(texts[int(chance() * len(texts))] for _ in range(length)) for length in lengths]
