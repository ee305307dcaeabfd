"""The numbers of two models on one text; `measure` computes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One tokenizer, and its model, on one text.

    Attributes:
        tokens: the text's length in tokens.
        characters_per_token: characters (code points) of the text over tokens.
        bits_per_byte: -log2 p(text) over its UTF-8 bytes, or None if not measured.
        bits_per_byte_start: the same over the first 1,000 bytes of each passage.
        encode_speed: characters encoded per second on this machine.
        unknown: how many of the tokens are the unknown token, which cannot be decoded.
    """

    tokens: int
    characters_per_token: float
    bits_per_byte: float | None
    bits_per_byte_start: float | None
    encode_speed: float
    unknown: int = 0


@dataclass(frozen=True)
class Comparison:
    """The base and the extended model on the same held-out text.

    Attributes:
        language: BCP 47 tag of the text.
        source: where the text comes from.
        characters, bytes: its size.
        scored_bytes: UTF-8 bytes of it that bits per byte were measured on; 0 if not measured.
        base, extended: the two measures.
    """

    language: str
    source: str
    characters: int
    bytes: int
    scored_bytes: int
    base: Measure
    extended: Measure

    @property
    def tokens_share(self) -> float:
        """Tokens of the extended tokenizer over the base's: below 1 is shorter."""
        return self.extended.tokens / max(1, self.base.tokens)
