"""What an examination finds. Examines nothing: the modules beside it do."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["fatal", "wrong", "note"]
_EXAMPLES = 5
_LENGTH = 80


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        name: short, for machines.
        severity: "fatal" when the checkpoint cannot be used, "wrong" when it works worse than it could,
            "note" when it is for information.
        sentence: what is wrong, for people.
        count: of tokens, rows or texts that it is about, 0 when it is about none.
        examples: the first of those.
        remedy: what to do, or what mending does; "" when there is nothing to do.
        mendable: whether `mend` does it.
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
    """The first different ones of `examples`, none of them long."""
    different = islice(dict.fromkeys(examples), _EXAMPLES)
    return tuple(text if len(text) <= _LENGTH else text[:_LENGTH] + "…" for text in different)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 piece", "2,000 pieces"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
