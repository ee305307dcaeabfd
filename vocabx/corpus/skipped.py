"""Counts the records of a text that hold none, so that a reader can leave them out and still say so."""

from vocabx.errors import CorpusError

# A file whose first records are all unusable is refused without reading the rest.
_PATIENCE = 100
_NAMED = 3


class Skipped:
    """The records that one pass over a text read and left out.

    Attributes:
        read: number of records, those left out included.
        empty, malformed: number of records without text (null, empty, no string), and of those that are not
            what the file's format says or lack the field.
        first_empty, first_malformed: where the first of each is, or "".
        files: number of files begun.
        damaged: for each file that was not read, or not to its end, what is wrong with it.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything, before another pass."""
        self.read = self.empty = self.malformed = 0
        self.first_empty = self.first_malformed = ""
        self.files = 0
        self.damaged: list[str] = []

    def merge(self, other: "Skipped") -> None:
        """Add what a pass over the text that follows left out."""
        self.read += other.read
        self.empty += other.empty
        self.malformed += other.malformed
        self.first_empty = self.first_empty or other.first_empty
        self.first_malformed = self.first_malformed or other.first_malformed
        self.files += other.files
        self.damaged += other.damaged

    def sentences(self) -> tuple[str, ...]:
        """What was left out: a sentence on files and one on records, where there is something to say."""
        files = ""
        if self.damaged:
            shown = "; ".join(self.damaged[:_NAMED])
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
            CorpusError: most records so far are malformed.
        """
        if not self.bad:
            self.problem = problem
        self.bad += 1
        self.total.read += 1
        self.total.malformed += 1
        self.total.first_malformed = self.total.first_malformed or where
        if self.bad > max(self.good, _PATIENCE):
            raise CorpusError(self.problem)

    def end(self) -> None:
        """End the file.

        Raises:
            CorpusError: most of its records are malformed, or none has text.
        """
        if self.bad > self.good or (self.empty and not self.good):
            raise CorpusError(self.problem)
