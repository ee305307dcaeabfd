"""Tokens of several sources: one that occurs in a single source is its habit, and not the language's.

A news site's own name is frequent in its archive and useless elsewhere. Where a language has several sources
(files, directories, data sets), only merges that apply in more than one of them are kept.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

# The share of all text that a source needs to count: from less, a token may be missing by chance.
_SHARE = 0.05
# Files beyond these are put together, by name: each group is larger than what counts as a source.
_MOST = 16


def by_source(lines: Sequence[str], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The lines of each source that counts, in the order of their names; those of all others together.

    A source counts if it has a twentieth of the text; so does what is left, if it has as much.

    Args:
        lines: the text.
        names: the source of each line.
    """
    groups: dict[str, list[str]] = {}
    for line, name in zip(lines, names, strict=True):
        groups.setdefault(name, []).append(line)
    if len(groups) > _MOST:
        groups = _fewer(groups)
    total = sum(len(line) for line in lines)
    large = {name: group for name, group in groups.items() if sum(map(len, group)) >= _SHARE * total}
    rest = [line for name in sorted(groups) if name not in large for line in groups[name]]
    found = [large[name] for name in sorted(large)]
    if sum(map(len, rest)) >= _SHARE * total and rest:
        found.append(rest)
    return tuple(map(tuple, found))


def _fewer(groups: dict[str, list[str]]) -> dict[str, list[str]]:
    """Many sources as a few of about equal size, neighbors by name together."""
    size = sum(len(line) for group in groups.values() for line in group) / _MOST
    found: dict[str, list[str]] = {}
    current, length = "", 0.0
    for name in sorted(groups):
        if not found or length >= size:
            current, length = name, 0.0
            found[current] = []
        found[current] += groups[name]
        length += sum(map(len, groups[name]))
    return found


def in_several(
    base: FastTokenizer, merges: Sequence[Merge], texts: Sequence[Sequence[Sequence[str]]]
) -> list[Merge]:
    """The merges that apply in more than one source of a language, or in the one that it has.

    A merge applies wherever one does that needs its token, so that none of those that are kept lacks a part.

    Args:
        base: the tokenizer that they extend.
        merges: in rank order, each after those that make its parts.
        texts: of each language the lines of each source.
    """
    if all(len(sources) < 2 for sources in texts):
        return list(merges)
    extended = base.extended(merges, base.size)
    kept = np.zeros(len(merges), dtype=bool)
    for sources in texts:
        applies = np.zeros(len(merges), dtype=np.int64)
        for lines in sources:
            applies += _applied(extended, merges, lines) > 0
        kept |= applies >= min(2, len(sources))
    return [merge for merge, keep in zip(merges, kept.tolist(), strict=True) if keep]


def _applied(extended: FastTokenizer, merges: Sequence[Merge], lines: Sequence[str]) -> NDArray[np.int64]:
    """How often each merge applies in a text: for each token that occurs, and for what it was built from."""
    usage = extended.usage(lines)
    counts = {data: int(usage[index]) for index, data in extended.token_bytes.items() if usage[index]}
    applied = np.zeros(len(merges), dtype=np.int64)
    for number in range(len(merges) - 1, -1, -1):
        merge = merges[number]
        count = counts.get(merge.token, 0)
        applied[number] = count
        # Where a token has several derivations, each is taken to apply.
        if merge.left and count:
            for part in (merge.left, merge.right):
                counts[part] = counts.get(part, 0) + count
    return applied
