"""Word-like pieces for scripts without spaces, learned from the text itself by SentencePiece's Unigram model.

Word vectors need units that are meaningful and recur. A single grapheme cluster means little, and a whole
phrase seldom recurs; the pieces that maximize the text's likelihood lie in between (Kudo 2018). That they can
serve as words is inferred.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence

import sentencepiece

from vocabx.errors import VectorsError
from vocabx.vectors.words import WORD

_PIECES = 16_000
# Learn from at most this many lines, spread over the text: more would take minutes and change little.
_LINES = 200_000


def learned_segmenter(lines: Sequence[str], pieces: int = _PIECES) -> Callable[[str], list[str]]:
    """Return a function that splits a line into pieces, learned from `lines`.

    Raises:
        VectorsError: the text is too small to learn pieces from.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_runs(lines[:: 1 + len(lines) // _LINES]),
            model_writer=model,
            model_type="unigram",
            vocab_size=pieces,
            hard_vocab_limit=False,
            character_coverage=0.9995,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError:
        raise VectorsError("the text is too small to learn word vectors from: pass more text") from None
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())

    def split(line: str) -> list[str]:
        found: list[list[str]] = processor.encode(list(_runs([line])), out_type=str)
        return [piece for run in found for piece in run]

    return split


def _runs(lines: Iterable[str]) -> Iterator[str]:
    """Runs of letters: pieces must not extend across spaces and punctuation."""
    return (run for line in lines for run in WORD.findall(line))
