"""How much of a text is sampled."""

from dataclasses import dataclass

# What `extend` learns from unless told otherwise; other commands must hold out the same sections.
LEARN_BYTES = 8_000_000


@dataclass(frozen=True)
class SampleSizes:
    """How much is drawn, and by which seed.

    Attributes:
        learn_bytes, heldout_bytes: of text to learn from, and to measure on.
        seed: of the sample.
    """

    learn_bytes: int = LEARN_BYTES
    heldout_bytes: int = 60_000
    seed: int = 0
