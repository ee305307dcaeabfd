"""Static vectors of tokens instead of words, trained on tokenized text.

FOCUS compares tokens by these. Source: arXiv 2305.14481 and its released code, fastText's CBOW with ten
negative samples. No character n-grams: a token is an atomic symbol here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.progress import Advance
from vocabx.vectors.silence import silent_gensim

# gensim silently drops the words of a sentence beyond 10,000.
_LONGEST = 5_000


def train_token_vectors(
    text: NDArray[np.int64],
    line_end: int,
    size: int,
    *,
    width: int = 300,
    epochs: int = 3,
    min_count: int = 10,
    seed: int = 0,
    advance: Advance = lambda done: None,
) -> NDArray[np.float32]:
    """Train a vector for each token that occurs often enough in the text; zeros for all others.

    Args:
        text: ids, with `line_end` between lines.
        line_end: a number that is not an id.
        size: one more than the highest id.
        width: number of columns.
        epochs: passes over the text.
        min_count: tokens that occur less often get no vector.
        seed: of the initial vectors and of the sampling.
        advance: called with the number of tokens done, once per epoch.

    Returns:
        (size, width) float32.

    Raises:
        MissingPackageError: gensim is not installed.
    """
    models = need("gensim.models", "vectors")
    sentences = [
        [str(token) for token in line[start : start + _LONGEST] if token != line_end]
        for line in np.split(text, np.flatnonzero(text == line_end))
        for start in range(0, len(line), _LONGEST)
    ]
    vectors = np.zeros((size, width), np.float32)
    tokens = sum(map(len, sentences))
    model = models.Word2Vec(
        vector_size=width, window=5, min_count=min_count, sg=0, negative=10, seed=(seed + 1) % 2**32,
        workers=1, hashfxn=_stable_hash,
    )  # fmt: skip
    with silent_gensim():
        model.build_vocab(sentences)
        if not len(model.wv):
            return vectors
        callback = _after_each_epoch(lambda: advance(tokens))
        model.train(
            sentences, total_examples=len(sentences), total_words=tokens, epochs=epochs, callbacks=[callback]
        )
    vectors[[int(token) for token in model.wv.index_to_key]] = model.wv.vectors
    return vectors


def _stable_hash(token: Any) -> int:
    """Replaces hash(), whose values differ between processes."""
    return int(token)


def _after_each_epoch(call: Callable[[], None]) -> Any:
    base: Any = need("gensim.models.callbacks", "vectors").CallbackAny2Vec

    class EpochEnd(base):  # type: ignore[misc]
        def on_epoch_end(self, model: Any) -> None:
            call()

    return EpochEnd()
