"""What a comparison of initializers found, in numbers: the content of compare.json. Measures nothing."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

# Bits per byte on the base's language that an initializer may cost before another is to be preferred.
HARM = 0.01


@dataclass(frozen=True)
class Bits:
    """Bits per byte of held-out text: in the new language, and in the base's."""

    target: float
    base_language: float


@dataclass(frozen=True)
class CurvePoint:
    """Bits per byte of a part of the held-out target text after training on `tokens` tokens."""

    tokens: int
    target: float


@dataclass(frozen=True)
class Row:
    """One initializer.

    Attributes:
        initializer, source: its name, and the paper or practice it comes from.
        seconds: wall time to place all tokens and make their rows, word vectors included.
        peak_bytes: most memory that was resident meanwhile, the process itself included; None where the
            system does not say.
        mixed, copied, drawn: new rows by how they are made.
        hull_bound: nats, see `Mixture.hull_bound`; None when rows are drawn or factorised.
        collisions: new rows equal to another new row.
        start: before any training; None where nothing was measured.
        trained: after the budget of training; None without one.
        curve: along the training.
    """

    initializer: str
    source: str
    seconds: float
    peak_bytes: int | None
    mixed: int
    copied: int
    drawn: int
    hull_bound: float | None
    collisions: int
    start: Bits | None
    trained: Bits | None
    curve: tuple[CurvePoint, ...]

    @property
    def final(self) -> Bits | None:
        """After training where there was any, else before."""
        return self.trained or self.start


@dataclass(frozen=True)
class InitializerTable:
    """A comparison: same tokens, same text, same seed.

    Attributes:
        version: of vocabx.
        command: the command line, or "" from Python.
        base, base_origin, language, base_language, corpus: what was compared on.
        new_tokens, old_tokens: sizes.
        heldout_bytes: of target text that bits per byte were measured on, and of the base's language.
        seed: of everything that is sampled or drawn.
        train_tokens: the budget of training, 0 without one.
        base_bits: of the base itself on the same texts, its target text in its own tokens.
        rows: one for each initializer, in the order asked for.
        seconds: wall time of each stage.
    """

    version: str
    command: str
    base: str
    base_origin: str
    language: str
    base_language: str
    corpus: str
    new_tokens: int
    old_tokens: int
    heldout_bytes: tuple[int, int]
    seed: int
    train_tokens: int
    base_bits: Bits | None
    rows: tuple[Row, ...]
    seconds: dict[str, float]

    def choice(self) -> tuple[str, str]:
        """Which initializer to choose, and why, in one sentence; empty where nothing was measured.

        The fewest bits per byte on the target, after training where there was any, among those that cost
        the base's language at most `HARM` more than the least costly one.
        """
        measured = [(row, row.final) for row in self.rows]
        known = [(row, bits) for row, bits in measured if bits is not None]
        if not known:
            return "", ""
        least = min(bits.base_language for _, bits in known)
        harmless = [(row, bits) for row, bits in known if bits.base_language <= least + HARM]
        row, bits = min(harmless, key=lambda pair: pair[1].target)
        when = (
            f"after {self.train_tokens:,} tokens of training" if self.train_tokens else "before any training"
        )
        why = f"{row.initializer}: {bits.target:.3f} bits per byte of {self.language} {when}"
        others = sorted(other.target for candidate, other in harmless if candidate is not row)
        if others:
            why += f", {others[0] - bits.target:.3f} fewer than the next"
        excluded = [
            candidate.initializer for candidate, _ in known if candidate not in [h for h, _ in harmless]
        ]
        if excluded:
            why += (
                f"; {', '.join(excluded)} would cost more of {self.base_language} than {HARM} bits per byte"
            )
        return row.initializer, why

    def to_dict(self) -> dict[str, Any]:
        """The table as plain data, ready for JSON."""
        choice, why = self.choice()
        return {**dataclasses.asdict(self), "choice": choice, "why": why}

    def to_json(self) -> str:
        """The content of compare.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
