"""The numbers of a comparison of initializers: the content of compare.json."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from vocabx.evaluation.paired_bootstrap import difference_interval

BASE = "base left alone"
# Bits per byte on the base's language that a recommended initializer may cost at most.
HARM = 0.01
_ALIKE = "all new tokens have the same embedding, and only training can tell them apart"
UNTRAINED = (
    "no recommendation can be made from scores before training: --probe-steps trains each initializer for a "
    "few steps"
)


@dataclass(frozen=True)
class Bits:
    """Bits per byte of held-out text in the new language and in the base's."""

    target: float
    base_language: float


@dataclass(frozen=True)
class Probed:
    """Scores after the probe.

    Attributes:
        bits: averaged over its seeds.
        seeds: of each seed.
        passages: bits per byte of each passage of the target language, averaged over the seeds.
    """

    bits: Bits
    seeds: tuple[Bits, ...]
    passages: tuple[float, ...]


def averaged(scores: Sequence[tuple[Bits, Sequence[float]]]) -> Probed:
    """The average of the scores of each seed, and of each passage."""
    seeds = tuple(bits for bits, _ in scores)
    return Probed(
        Bits(fmean(bits.target for bits in seeds), fmean(bits.base_language for bits in seeds)),
        seeds,
        tuple(map(fmean, zip(*(passages for _, passages in scores), strict=True))),
    )


@dataclass(frozen=True)
class Lead:
    """How far the recommended initializer is ahead of something, on the target language after the probe.

    Attributes:
        over: an initializer, or `BASE`.
        bits: bits per byte fewer than it; negative if behind it.
        percent: the same in per cent of its bits per byte.
        interval: 95 % interval of `bits` over passages, see `difference_interval`; None with one passage.
    """

    over: str
    bits: float
    percent: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Row:
    """One initializer.

    Attributes:
        initializer, source: its name, and the paper or practice it comes from.
        seconds: wall time to initialize all new embeddings, word vectors included.
        peak_bytes: peak resident memory meanwhile, the process itself included; None if the system does not
            report it.
        mixed, copied, drawn: numbers of new embeddings by how they are made.
        hull_bound: nats, see `Mixture.hull_bound`; None if embeddings are drawn or factorized.
        collisions: new embeddings equal to another new one.
        start: before any training; None if not measured.
        probed: after the probe; None without one.
    """

    initializer: str
    source: str
    seconds: float
    peak_bytes: int | None
    mixed: int
    copied: int
    drawn: int
    hull_bound: float | None
    collisions: int
    start: Bits | None
    probed: Probed | None

    @property
    def final(self) -> Bits | None:
        """After the probe if there was one, else before any training."""
        return self.probed.bits if self.probed else self.start


