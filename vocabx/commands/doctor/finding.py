"""The findings of an examination."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["fatal", "wrong", "note"]
_EXAMPLES = 5
_LENGTH = 80


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        name: short identifier, for programs.
        severity: "fatal" if the checkpoint cannot be used, "wrong" if it works worse than it could, "note" if
            it is for information only.
        sentence: what is wrong, for readers.
        count: number of tokens, rows or texts concerned, 0 if it concerns none.
        examples: the first of those.
        remedy: what to do, or what the repair does; "" if there is nothing to do.
        repairable: whether `repair` does it.
    """

    name: str
    severity: Severity
    sentence: str
    count: int = 0
    examples: tuple[str, ...] = ()
    remedy: str = ""
    repairable: bool = False

    @property
    def harmless(self) -> bool:
        """Whether it is for information only."""
        return self.severity == "note"


def first(examples: Iterable[str]) -> tuple[str, ...]:
    """The first few distinct `examples`, truncated if long."""
    different = islice(dict.fromkeys(examples), _EXAMPLES)
    return tuple(text if len(text) <= _LENGTH else text[:_LENGTH] + "…" for text in different)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 piece", "2,000 pieces"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
