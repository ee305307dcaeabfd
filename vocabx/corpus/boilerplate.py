"""Lines that recur across documents: menus, notices, headings of a site."""

import hashlib

import numpy as np

# Documents that a line may be in before it is taken for boilerplate.
OFTEN = 10
# Shorter lines are headings and answers, which may recur.
_SHORTEST = 10
_CELLS = 1 << 24
_MOST = 255


class Boilerplate:
    """Counts lines in a table of a fixed size (a count-min sketch of two rows with conservative updates).

    Once as many lines were counted as the table has cells, all counts are halved: what recurs is then what
    recurs within some gigabytes of text.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((2, _CELLS), dtype=np.uint8)
        self._counted = 0

    def without(self, text: str) -> tuple[str, int]:
        """`text` without lines that `OFTEN` earlier documents have, and how many those are."""
        lines = text.split("\n")
        doomed = {line for line in dict.fromkeys(lines) if len(line) >= _SHORTEST and self._recurs(line)}
        if not doomed:
            return text, 0
        kept = [line for line in lines if line not in doomed]
        return "\n".join(kept).strip("\n"), len(lines) - len(kept)

    def _recurs(self, line: str) -> bool:
        digest = hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        one = int.from_bytes(digest[:4], "little") % _CELLS
        other = int.from_bytes(digest[4:], "little") % _CELLS
        first, second = int(self._counts[0, one]), int(self._counts[1, other])
        count = min(first, second)
        if count < _MOST:
            if first == count:
                self._counts[0, one] = count + 1
            if second == count:
                self._counts[1, other] = count + 1
        self._counted += 1
        if self._counted >= _CELLS:
            self._counts >>= 1
            self._counted = 0
        return count >= OFTEN