@dataclass(frozen=True)
class InitializerTable:
    """A comparison with the same tokens, text and seed for all initializers.

    Attributes:
        version: version of vocabx.
        command: the command line, or "" from Python.
        base, base_origin, language, base_language, corpus: what was compared on.
        new_tokens, old_tokens: sizes.
        heldout_bytes: bytes of held-out text in the target language, and in the base's.
        seed: seed of everything that is sampled or drawn.
        passage_bytes: bytes of each held-out passage of the target language.
        probe_steps: steps of continued pretraining of each initializer and of the base, 0 without.
        probe_seeds: how often the probe was repeated, 0 without one.
        base_bits: bits per byte of the base itself on the same texts, with its own tokenizer.
        base_probed: the same after as many steps on the same text; None without a probe.
        rows: one per initializer, in the order of the request.
        seconds: wall time of each stage.
        measure: what "bits per byte" are, see `objective.MEASURE`.
        untried: a start that may be better and was not compared, in one sentence; "" if there is none.
    """

    version: str
    command: str
    base: str
    base_origin: str
    language: str
    base_language: str
    corpus: str
    new_tokens: int
    old_tokens: int
    heldout_bytes: tuple[int, int]
    seed: int
    passage_bytes: tuple[int, ...]
    probe_steps: int
    probe_seeds: int
    base_bits: Bits | None
    base_probed: Probed | None
    rows: tuple[Row, ...]
    seconds: dict[str, float]
    measure: str = "bits per byte"
    untried: str = ""

    def choice(self) -> tuple[str, str]:
        """The recommended initializer, and why, in one sentence.

        It has the fewest bits per byte on the target after the probe, among those that cost the base's
        language at most `HARM` more than the one that costs it least and do not make all embeddings equal.
        Scores before training recommend nothing: without a probe the name is empty and the sentence says
        so; both are empty if nothing was measured.
        """
        ranked, excluded = self._ranked()
        if not ranked:
            if any(row.probed for row in self.rows):
                return "", f"no recommendation can be made: {_ALIKE}"
            return "", UNTRAINED if any(row.start for row in self.rows) else ""
        best, bits = ranked[0]
        often = f", the mean of {self.probe_seeds} seeds" if self.probe_seeds > 1 else ""
        why = f"{best}: {bits.bits.target:.3f} {self.measure} of {self.language} after {self._steps()}{often}"
        for lead in self.leads():
            if lead.over == BASE:
                place = "ahead of" if lead.bits >= 0 else "behind"
                why += f"; {abs(lead.percent):.1f} % {place} the {BASE} after the same steps"
            else:
                why += f"; {lead.bits:.3f} fewer than {lead.over}, the next"
            why += _interval(lead)
        if excluded:
            why += (
                f"; {', '.join(excluded)} would cost more of {self.base_language} than {HARM} bits per byte"
            )
        if alike := self.alike():
            why += f"; {', '.join(alike)} cannot be recommended: {_ALIKE}"
        return best, why

    def leads(self) -> tuple[Lead, ...]:
        """The recommended initializer against the next and against the base left alone, after the probe."""
        ranked, _ = self._ranked()
        if not ranked:
            return ()
        others = [*ranked[1:2], *([(BASE, self.base_probed)] if self.base_probed else [])]
        return tuple(self._lead(ranked[0][1], name, other) for name, other in others)

    def alike(self) -> tuple[str, ...]:
        """The initializers that give all new tokens the same embedding."""
        return tuple(
            row.initializer for row in self.rows if self.new_tokens > 1 and row.collisions >= self.new_tokens
        )

    def behind(self) -> dict[str, Lead]:
        """How far the recommended initializer is ahead of each other one and of the base, after the probe."""
        ranked, _ = self._ranked()
        if not ranked:
            return {}
        others = [(row.initializer, row.probed) for row in self.rows]
        others += [(BASE, self.base_probed)]
        return {
            name: self._lead(ranked[0][1], name, other)
            for name, other in others
            if other is not None and name != ranked[0][0]
        }

    def _lead(self, best: Probed, name: str, other: Probed) -> Lead:
        bits = other.bits.target - best.bits.target
        interval = difference_interval(best.passages, other.passages, self.passage_bytes, self.seed)
        return Lead(name, bits, 100 * bits / other.bits.target, interval)

    def _ranked(self) -> tuple[list[tuple[str, Probed]], list[str]]:
        """The initializers that may be recommended, the best first, and those that may not."""
        alike = self.alike()
        known = [(row.initializer, row.probed) for row in self.rows if row.probed]
        known = [pair for pair in known if pair[0] not in alike]
        least = min((probed.bits.base_language for _, probed in known), default=0.0)
        harmless = [pair for pair in known if pair[1].bits.base_language <= least + HARM]
        excluded = [name for name, _ in known if name not in dict(harmless)]
        return sorted(harmless, key=lambda pair: pair[1].bits.target), excluded

    def _steps(self) -> str:
        return f"{self.probe_steps:,} step{'s' if self.probe_steps > 1 else ''} of training"

    def to_dict(self) -> dict[str, Any]:
        """The table as plain data, ready for JSON."""
        choice, why = self.choice()
        leads = [dataclasses.asdict(lead) for lead in self.leads()]
        return {**dataclasses.asdict(self), "choice": choice, "why": why, "leads": leads}

    def to_json(self) -> str:
        """The content of compare.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"


def _interval(lead: Lead) -> str:
    """The interval in words, as a distance ahead, or behind where the lead is negative."""
    if lead.interval is None:
        return ""
    low, high = lead.interval if lead.bits >= 0 else (-lead.interval[1], -lead.interval[0])
    return f" (95 % interval {low:.3f} to {high:.3f} bits per byte)"
