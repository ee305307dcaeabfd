"""Rows of the lm_head that never win, for ids without a token: no runtime has to mask them.

The mean of the old rows, as padding is often filled, gets the mean logit, and 64 such rows were given up to
0.1 % of the probability. A row that no hidden state of the model likes is the mean less a multiple of

    w = argmin ‖H w − 1‖² + λ n ‖w‖²

for the model's last hidden states H over a sample of text: h·w is near 1 for every state, so that the logit
is lower than the mean of all by nearly that multiple. The multiple is 30, or as much less as keeps every
state of the sample from giving more than one nat above the mean. (Inferred; `benchmarks/padding_rows.py`
measures it.)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.initializers.mean_state import last_states, sample_of

# Nats below the mean logit; the ridge λ over the mean square of a state's components; ids that are read.
DEPTH, RIDGE, SAMPLE = 30.0, 0.1, 2048


def padding_shift(model: Any, lines: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    """(D,) What to add to the mean of the old rows of the lm_head, for rows that never win.

    Args:
        model: the base, as for `mean_state`.
        lines: ids of the base's tokens, none empty.

    Raises:
        InitializerError: there is no text, or the states hold NaN or infinity.
        MissingPackageError: torch is not installed.
    """
    found = list(last_states(model, sample_of(lines, SAMPLE)))
    states = np.concatenate([part.states for part in found]) if found else np.zeros((0, 1))
    if not len(states) or not np.isfinite(states).all():
        raise InitializerError("the base's last hidden states hold NaN or infinity: the base is damaged")
    plain, logits = (np.concatenate([getattr(part, name) for part in found]) for name in ("plain", "logits"))
    # Padding rows of the base may hold NaN, and take no part.
    whole = np.isfinite(plain) & np.isfinite(logits)
    plain, logits = plain[whole], logits[whole]
    # Some models multiply the product by a number; a soft cap bends it, and is near 1 for small logits.
    scale = float(plain @ logits) / float(plain @ plain) if plain.any() else 1.0
    count, width = states.shape
    # The dual form: as many equations as states, not as the model is wide.
    gram = states @ states.T + RIDGE * float((states**2).mean()) * count * np.eye(count)
    direction = states.T @ np.linalg.solve(gram, np.ones(count))
    # A state in which the direction is against the others would prefer these rows.
    against = max(0.0, -float((states @ direction).min()))
    depth = DEPTH if against * DEPTH <= 1 else 1 / against
    return np.asarray(-depth / scale * direction, dtype=np.float32).reshape(width)
