"""What a runtime made of two directories, and the row of the table that follows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from vocabx._util.shorten import shortened

Outcome = Literal[
    "same ids", "DIFFERS", "differs with the base", "REFUSED", "refused with the base",
    "not compared", "not installed",
]  # fmt: skip
NOT_INSTALLED: Literal["not installed"] = "not installed"
_LONGEST_EXAMPLE = 60
_LONGEST_MESSAGE = 200


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
    ids: tuple[tuple[int, Any], ...] = ()
    decoded: tuple[tuple[int, Any], ...] = ()

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
    name: str, version: str, place: str, texts: Sequence[str], base: Reading, extended: Reading
) -> Row:
    """The row of a runtime that was asked about both directories."""
    outcome = _outcome(base, extended)
    example, message = _example(texts, base, extended)
    if extended.refused:
        message = extended.refused
    elif base.refused:
        message = f"refuses the base: {base.refused}"
    return Row(
        name, version, place, outcome,
        strings=0 if extended.refused else len(texts),
        ids=_count(extended, extended.encodes, extended.ids),
        decoded=_count(extended, extended.decodes, extended.decoded),
        base_ids=_count(base, base.encodes, base.ids),
        base_decoded=_count(base, base.decodes, base.decoded),
        example=example,
        message=shortened(message, _LONGEST_MESSAGE),
    )  # fmt: skip


def _outcome(base: Reading, extended: Reading) -> Outcome:
    if extended.refused:
        return "refused with the base" if base.refused else "REFUSED"
    if not (extended.ids or extended.decoded):
        return "same ids"
    # Encoding and decoding count apart: a runtime that breaks one of the base's may still keep the other.
    new = (extended.ids and not base.ids) or (extended.decoded and not base.decoded)
    return "DIFFERS" if new and not base.refused else "differs with the base"


def _count(reading: Reading, does: bool, found: Sequence[Any]) -> int | None:
    return None if reading.refused or not does else len(found)


def _example(texts: Sequence[str], base: Reading, extended: Reading) -> tuple[str, str]:
    """The shortest string that differs, of those that the base gives no reason for if there are any."""
    for mine, theirs, what in (
        (extended.ids, base.ids, "ids"), (extended.decoded, base.decoded, "decoded as")
    ):  # fmt: skip
        if mine:
            known = {number for number, _ in theirs}
            ours = [pair for pair in mine if pair[0] not in known] or list(mine)
            number, made = min(ours, key=lambda pair: (len(texts[pair[0]]), texts[pair[0]]))
            return shortened(texts[number], _LONGEST_EXAMPLE), f"{what} {made!r}"
    return "", ""
