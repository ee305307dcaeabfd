"""Whether a text that only the extension is read wrongly on is read wrongly for a reason that the base gives.

The two cut a text into other tokens, so a fault of a runtime may show in the one and not in the other. The
shortest part of the text that shows it tells: where the base is read wrongly on that part too, the fault is
the runtime's.
"""

from collections.abc import Callable, Iterator, Sequence

from vocabx.runtimes.reading import Difference, Kind, Reading
from vocabx.tokenizer.fast import FastTokenizer

# How many texts are looked into, the shortest first: the base gives no reason for others. And how far around
# the place where they differ.
_MOST_TEXTS = 200
_AROUND = (1, 2, 3, 4, 8, 16, 64)

Ask = Callable[[Sequence[str]], Sequence[Reading]]
"""Asks a runtime about texts: what it makes of the base and of the extension."""


def unexplained(
    texts: Sequence[str], base: Reading, extended: Reading, tokenizer: FastTokenizer, ask: Ask
) -> dict[Kind, tuple[int, ...]]:
    """The numbers of the texts that the base is read rightly on and gives no reason for.

    Args:
        texts: what the runtime was asked about.
        base, extended: what it made of them.
        tokenizer: the extension's.
        ask: asks it about other texts.
    """
    new = {kind: extended.new_to(base, kind) for kind in Kind}
    if base.refused or extended.refused:
        return dict.fromkeys(Kind, ())
    left: dict[Kind, tuple[int, ...]] = {}
    for kind, found in new.items():
        shortest = sorted(found, key=lambda one: (len(texts[one[0]]), texts[one[0]]))[:_MOST_TEXTS]
        parts = {
            number: _parts(texts[number], _place(kind, texts[number], made, tokenizer))
            for number, made in shortest
        }
        explained = _explained(kind, parts, ask)
        left[kind] = tuple(number for number, _ in found if number not in explained)
    return left


def _explained(kind: Kind, parts: dict[int, list[str]], ask: Ask) -> set[int]:
    """Of the texts with these numbers and parts, those whose shortest wrong part the base has wrong, too."""
    every = list(dict.fromkeys(part for of_one in parts.values() for part in of_one))
    if not every:
        return set()
    base, extended = ask(every)
    if base.refused or extended.refused:
        return set()
    wrong = {every[number] for number, _ in extended.differing(kind)}
    known = {every[number] for number, _ in base.differing(kind)}
    first = {
        number: next((part for part in of_one if part in wrong), None) for number, of_one in parts.items()
    }
    return {number for number, part in first.items() if part is not None and part in known}


def _parts(text: str, places: Sequence[int]) -> list[str]:
    """Parts of a text around some places in it, the shortest first, without the whole."""
    found = dict.fromkeys(
        part for place in places for width in _AROUND for part in _around(text, place, width) if part != text
    )
    return sorted(filter(None, found), key=len)


def _around(text: str, place: int, width: int) -> Iterator[str]:
    before = max(0, place - width)
    yield text[place : place + width]
    yield text[before:place]
    yield text[before : place + width]
    # Some faults are of ends alone.
    yield text[before:]
    yield text[: place + width]


def _place(kind: Kind, text: str, made: Difference, tokenizer: FastTokenizer) -> list[int]:
    """Where in a text what a runtime made of it first differs; a few places where that does not say."""
    encoding = tokenizer.rust.encode(text, add_special_tokens=False)
    if kind is Kind.IDS and isinstance(made, list):
        same = _common(made, encoding.ids)
        starts = [start for start, _ in encoding.offsets[max(0, same - 1) : same + 1]]
        return starts or [len(text)]
    if kind is Kind.DECODED and isinstance(made, str) and (same := _common(made, text)):
        return [same]
    return [0, len(text) // 2, len(text)]


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items two sequences begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
