"""Compares what each runtime makes of an extension, and of its base, with the certificate's tokenizer."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vocabx._util.cores import usable_cores
from vocabx.runtimes.causes import unexplained
from vocabx.runtimes.process import Asked, ask
from vocabx.runtimes.reading import NOT_INSTALLED, Reading, Row, not_compared, row_of
from vocabx.runtimes.runtime import Place, Runtime
from vocabx.tokenizer.fast import FastTokenizer

# A megabyte of one character takes some of them minutes.
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Subject:
    """A tokenizer and what runtimes load it from.

    Attributes:
        tokenizer: as the certificate knows it.
        directory: its files.
        gguf: the same as a .gguf file, for runtimes that read no other; None if there is none.
        no_gguf: why there is none.
        tiktoken: the same as a .tiktoken file, for tiktoken; None if there is none.
        no_tiktoken: why there is none.
    """

    tokenizer: FastTokenizer
    directory: Path
    gguf: Path | None = None
    no_gguf: str = ""
    tiktoken: Path | None = None
    no_tiktoken: str = ""

    def read_by(self, runtime: Runtime) -> tuple[Path | None, str]:
        """What a runtime reads, or None and why there is none."""
        if runtime.gguf:
            return self.gguf, self.no_gguf
        if runtime.tiktoken:
            return self.tiktoken, self.no_tiktoken
        return self.directory, ""


def compare(
    runtimes: Sequence[tuple[Runtime, Place]],
    base: Subject,
    extended: Subject,
    texts: Sequence[str],
    seconds: float,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Row]:
    """Ask runtimes, as many at once as there are processors, and compare them with the tokenizers library.

    Args:
        runtimes: the runtimes, each with where it is looked for.
        base, extended: the two tokenizers.
        texts: to encode; what they become is then decoded.
        seconds: how long a process may take.
        advance: called with the number of runtimes done.
    """
    short = [text for text in texts if len(text) <= _LONGEST_TEXT]
    added = (token["content"] for one in (base, extended) for token in one.tokenizer.spec["added_tokens"])
    literals = {literal for literal in added if literal}
    wanted = {
        finds: [_Wanted(one, short, literals, finds) for one in (base, extended)] for finds in (True, False)
    }

    def row(one: tuple[Runtime, Place]) -> Row:
        made = _row(*one, wanted[one[0].literals], seconds)
        advance(1)
        return made

    with ThreadPoolExecutor(usable_cores()) as pool:
        rows = list(pool.map(row, runtimes))
    # One that is installed elsewhere is not missing here.
    found = {row.runtime for row in rows if row.outcome != NOT_INSTALLED}
    return [row for row in rows if row.outcome != NOT_INSTALLED or row.runtime not in found]


class _Wanted:
    """A subject, some texts, and what they should become.

    Texts in which a special token of `literals` is written out are left out unless the runtime `finds` one,
    and never decoded: every library has its own mind about the spaces around one.
    """

    def __init__(
        self, subject: Subject, texts: Sequence[str], literals: Collection[str], finds: bool
    ) -> None:
        self.subject, self.literals = subject, literals
        plain = {text: not any(literal in text for literal in literals) for text in texts}
        self.texts = [text for text in texts if finds or plain[text]]
        self.ids = subject.tokenizer.encode(self.texts)
        decoded = subject.tokenizer.rust.decode_batch(self.ids, skip_special_tokens=False)
        self.decoded = [back if plain[text] else None for text, back in zip(self.texts, decoded, strict=True)]

    def of(self, texts: Sequence[str]) -> "_Wanted":
        """The same of other texts, all of them."""
        return _Wanted(self.subject, texts, self.literals, True)

    def asked(self, runtime: Runtime) -> Asked | None:
        """What to ask a runtime, or None where there is no file that it reads."""
        path, _ = self.subject.read_by(runtime)
        return None if path is None else Asked(path, self.ids, self.decoded)


def _row(runtime: Runtime, place: Place, wanted: Sequence[_Wanted], seconds: float) -> Row:
    """What a runtime makes of the base and of the extension, with a reason where they differ."""
    texts = wanted[0].texts
    found = _asked(runtime, place, wanted, seconds)
    if isinstance(found, Row):
        return found
    version, (base, extended) = found

    def ask_again(parts: Sequence[str]) -> Sequence[Reading]:
        again = _asked(runtime, place, [one.of(parts) for one in wanted], seconds)
        return [Reading(refused="not asked")] * 2 if isinstance(again, Row) else again[1]

    left = unexplained(texts, base, extended, wanted[1].subject.tokenizer, ask_again)
    return row_of(runtime.name, version, place.name, texts, base, extended, left)


def _asked(
    runtime: Runtime, place: Place, wanted: Sequence[_Wanted], seconds: float
) -> tuple[str, list[Reading]] | Row:
    """Its version and readings, or the row of one that is not asked.

    The base and the extension are read in one process; where it dies of the base, the extension in another.
    """
    texts = wanted[0].texts
    asked = [one.asked(runtime) for one in wanted]
    readings = [Reading(refused=one.subject.read_by(runtime)[1]) for one in wanted]
    todo = [number for number, one in enumerate(asked) if one is not None]
    version = ""
    # Also where there is nothing to read: what is not installed is said to be so.
    first = True
    while first or todo:
        first = False
        directories = [one for number in todo if (one := asked[number]) is not None]
        answered = ask(runtime, place, texts, directories, seconds)
        about, *lines = answered.lines or [{"version": ""}]
        if about["version"] is None:
            return Row(runtime.name, "", place.name, NOT_INSTALLED)
        version = about["version"] or version
        if about.get("old"):
            why = f"needs {runtime.package} {runtime.oldest} or later"
            return not_compared(runtime.name, version, place.name, why)
        lacks = next((line["lacks"] for line in lines if "lacks" in line), "")
        if lacks:
            # What an incomplete installation says is no measurement.
            why = f"its installation is incomplete: it lacks the module {lacks}"
            return not_compared(runtime.name, version, place.name, why)
        for number, line in zip(todo, lines, strict=False):
            readings[number] = Reading.of(line)
        rest = todo[len(lines) :]
        if rest:
            # It ended before it came to the others.
            readings[rest[0]] = Reading(refused=answered.ended or "ended without an answer")
        todo = rest[1:]
    return version, readings
