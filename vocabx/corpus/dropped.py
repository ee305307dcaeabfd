"""Counts what `--quality` leaves out, by rule, with a sample of it."""

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Documents a rule, and characters of each, that are kept to be looked at.
_SAMPLED, _SHOWN = 20, 1000
FILE = "dropped.jsonl"


class Dropped:
    """What one pass over a text left out.

    Attributes:
        read, read_bytes: documents that were judged, and their UTF-8 bytes.
        counts, sizes: documents and bytes by the rule that dropped them.
        lines: lines of boilerplate that kept documents lost.
        lacking: a sentence on the rules that were not applied for want of a package, or "".
    """

    def __init__(self) -> None:
        self.lacking = ""
        self.clear()

    def clear(self) -> None:
        """Forget everything, before another pass."""
        self.read = self.read_bytes = self.lines = 0
        self.counts: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()
        self._samples: dict[str, list[tuple[int, dict[str, str]]]] = {}

    def add(self, source: str, text: str, rule: str, detail: str) -> None:
        """Count a document, and the rule that drops it; "" for one that is kept."""
        size = len(text.encode())
        self.read += 1
        self.read_bytes += size
        if not rule:
            return
        self.counts[rule] += 1
        self.sizes[rule] += size
        digest = hashlib.blake2b(f"{source}\0{text}".encode(), digest_size=8).digest()
        entry = {"rule": rule, "detail": detail, "source": source, "text": text[:_SHOWN]}
        # The lowest hashes: an even sample of any number of documents, the same in every pass.
        heap = self._samples.setdefault(rule, [])
        priority = -int.from_bytes(digest, "big")
        if all(priority != other for other, _ in heap):
            (heapq.heappush if len(heap) < _SAMPLED else heapq.heappushpop)(heap, (priority, entry))

    @property
    def documents(self) -> int:
        """How many documents were dropped."""
        return self.counts.total()

    def by_rule(self) -> str:
        """The numbers of documents by rule, the largest first, in words."""
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{count:,} as {rule}" for rule, count in ordered)

    def sentence(self) -> str:
        """What was left out, in one sentence, or two where a package is missing; "" if nothing was judged."""
        if not self.read:
            return ""
        lines = f"{self.lines:,} recurring lines" if self.lines else ""
        parts = ""
        if self.documents:
            size = sum(self.sizes.values())
            parts = (
                f"{self.documents:,} of {self.read:,} documents ({size / 1e6:,.1f} of "
                f"{self.read_bytes / 1e6:,.1f} MB): {self.by_rule()}"
            )
        found = "; and ".join(filter(None, (parts, lines)))
        return " ".join(filter(None, (f"--quality leaves out {found or 'nothing'}.", self.lacking)))

    def describe(self) -> dict[str, Any]:
        """The counts as plain data, for report.json; empty if nothing was judged."""
        if not self.read:
            return {}
        rules = {rule: {"documents": n, "bytes": self.sizes[rule]} for rule, n in sorted(self.counts.items())}
        return {
            "documents": self.read,
            "bytes": self.read_bytes,
            "dropped": rules,
            "recurring_lines": self.lines,
        }

    def write(self, directory: Path) -> None:
        """Write the samples as JSON lines, a document a line; nothing if nothing was dropped."""
        entries = [
            entry for rule in sorted(self._samples) for _, entry in sorted(self._samples[rule], key=_rank)
        ]
        if entries:
            lines = (json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
            (directory / FILE).write_text("".join(lines), encoding="utf-8")


def joined_dropped(parts: Sequence[Dropped]) -> Dropped:
    """What passes over several texts left out, as one."""
    whole = Dropped()
    whole.lacking = next((one.lacking for one in parts if one.lacking), "")
    for one in parts:
        whole.read += one.read
        whole.read_bytes += one.read_bytes
        whole.lines += one.lines
        whole.counts.update(one.counts)
        whole.sizes.update(one.sizes)
        for rule, found in one._samples.items():
            whole._samples.setdefault(rule, []).extend(found)
    return whole


def _rank(item: tuple[int, dict[str, str]]) -> int:
    return -item[0]
