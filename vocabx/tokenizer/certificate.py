"""The certificate: claims about an extended tokenizer, each with its counts. `verify` does the checking."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_EXAMPLES = 5
_EXAMPLE_LENGTH = 200


@dataclass(frozen=True)
class Claim:
    """One claim: how many cases were checked, how many failed, and the first failures.

    Attributes:
        name: short, for machines.
        sentence: what is claimed, for people.
        checked, failed: counts.
        required: False when a failure is only information.
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

    @property
    def outcome(self) -> Literal["holds", "FAILS", "for information", "not checked"]:
        """The result in the words that terminal, page and card use."""
        if not self.checked:
            return "not checked"
        if self.holds:
            return "holds"
        return "FAILS" if self.required else "for information"


@dataclass(frozen=True)
class Certificate:
    """All claims about one extension."""

    claims: tuple[Claim, ...]

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return all(claim.holds for claim in self.claims if claim.required)


class Tally:
    """Counts the cases of one claim, one at a time."""

    def __init__(self, name: str, sentence: str, required: bool = True) -> None:
        self.name, self.sentence, self.required = name, sentence, required
        self.checked = self.failed = 0
        self.examples: list[str] = []

    def add(self, about: str, good: bool) -> None:
        """Count one case."""
        self.checked += 1
        if not good:
            self.failed += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.append(
                    about if len(about) <= _EXAMPLE_LENGTH else about[:_EXAMPLE_LENGTH] + "…"
                )

    def claim(self) -> Claim:
        """The claim with the counts so far."""
        return Claim(self.name, self.sentence, self.checked, self.failed, self.required, tuple(self.examples))


def claim(name: str, sentence: str, cases: Iterable[tuple[str, bool]], required: bool = True) -> Claim:
    """Count `cases`, each a description and whether the case holds."""
    tally = Tally(name, sentence, required)
    for about, good in cases:
        tally.add(about, good)
    return tally.claim()
