"""Near-duplicates: how many planted copies `--quality` finds among 100,000 documents, and what else it drops.

    python benchmarks/near_duplicates.py [--documents 100000] [--copies 10000]

A document is 6 to 12 sentences of the default text, each of which is in few documents. A copy is a document
that was changed: in a third of the copies one character of a hundred is replaced by another of the text, in a
third three, in a third five; and each copy lost one sentence or gained another. Copies stand at random places
behind their originals.
"""

import random
from collections.abc import Sequence

from common import Result, finish, machine, new_parser, peak_memory_mb, run_script, timed
from texts import add_text_options, documents_of

from vocabx.corpus.clean import clean
from vocabx.corpus.near_duplicates import NearDuplicates
from vocabx.corpus.passages import sentences

_RATES = (0.01, 0.03, 0.05)
_BATCH = 256


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, documents=100_000, copies=10_000, language="zh-Hant", seed=0)
    add_text_options(parser, "corpus")
    options = parser.parse_args(arguments)
    rng = random.Random(options.seed)
    texts = [clean(document.text) for document in documents_of(options.language, options.corpus)]
    scripts = ("Han",) if options.language.startswith("zh") else ("Latin",)
    documents, rates = planted(texts, options.documents, options.copies, rng)
    near = NearDuplicates(scripts)

    def judge() -> list[float]:
        return [
            similar
            for start in range(0, len(documents), _BATCH)
            for similar in near.add(documents[start : start + _BATCH])
        ]

    found, seconds = timed(judge)
    copies = {rate: [s > 0 for s, r in zip(found, rates, strict=True) if r == rate] for rate in _RATES}
    others = [s > 0 for s, r in zip(found, rates, strict=True) if not r]
    planted_found = sum(map(sum, copies.values()))
    result = {
        "machine": machine(),
        "language": options.language,
        "documents": len(documents),
        "copies": options.copies,
        "mb": round(sum(len(text.encode()) for text in documents) / 1e6, 1),
        "copies_found": round(planted_found / options.copies, 4),
        "copies_found_by_share_of_characters_replaced": {
            str(rate): round(sum(flags) / len(flags), 4) for rate, flags in copies.items()
        },
        "others_dropped": round(sum(others) / len(others), 5),
        "seconds": round(seconds, 1),
        "peak_memory_mb": peak_memory_mb(),
    }
    return finish(options.out, "near-duplicates", result)


def planted(
    texts: Sequence[str], count: int, copies: int, rng: random.Random
) -> tuple[list[str], list[float]]:
    """`count` documents and for each the share of its characters that were replaced, 0 if it is no copy."""
    pool = list(dict.fromkeys(s.strip() for text in texts for s in sentences(text) if len(s.strip()) >= 10))
    rng.shuffle(pool)
    characters = "".join(pool)
    originals: list[list[str]] = []
    at = 0
    while len(originals) < count - copies:
        length = rng.randint(6, 12)
        if at + length > len(pool):
            # More documents than the text has: the same sentences in other company.
            rng.shuffle(pool)
            at = 0
        originals.append(pool[at : at + length])
        at += length
    placed = [(float(number), "\n".join(lines), 0.0) for number, lines in enumerate(originals)]
    for number, original in enumerate(rng.sample(range(len(originals)), copies)):
        rate = _RATES[number % len(_RATES)]
        lines = list(originals[original])
        if rng.random() < 0.5:
            del lines[rng.randrange(len(lines))]
        else:
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(pool))
        text = "".join(rng.choice(characters) if rng.random() < rate else c for c in "\n".join(lines))
        placed.append((rng.uniform(original, len(originals)) + 0.5, text, rate))
    placed.sort()
    return [text for _, text, _ in placed], [rate for _, _, rate in placed]


if __name__ == "__main__":
    run_script(main)
