"""The stability gap: held-out text gets worse in the first steps of continued pretraining, and then recovers.

After arXiv 2406.14833, which shows it in the accuracy of tasks; here it is seen in bits per byte (inferred).
"""

from collections.abc import Sequence

from vocabx._util.json_file import Count, Written

# A worst score later than in this share of the run is no gap but forgetting that goes on (inferred).
_EARLY = 0.25


class Gap(Written, frozen=True):
    """A gap in the held-out scores of a run.

    Attributes:
        step: of the worst score, the bottom of the gap.
        depth: how much worse than before training that is, in bits per byte.
        recovered: the first step after it that is no worse than before training; None if there is none.
    """

    step: Count
    depth: float
    recovered: Count | None


def find_gap(steps: Sequence[int], bits: Sequence[float]) -> Gap | None:
    """The gap in the scores of a run, None where there is none.

    Args:
        steps: of the scores, ascending; the first one is from before training.
        bits: bits per byte after each of them.
    """
    if len(bits) < 3:
        return None
    bottom = max(range(len(bits)), key=lambda place: (bits[place], -place))
    if not bottom or bits[bottom] <= bits[0] or steps[bottom] > _EARLY * steps[-1]:
        return None
    if bits[-1] >= bits[bottom]:
        return None
    later = zip(steps[bottom:], bits[bottom:], strict=True)
    recovered = next((step for step, score in later if score <= bits[0]), None)
    return Gap(steps[bottom], bits[bottom] - bits[0], recovered)
