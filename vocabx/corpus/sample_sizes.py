"""How much of a text is sampled."""

from dataclasses import dataclass

# The default of `extend`; other commands must hold out the same sections.
LEARN_BYTES = 8_000_000


@dataclass(frozen=True)
class SampleSizes:
    """How much text is drawn, and with which seed.

    Attributes:
        learn_bytes, heldout_bytes: bytes of text to learn from, and to measure on.
        seed: of the sample.
    """

    learn_bytes: int = LEARN_BYTES
    heldout_bytes: int = 60_000
    seed: int = 0
