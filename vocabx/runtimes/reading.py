"""What a runtime made of two directories, and the row of the table that follows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, Self

from vocabx._util.shorten import shortened

Outcome = Literal[
    "same ids", "DIFFERS", "differs with the base", "REFUSED", "refused with the base",
    "not compared", "not installed",
]  # fmt: skip
NOT_INSTALLED: Literal["not installed"] = "not installed"
_LONGEST_EXAMPLE = 60
_LONGEST_MESSAGE = 200

Difference = list[int] | str
"""What a runtime made of a text: other ids, another text, or the message of an error."""


class Kind(StrEnum):
    """What a runtime is asked for."""

    IDS = "ids"
    DECODED = "decoded"


@dataclass(frozen=True)
class Reading:
    """What a runtime made of one directory.

    Attributes:
        refused: why there is nothing to compare, "" where there is.
        encodes, decodes: whether it does that at all.
        ids: texts with other ids than the tokenizers library gives: the number of each, and its ids or the
            error instead.
        decoded: texts whose ids are decoded otherwise: the number of each, and what they became.
    """

    refused: str = ""
    encodes: bool = False
    decodes: bool = False
    ids: tuple[tuple[int, Difference], ...] = ()
    decoded: tuple[tuple[int, Difference], ...] = ()

    def differing(self, kind: Kind) -> tuple[tuple[int, Difference], ...]:
        """The texts of which it makes something else."""
        return self.ids if kind is Kind.IDS else self.decoded

    def new_to(self, base: Self, kind: Kind) -> tuple[tuple[int, Difference], ...]:
        """Those of them of which it makes what is right with the base."""
        known = {number for number, _ in base.differing(kind)}
        return tuple(pair for pair in self.differing(kind) if pair[0] not in known)

    @classmethod
    def of(cls, line: dict[str, Any]) -> Self:
        """A line of the worker's answer."""
        if "refused" in line:
            return cls(refused=line["refused"])
        pairs = {name: tuple((number, made) for number, made in line[name]) for name in ("ids", "decoded")}
        return cls("", line["encodes"], line["decodes"], **pairs)


@dataclass(frozen=True)
class Row:
    """One runtime in the table.

    Attributes:
        runtime: its name.
        version: what is installed, "" for nothing.
        place: where, "" for vocabx's own environment.
        outcome: the result in a few words; in capitals where only the extension is read wrongly.
        strings: number of strings compared.
        ids, decoded: number of strings of which the extension gives other ids, and of which the ids are
            decoded otherwise; None where the runtime does not do that, or nothing was compared.
        base_ids, base_decoded: the same of the base.
        new_ids, new_decoded: of `ids` and `decoded`, those that the base is read rightly on and gives no
            reason for: see `causes`.
        example: the shortest string that differs.
        message: why nothing was compared, or what became of the example.
    """

    runtime: str
    version: str
    place: str
    outcome: Outcome
    strings: int = 0
    ids: int | None = None
    decoded: int | None = None
    base_ids: int | None = None
    base_decoded: int | None = None
    new_ids: int | None = None
    new_decoded: int | None = None
    example: str = ""
    message: str = ""

    @property
    def fails(self) -> bool:
        """Whether the extension is read wrongly where the base is read rightly."""
        return self.outcome in ("DIFFERS", "REFUSED")

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return asdict(self) | {"fails": self.fails}


def not_compared(name: str, version: str, place: str, why: str) -> Row:
    """The row of a runtime that was not asked."""
    return Row(name, version, place, "not compared", message=why)


def row_of(
    name: str,
    version: str,
    place: str,
    texts: Sequence[str],
    base: Reading,
    extended: Reading,
    unexplained: Mapping[Kind, Sequence[int]],
) -> Row:
    """The row of a runtime that was asked about both directories.

    Args:
        name, version, place: of the runtime.
        texts: what it was asked about.
        base, extended: what it made of them.
        unexplained: the texts for whose difference the base gives no reason, see `causes`.
    """
    example, message = _example(texts, extended, unexplained)
    if extended.refused:
        message = extended.refused
    elif base.refused:
        message = f"refuses the base: {base.refused}"
    counts = {
        f"{name}{kind}": _count(reading, kind, found)
        for kind in Kind
        for name, reading, found in (
            ("", extended, extended.differing(kind)),
            ("base_", base, base.differing(kind)),
            ("new_", extended, unexplained[kind]),
        )
    }
    return Row(
        name, version, place, _outcome(base, extended, unexplained),
        strings=0 if extended.refused else len(texts),
        example=example,
        message=shortened(message, _LONGEST_MESSAGE),
        **counts,
    )  # fmt: skip


def _outcome(base: Reading, extended: Reading, unexplained: Mapping[Kind, Sequence[int]]) -> Outcome:
    if extended.refused:
        return "refused with the base" if base.refused else "REFUSED"
    if not (extended.ids or extended.decoded):
        return "same ids"
    return "DIFFERS" if any(unexplained.values()) else "differs with the base"


def _count(reading: Reading, kind: Kind, found: Sequence[Any]) -> int | None:
    does = reading.encodes if kind is Kind.IDS else reading.decodes
    return None if reading.refused or not does else len(found)


def _example(
    texts: Sequence[str], extended: Reading, unexplained: Mapping[Kind, Sequence[int]]
) -> tuple[str, str]:
    """The shortest string that differs, of those that the base gives no reason for if there are any."""
    every = [(kind, pair) for kind in Kind for pair in extended.differing(kind)]
    if not every:
        return "", ""
    ours = [(kind, pair) for kind, pair in every if pair[0] in unexplained[kind]] or every
    first = ours[0][0]
    number, made = min(
        (pair for kind, pair in ours if kind is first), key=lambda pair: (len(texts[pair[0]]), texts[pair[0]])
    )
    what = "ids" if first is Kind.IDS else "decoded as"
    return shortened(texts[number], _LONGEST_EXAMPLE), f"{what} {made!r}"
