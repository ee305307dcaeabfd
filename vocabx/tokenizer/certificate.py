"""The certificate: claims about an extended tokenizer, each with its count. Checks nothing: see `verify`."""

from collections.abc import Iterable
from dataclasses import dataclass

_EXAMPLES = 5
_EXAMPLE_LENGTH = 200


@dataclass(frozen=True)
class Claim:
    """One claim: how many cases were checked, how many failed, the first of those.

    Attributes:
        name: short, for machines.
        sentence: what is claimed, for people.
        checked, failed: counts.
        required: False when a failure is information and no fault.
        examples: the first counterexamples.
    """

    name: str
    sentence: str
    checked: int
    failed: int
    required: bool
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no case failed."""
        return self.failed == 0


@dataclass(frozen=True)
class Certificate:
    """All claims about one extension."""

    claims: tuple[Claim, ...]

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return all(claim.holds for claim in self.claims if claim.required)


def claim(name: str, sentence: str, cases: Iterable[tuple[str, bool]], required: bool = True) -> Claim:
    """Count `cases`, each what it is about and whether it is good."""
    checked = failed = 0
    examples: list[str] = []
    for text, good in cases:
        checked += 1
        if not good:
            failed += 1
            if len(examples) < _EXAMPLES:
                examples.append(text if len(text) <= _EXAMPLE_LENGTH else text[:_EXAMPLE_LENGTH] + "…")
    return Claim(name, sentence, checked, failed, required, tuple(examples))
