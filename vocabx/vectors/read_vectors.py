"""Reads files of word vectors, whose format is recognized by content and not by name.

    fastText     .bin: magic number; words and n-grams, so a vector for any text   (needs gensim)
    word2vec     binary: a line "W S", then each word with its S raw floats
    text         .vec, word2vec and GloVe: one word per line; the line "W S" may be missing
    any of them  compressed with gzip

gensim's own files are pickles, which can execute code when loaded, and are refused; `from_gensim` accepts
objects that are already in memory.
"""

import gzip
import mmap
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx.errors import VectorsError
from vocabx.vectors.content import open_content
from vocabx.vectors.silence import silent_gensim
from vocabx.vectors.space import WordVectors, distinct
from vocabx.vectors.subwords import SubwordTable
from vocabx.vectors.text_file import read_text

# fasttext/src/fasttext.cc: FASTTEXT_FILEFORMAT_MAGIC_INT32.
_FASTTEXT = struct.pack("<i", 793712314)
_HEADER = re.compile(rb"(\d{1,12}) (\d{1,7}) ?\r?\n")


def load_vectors(path: Path) -> WordVectors:
    """Read a file of word vectors.

    Raises:
        VectorsError: the file is missing, of an unknown format, or truncated.
        MissingPackageError: the file is a fastText model, and gensim is not installed.
    """
    start = _first_bytes(path)
    if start.startswith(_FASTTEXT):
        return _fasttext(path)
    if start.startswith(b"PK\x03\x04"):
        raise VectorsError(f"{path}: a zip archive: unpack it and pass the file of vectors inside")
    if re.match(rb"\x80[\x02-\x05]", start):
        raise VectorsError(
            f"{path}: a pickle, of gensim or another program, which is never loaded: in gensim, save it with "
            "keyed_vectors.save_word2vec_format('vectors.bin', binary=True) and pass that file"
        )
    header = _HEADER.match(start)
    try:
        if header is None:
            return read_text(path, None)
        words, width = int(header[1]), int(header[2])
        if not words or not width:
            raise VectorsError(f"{path}: empty: its first line announces {words} words of {width} numbers")
        if _is_text(start[header.end() :]):
            return read_text(path, (words, width))
        return _binary(path, header.end(), words, width)
    except (EOFError, OSError, zlib.error) as error:
        raise _unreadable(path, error) from None


def from_gensim(keyed_vectors: Any) -> WordVectors:
    """Take the vectors of a gensim KeyedVectors or FastTextKeyedVectors that is in memory.

    When gensim reads a file without counts, it makes up W, W - 1, .., 1: those are dropped.

    Raises:
        VectorsError: the object has no vectors, or invalid ones.
    """
    words = tuple(keyed_vectors.index_to_key)
    matrix = np.asarray(keyed_vectors.vectors, dtype=np.float32)
    counts = keyed_vectors.expandos.get("count")
    if counts is not None:
        counts = np.asarray(counts, dtype=np.int64)
        if np.array_equal(counts, np.arange(len(words), 0, -1)):
            counts = None
    grams = getattr(keyed_vectors, "vectors_ngrams", None)
    table = None
    if grams is not None:
        table = SubwordTable(
            index=keyed_vectors.key_to_index,
            words=matrix,
            grams=np.asarray(grams, dtype=np.float32),
            shortest=keyed_vectors.min_n,
            longest=keyed_vectors.max_n,
        )
    kind = "fastText" if table is not None else "word"
    origin = f"{kind} vectors of gensim, {len(words):,} words"
    return WordVectors(words, matrix, counts, table, origin)


def _first_bytes(path: Path) -> bytes:
    """The first bytes of the decompressed content."""
    if path.is_dir():
        raise VectorsError(f"{path}: a directory: pass the file of word vectors itself")
    try:
        with open_content(path) as stream:
            start = stream.read(1 << 16)
    except FileNotFoundError:
        raise VectorsError(f"{path}: no such file of word vectors") from None
    except (EOFError, OSError, zlib.error) as error:
        raise _unreadable(path, error) from None
    if not start:
        raise VectorsError(f"{path}: empty: pass a file with word vectors")
    return start


def _unreadable(path: Path, error: BaseException) -> VectorsError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return VectorsError(f"{path}: cannot be read as word vectors ({reason}): download it again")


def _is_text(rest: bytes) -> bool:
    """Whether what follows the first line is text: raw floats contain control characters, text does not."""
    return not re.search(rb"[\x00-\x08\x0e-\x1f]", rest[:4096])


def _binary(path: Path, start: int, words: int, width: int) -> WordVectors:
    """Read word2vec's binary format: word, space, `width` little-endian floats, optionally a newline."""
    with open_content(path) as stream:
        packed = isinstance(stream, gzip.GzipFile)
        content: Any = stream.read() if packed else mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    step = 4 * width
    # A minimum size for so many words: a wrong first line must not allocate all available memory.
    if words * (step + 1) > len(content) - start:
        raise VectorsError(
            f"{path}: announces {words:,} words of {width} numbers and is too short: download it again"
        )
    matrix = np.empty((words, width), dtype=np.float32)
    names: list[str] = []
    position = start
    for row in range(words):
        space = content.find(b" ", position, position + 4096)
        if space < 0 or space + 1 + step > len(content):
            raise VectorsError(
                f"{path}: word {row + 1:,} of {words:,} is incomplete: download the file again"
            )
        # The program that writes such files truncates a few words inside a character.
        names.append(content[position:space].decode("utf-8", "replace").lstrip("\n"))
        matrix[row] = np.frombuffer(content, "<f4", width, space + 1)
        position = space + 1 + step
    kept, rows, _ = distinct(names, matrix)
    return WordVectors(kept, rows, origin=f"{path.name}, word2vec, {len(kept):,} words of {width}")


def _fasttext(path: Path) -> WordVectors:
    """Read a fastText model with its n-grams; the rest, for further training, is ignored."""
    fasttext = need("gensim.models.fasttext", "vectors")
    try:
        with silent_gensim():
            loaded = from_gensim(fasttext.load_facebook_vectors(str(path)))
    except VectorsError:
        raise
    # gensim raises almost any exception for a broken model: struct.error, AssertionError, MemoryError, ..
    except Exception as error:
        raise _unreadable(path, error) from None
    # Rows stay as gensim computes them: the mean of the word's own row and its n-grams.
    words, matrix, counts = distinct(loaded.words, loaded.matrix, loaded.counts)
    origin = f"{path.name}, fastText with n-grams, {len(words):,} words of {loaded.width}"
    return WordVectors(words, matrix, counts, loaded.of_text, origin)
