"""Parts of the report that no other stage computes: tokenized paragraphs, frequent tokens, norms."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.factorised import rows_of
from vocabx.checkpoint.tables import Table
from vocabx.corpus.passages import passages
from vocabx.report.extension_report import FrequentToken, Norms, Piece, TokenizedParagraph
from vocabx.tokenizer.fast import FastTokenizer

_PARAGRAPH_BYTES = 400
_BINS = 48
# Numbers per block: 32 MB in float64.
_BLOCK = 1 << 22


def tokenize_paragraphs(
    base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str], count: int
) -> tuple[TokenizedParagraph, ...]:
    """The first passage of each of the first `count` texts, tokenized by both tokenizers."""
    chosen = [passages(text.strip(), _PARAGRAPH_BYTES)[0] for text in texts[:count]]
    return tuple(
        TokenizedParagraph(_tokenize(base, base.size, text), _tokenize(extended, base.size, text))
        for text in chosen
    )


def _tokenize(tokenizer: FastTokenizer, first_new: int, text: str) -> tuple[Piece, ...]:
    return tuple(_piece(tokenizer, index, index >= first_new) for index in tokenizer.encode([text])[0])


def _piece(tokenizer: FastTokenizer, index: int, new: bool) -> Piece:
    return Piece(tokenizer.describe(index), new, tokenizer.text_of(index) is not None)


def frequent_tokens(
    base: FastTokenizer,
    extended: FastTokenizer,
    pieces: Mapping[bytes, Sequence[int]],
    texts: Sequence[str],
    count: int,
) -> tuple[FrequentToken, ...]:
    """The `count` new tokens that occur most often in `texts`, with the old tokens they replace."""
    usage = extended.usage(texts)
    new = [index for index, data in extended.token_bytes.items() if data in pieces and usage[index]]
    new.sort(key=lambda index: (-usage[index], index))
    return tuple(
        FrequentToken(
            index,
            _piece(extended, index, True),
            int(usage[index]),
            tuple(_piece(base, piece, False) for piece in pieces[extended.token_bytes[index]]),
        )
        for index in new[:count]
    )


def row_norms(name: str, table: Table, old_rows: int, new_rows: range) -> Norms:
    """Histogram of the norms of the old and new rows of a written embedding matrix, in shared bins.

    Args:
        name: "input" or "output".
        table: an embedding matrix of the extended checkpoint.
        old_rows: how many of its first rows belong to old tokens.
        new_rows: the rows of new tokens; padding rows are in neither.
    """
    old, new = _norms(table, range(old_rows)), _norms(table, new_rows)
    # Without the quantile, a few outliers would squeeze everything else into one bin.
    edges = np.linspace(0.0, float(np.quantile(np.concatenate([old, new]), 0.999)) * 1.02 or 1.0, _BINS + 1)
    return Norms(name, tuple(edges.round(6).tolist()), _histogram(old, edges), _histogram(new, edges))


def _norms(table: Table, rows: range) -> NDArray[np.float64]:
    def blocks() -> Iterator[NDArray[np.float64]]:
        size = max(1, _BLOCK // rows_of(table).shape[1])
        for start in range(rows.start, rows.stop, size):
            # A new map per block: with one long-lived map, everything read would stay resident.
            block = np.asarray(rows_of(table)[start : min(start + size, rows.stop)], dtype=np.float64)
            yield np.sqrt((block**2).sum(axis=1))

    return np.concatenate([np.zeros(0), *blocks()])


def _histogram(norms: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[int, ...]:
    counts, _ = np.histogram(np.minimum(norms, edges[-1]), bins=edges)
    return tuple(counts.tolist())
