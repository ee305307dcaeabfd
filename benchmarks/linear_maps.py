"""Can a linear map make embeddings of the model's states over pieces, as FragMend (arXiv 2604.16656) does?

    python benchmarks/linear_maps.py [--bases smollm2] [--languages zh-Hant] [--depth 0.33] [--penalty 0.001]

Old tokens are divided at random into shorter old tokens. A ridge regression is fitted from the state over
the last of these, after some of the layers, to the token's input embedding, and judged on a tenth of the
tokens that it has not seen (R², the share of the variance that it explains), at several depths and penalties.
Then new tokens are initialized by one such map, with lm_head rows as `first-piece`, and measured as in
value.py. The divisions and the regression are ours: this is the idea in its simplest form, not the paper's
procedure.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import value
from common import Result, finish, machine, run_script
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.initializers.first_piece import first_piece_outputs
from vocabx.initializers.initializer import Initializer
from vocabx.initializers.inputs import InitializerInputs, base_model, old_tables
from vocabx.initializers.registry import INITIALIZERS
from vocabx.initializers.zip_tie import zip_tie
from vocabx.mixture.initialization import Initialization

NAME = "linear-maps"
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
# Old tokens that are divided at most, and pieces of one at most.
_TOKENS, _PIECES = 10_000, 8
_AT_ONCE = 256

Floats = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = value.parser()
    parser.description = __doc__
    parser.add_argument("--depth", type=float, default=1 / 3, help="share of the layers; default: a third")
    parser.add_argument("--penalty", type=float, default=1e-3, help="of the ridge regression; default: 0.001")
    parser.set_defaults(bases=("smollm2",), languages=("zh-Hant",))
    options = parser.parse_args(arguments)
    result: Result = {"machine": machine()}
    for group in value.groups_of(options):
        explained: dict[str, list[float]] = {}
        function = partial(linear_map, options.depth, options.penalty, explained)
        method = f"{NAME}+untie"
        with registered(Initializer(function, "a trial", model=True, own_output=True)):
            cell = value.made(group, value.prepare(group, [method], untie=True), method)
        result[group.cell(method)] = {**cell, "R² by layer, of penalties": explained}
    return finish(options.out, NAME, {**result, "penalties": list(PENALTIES)})


@contextmanager
def registered(initializer: Initializer) -> Iterator[None]:
    """The trial is among the initializers while entered."""
    INITIALIZERS[NAME] = initializer
    try:
        yield
    finally:
        del INITIALIZERS[NAME]


def linear_map(
    depth: float, penalty: float, explained: dict[str, list[float]], inputs: InitializerInputs
) -> Initialization:
    """Input: the map of the state over the last piece. Output: as `first-piece`. Fills `explained`."""
    model, old = base_model(inputs), np.asarray(old_tables(inputs).input, np.float32)[: inputs.old_rows]
    model.eval()
    divided = divisions(inputs.old_tokens, np.random.default_rng(inputs.seed))
    wanted = old[list(divided)].astype(np.float64)
    states = last_states(model, list(divided.values()))
    seen = len(wanted) * 9 // 10
    for layer in range(1, states.shape[1], max(1, states.shape[1] // 8)):
        maps = (Ridge(states[:seen, layer], wanted[:seen], some) for some in PENALTIES)
        explained[str(layer)] = [round(one.explained(states[seen:, layer], wanted[seen:]), 4) for one in maps]
    layer = max(1, round(depth * (states.shape[1] - 1)))
    rows = Ridge(states[:, layer], wanted, penalty)(last_states(model, inputs.pieces)[:, layer])
    start = zip_tie(inputs)
    output, _ = first_piece_outputs(inputs, model)
    return Initialization(start.shifting((rows - start.apply(old)).astype(np.float32)), output)


def divisions(tokens: Sequence[bytes | None], rng: np.random.Generator) -> dict[int, tuple[int, ...]]:
    """Old tokens with shorter ones that spell them: the longest first, none above a length that is drawn."""
    ids = {data: index for index, data in enumerate(tokens) if data}
    found: dict[int, tuple[int, ...]] = {}
    for index in rng.permutation(len(tokens)):
        data = tokens[index]
        if not data or len(data) < 2 or len(found) == _TOKENS:
            continue
        limit, at, pieces = int(rng.integers(1, len(data))), 0, []
        while at < len(data):
            sizes = range(min(limit, len(data) - at), 0, -1)
            size = next((size for size in sizes if data[at : at + size] in ids), 0)
            if not size:
                break
            pieces.append(ids[data[at : at + size]])
            at += size
        if at == len(data) and len(pieces) <= _PIECES:
            found[int(index)] = tuple(pieces)
    return found


def last_states(model: Any, sequences: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The states over the last id of each sequence after each layer, (n, layers + 1, D)."""
    torch = need("torch", "evaluate")
    layers, width = model.config.num_hidden_layers, model.config.hidden_size
    found = np.zeros((len(sequences), layers + 1, width), np.float32)
    lengths = np.array([len(one) for one in sequences])
    for length in np.unique(lengths):
        alike = np.flatnonzero(lengths == length)
        for part in np.split(alike, range(_AT_ONCE, len(alike), _AT_ONCE)):
            ids = torch.tensor([list(sequences[index]) for index in part])
            with torch.inference_mode():
                hidden = model.get_decoder()(
                    input_ids=ids, output_hidden_states=True, use_cache=False
                ).hidden_states
            found[part] = torch.stack([state[:, -1].float() for state in hidden], dim=1).numpy()
    return found


class Ridge:
    """A ridge regression on standardized features, with a constant."""

    def __init__(self, features: NDArray[np.float32], wanted: Floats, penalty: float) -> None:
        self.mean, self.deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
        x = self._standardized(features)
        self.constant = wanted.mean(axis=0)
        gram = x.T @ x
        gram[np.diag_indices_from(gram)] += penalty * len(x)
        self.weights = np.linalg.solve(gram, x.T @ (wanted - self.constant))

    def __call__(self, features: NDArray[np.float32]) -> Floats:
        """What is predicted, (n, D)."""
        return np.asarray(self._standardized(features) @ self.weights + self.constant)

    def explained(self, features: NDArray[np.float32], wanted: Floats) -> float:
        """R², 1 minus the squared error over the variance of `wanted`."""
        error = np.square(self(features) - wanted).sum()
        return float(1 - error / np.square(wanted - wanted.mean(axis=0)).sum())

    def _standardized(self, features: NDArray[np.float32]) -> Floats:
        return np.asarray((features - self.mean) / self.deviation, np.float64)


if __name__ == "__main__":
    run_script(main)
