"""The numbers of a comparison of initializers: the content of compare.json."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

# Bits per byte on the base's language that a recommended initializer may cost at most.
HARM = 0.01


@dataclass(frozen=True)
class Bits:
    """Bits per byte of held-out text in the new language and in the base's."""

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
        seconds: wall time to initialize all new embeddings, word vectors included.
        peak_bytes: peak resident memory meanwhile, the process itself included; None if the system does not
            report it.
        mixed, copied, drawn: numbers of new embeddings by how they are made.
        hull_bound: nats, see `Mixture.hull_bound`; None if embeddings are drawn or factorized.
        collisions: new embeddings equal to another new one.
        start: before any training; None if not measured.
        trained: after the training budget; None without one.
        curve: during training.
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
        """After training if there was any, else before."""
        return self.trained or self.start


@dataclass(frozen=True)
class InitializerTable:
    """A comparison with the same tokens, text and seed for all initializers.

    Attributes:
        version: version of vocabx.
        command: the command line, or "" from Python.
        base, base_origin, language, base_language, corpus: what was compared on.
        new_tokens, old_tokens: sizes.
        heldout_bytes: bytes of held-out text in the target language, and in the base's.
        seed: seed of everything that is sampled or drawn.
        train_tokens: the training budget, 0 without one.
        base_bits: bits per byte of the base itself on the same texts, with its own tokenizer.
        rows: one per initializer, in the order of the request.
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
        """The recommended initializer, and why, in one sentence; both empty if nothing was measured.

        It has the fewest bits per byte on the target, after training if there was any, among those that cost
        the base's language at most `HARM` more than the one that costs it least.
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
