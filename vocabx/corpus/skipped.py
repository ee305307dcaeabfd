"""Counts the records of a text that hold none, so that a reader can leave them out and still say so."""

from dataclasses import dataclass

from vocabx.errors import CorpusError

# A file whose first records are all unusable is refused without reading the rest.
_PATIENCE = 100
_NAMED = 3


@dataclass(frozen=True)
class Counts:
    """The records of a file or a part of it.

    Attributes:
        good, empty, bad: those with text, those whose text is null or empty, and those that are malformed.
        first: what is wrong with the first malformed one, else with the first one without text.
    """

    good: int = 0
    empty: int = 0
    bad: int = 0
    first: str = ""

    def problem(self) -> str:
        """Why the file is refused, if it is: most of its records are malformed, or none has text."""
        return self.first if self.bad > self.good or (self.empty and not self.good) else ""

    def followed_by(self, other: "Counts") -> "Counts":
        """The counts of this part and of the next one."""
        first = other.first if not self.first or (other.bad and not self.bad) else self.first
        return Counts(self.good + other.good, self.empty + other.empty, self.bad + other.bad, first)


class Skipped:
    """The records that one pass over a text read and left out.

    Attributes:
        read: number of records, those left out included.
        empty, malformed: number of records without text (null, empty, no string), and of those that are not
            what the file's format says or lack the field.
        first_empty, first_malformed: where the first of each is, or "".
        files: number of files begun.
        damaged: by the name of each file that was not read, or not to its end, what is wrong with it.
        parts: the counts of files that were read in parts, by their names; see `PartTally`.
        tolerated: the names of those files that may be damaged.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything, before another pass."""
        self.read = self.empty = self.malformed = 0
        self.first_empty = self.first_malformed = ""
        self.files = 0
        self.damaged: dict[str, str] = {}
        self.parts: dict[str, Counts] = {}
        self.tolerated: set[str] = set()

    def merge(self, other: "Skipped") -> None:
        """Add what a pass over the text that follows left out."""
        self.read += other.read
        self.empty += other.empty
        self.malformed += other.malformed
        self.first_empty = self.first_empty or other.first_empty
        self.first_malformed = self.first_malformed or other.first_malformed
        self.files += other.files
        for name, said in other.damaged.items():
            self.damaged.setdefault(name, said)
        for name, found in other.parts.items():
            self.parts[name] = self.parts.get(name, Counts()).followed_by(found)
        self.tolerated |= other.tolerated

    def sentences(self) -> tuple[str, ...]:
        """What was left out: a sentence on files and one on records, where there is something to say."""
        files = ""
        if self.damaged:
            shown = "; ".join(list(self.damaged.values())[:_NAMED])
            more = " and others" if len(self.damaged) > _NAMED else ""
            files = (
                f"{len(self.damaged):,} of {self.files:,} files could not be read to the end: {shown}{more}."
            )
        return tuple(filter(None, (files, self.sentence())))

    def sentence(self) -> str:
        """What was left out, in one sentence, or "" if nothing was."""
        parts = []
        if self.empty:
            parts.append(f"{self.empty:,} without text (first: {self.first_empty})")
        if self.malformed:
            parts.append(f"{self.malformed:,} malformed (first: {self.first_malformed})")
        if not parts:
            return ""
        left_out = self.empty + self.malformed
        return f"{left_out:,} of {self.read:,} records are left out: {', '.join(parts)}."


class Tally:
    """Counts the records of one file, and refuses a file most of whose records are malformed.

    Args:
        total: receives the counts as well.
    """

    def __init__(self, total: Skipped) -> None:
        self.total = total
        self.good = self.empty = self.bad = 0
        self.problem = ""
        self.begins = True

    def text(self) -> None:
        """Count a record with text."""
        self.good += 1
        self.total.read += 1

    def without_text(self, where: str, problem: str) -> None:
        """Count a record whose text is null or empty; `problem` is the refusal if no record has any."""
        self.problem = self.problem or problem
        self.empty += 1
        self.total.read += 1
        self.total.empty += 1
        self.total.first_empty = self.total.first_empty or where

    def malformed(self, where: str, problem: str) -> None:
        """Count a malformed record; `problem` is the refusal if most are.

        Raises:
            CorpusError: all of the first records are malformed.
        """
        if not self.bad:
            self.problem = problem
        self.bad += 1
        self.total.read += 1
        self.total.malformed += 1
        self.total.first_malformed = self.total.first_malformed or where
        if self.bad > _PATIENCE and not self.good and self.begins:
            raise CorpusError(self.problem)

    def end(self) -> None:
        """End the file.

        Raises:
            CorpusError: most of its records are malformed, or none has text.
        """
        if problem := self.counts.problem():
            raise CorpusError(problem)

    @property
    def counts(self) -> Counts:
        """What was counted so far."""
        return Counts(self.good, self.empty, self.bad, self.problem)


class PartTally(Tally):
    """Counts the records of one part of a file. Whether the file is refused, its parts say together.

    Args:
        total: receives the counts as well.
        name: of the file.
        number: of the part.
    """

    def __init__(self, total: Skipped, name: str, number: int) -> None:
        super().__init__(total)
        self.name, self.begins = name, not number

    def end(self) -> None:
        """End the part."""
        before = self.total.parts.get(self.name, Counts())
        self.total.parts[self.name] = before.followed_by(self.counts)
