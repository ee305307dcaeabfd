"""The interface of all tokenizers. What differs between families is in `families/`, nowhere else.

Tokens are identified by the bytes they stand for in running text: "Ġ中" in one family and "▁中" in another
are both the bytes of " 中".
"""

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self
from unicodedata import category

import msgspec
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from vocabx.progress import Advance
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import SPACE, is_unused, unused_piece

Ids = NDArray[np.int64]
_JOINERS = "\u200c\u200d"
# The name of a SentencePiece model's file that llama.cpp and slow tokenizers expect.
MODEL_NAME = "tokenizer.model"


def build_rust(spec: dict[str, Any]) -> Tokenizer:
    """Build the tokenizers library's tokenizer from a parsed tokenizer.json.

    Raises:
        Exception: the library rejects it; it raises bare exceptions.
    """
    try:
        # About twenty times as fast as json for a vocabulary of 50,000 pieces.
        return Tokenizer.from_buffer(msgspec.json.encode(spec))
    except UnicodeEncodeError:
        # Half a surrogate pair, which only json can escape.
        return Tokenizer.from_str(json.dumps(spec))


def as_measured(spec: dict[str, Any]) -> dict[str, Any]:
    """`spec` without truncation, padding and dropout: the tokens of the whole text, and no others."""
    model = {**spec["model"], "dropout": None} if spec["model"].get("dropout") else spec["model"]
    if model is spec["model"] and not (spec.get("truncation") or spec.get("padding")):
        return spec
    return {**spec, "truncation": None, "padding": None, "model": model}


def without_holes(vocabulary: Mapping[str, int], size: int = 0, space: str = " ") -> dict[str, int]:
    """`vocabulary` in id order, with a placeholder at each id without a piece, up to the last or to `size`.

    No text contains a placeholder. Without them there would be fewer pieces than ids, and a token that a user
    adds, whose id follows from their number, would get the id of another.
    """
    pieces = {index: piece for piece, index in vocabulary.items()}
    size = max(size, *(index + 1 for index in pieces)) if pieces else size
    return {pieces.get(index) or unused_piece(index, space): index for index in range(size)}


def is_mixed(token: bytes) -> bool:
    """Whether a token holds letters or marks and also other characters, a leading space aside, or two digits.

    SentencePiece's trainer makes no such pieces (as Llama and Gemma call it), so some readers of its models
    (onnxruntime's) split text there, and digits into groups of three, before they look for pieces.
    """
    digits = sum(category(character)[0] == "N" for character in token.decode("utf-8", "ignore"))
    return len(kinds_of(token)) > 1 or digits > 1


def kinds_of(token: bytes) -> frozenset[bool]:
    """Whether the characters of a token are letters, marks or joiners: True, False, or both.

    Spaces and incomplete characters count as neither.
    """
    text = token.decode("utf-8", "ignore")
    return frozenset(
        category(character)[0] in "LM" or character in _JOINERS for character in text if character != " "
    )


@dataclass(frozen=True)
class FastTokenizer(ABC):
    """A tokenizer as its tokenizer.json states it.

    Attributes:
        spec: the parsed tokenizer.json; never changed in place.
    """

    spec: dict[str, Any] = field(repr=False)

    family: ClassVar[str]
    needs_parts: ClassVar[bool]
    """Whether a token is reachable only if its parts are tokens too, as in BPE."""
    appends_rules: ClassVar[bool]
    """Whether an extension's rules all come after the base's, rather than in between."""
    mixes: ClassVar[bool] = True
    """Whether a token may hold letters beside punctuation, symbols or digits; see `is_mixed`."""
    unused_space: ClassVar[str] = " "
    """What stands for spaces in the placeholders at ids without a token; see `unused_piece`."""
    model_inputs: ClassVar[tuple[str, ...]] = ("input_ids", "attention_mask")
    """The inputs of the family's models, where the base's configuration does not state them."""

    @abstractmethod
    def pieces(self) -> Mapping[str, int]:
        """The model's own vocabulary, from piece to id."""

    @abstractmethod
    def piece_to_bytes(self, piece: str) -> bytes | None:
        """The bytes that a piece stands for in running text, or None when it stands for none."""

    @abstractmethod
    def bytes_to_piece(self, token: bytes) -> str | None:
        """The piece that stands for `token`, or None when the family cannot represent it."""

    @abstractmethod
    def assemble(self, parts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """The merges, as (left, right), that join `parts`, the base's tokens of one unit, into one token."""

    @abstractmethod
    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:
        """Return this tokenizer with the tokens of `merges` after its own.

        A merge whose token exists already adds at most a rule; every other gets the next id. Text that
        contains none of the new tokens is tokenized as before.

        Args:
            merges: in rank order; each part is a token of the base or of an earlier merge.
            first_id: the id of the first new token, at least `size`.
        """

    def padded(self, rows: int) -> Self:
        """Return this tokenizer with a placeholder at each id below `rows` that has no token.

        No text contains a placeholder. Readers then count as many tokens as the embedding matrix has rows,
        and a token that a user adds gets an id behind them, not that of a padding row, which generation
        suppresses.
        """
        spec = copy.copy(self.spec)
        vocabulary = without_holes(self.vocabulary, rows, self.unused_space)
        spec["model"] = {**self.spec["model"], "vocab": vocabulary}
        return replace(self, spec=spec)

    @abstractmethod
    def rules(self) -> list[Any]:
        """The rules of segmentation in file order: merges, or pieces with their scores."""

    def lost_tokens(self, text: str) -> list[bytes]:
        """What the tokens lack for `text`, and drop without a trace: bytes, each as a token without parts."""
        return []

    def dropped_in_words(self) -> Sequence[str] | None:
        """The characters of the pre-tokenizer's words that have no token and are dropped without a trace.

        None where such a word, without those, may contain white space, or not be as long as its tokens have
        bytes.
        """
        return None

    def allows(self, alphabet: Alphabet, token: bytes) -> bool:
        """Whether the language of `alphabet` may have `token`; see `Alphabet.allows_token`."""
        return alphabet.allows_token(token)

    def with_appended(self, merges: Iterable[Merge], first_id: int) -> dict[str, Any]:
        """The tokenizer.json of a BPE tokenizer with `merges` after its own; see `extended`."""
        model = dict(self.spec["model"])
        # When the file is read again, an added token outside the model's vocabulary gets its id from the
        # model's size: entered in the vocabulary, it keeps its id however many tokens follow.
        vocabulary = dict(self.vocabulary)
        rules = list(model["merges"])
        as_text = bool(rules) and isinstance(rules[0], str)
        next_id = first_id
        for merge in merges:
            left, right, token = map(self.bytes_to_piece, (merge.left, merge.right, merge.token))
            if right is None or token is None:
                continue
            if token not in vocabulary:
                vocabulary[token] = next_id
                next_id += 1
            # A token without parts has no rule.
            if merge.left:
                rules.append(f"{left} {right}" if as_text else [left, right])
        model["vocab"] = without_holes(vocabulary, space=self.unused_space)
        model["merges"] = rules
        return {**self.spec, "model": model}

    @property
    def loses_text(self) -> bool:
        """Whether a character without a piece becomes the unknown token and cannot be decoded."""
        return self.unknown_id is not None and not self.spec["model"].get("byte_fallback")

    def normal(self, text: str) -> str:
        """`text` after the normalizer."""
        normalizer = self.rust.normalizer
        return text if normalizer is None else str(normalizer.normalize_str(text))

    def keeps(self, text: str) -> bool:
        """Whether the normalizer keeps `text`, surrounding spaces aside: only then can its piece occur."""
        return self.normal(text).replace(SPACE, " ").strip(" ") == text.strip(" ")

    def canonical(self, text: str) -> str:
        """`text` without what the family does not preserve: texts equal here may decode to the same text."""
        return text

    def adapted(self, alphabet: Alphabet) -> Self:
        """Return this tokenizer with a pre-tokenizer that does not split words of `alphabet`.

        Text without its characters is tokenized as before. A family that splits no words returns itself.

        Raises:
            TokenizerError: the pre-tokenizer is of an unsupported kind.
        """
        return self

    def tied(self, one: Sequence[int], other: Sequence[int]) -> bool:
        """Whether two segmentations of a text score the same up to rounding, in families with scores."""
        return False

    def companions(self) -> dict[str, bytes]:
        """Files that belong beside tokenizer.json and must agree with it, by name."""
        return {}

    def special_names(self) -> dict[str, str]:
        """The special tokens that the family's own files name, by role, e.g. "bos_token"."""
        return {}

    @cached_property
    def rust(self) -> Tokenizer:
        """This tokenizer in the tokenizers library, for whole texts: see `as_measured`."""
        return build_rust(as_measured(self.spec))

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Piece to id, including added tokens."""
        vocabulary = dict(self.pieces())
        vocabulary.update({token["content"]: token["id"] for token in self.spec["added_tokens"]})
        return vocabulary

    @cached_property
    def added_ids(self) -> frozenset[int]:
        """Ids of the added tokens: special tokens, and tokens matched as whole strings."""
        return frozenset(token["id"] for token in self.spec["added_tokens"])

    @cached_property
    def token_bytes(self) -> dict[int, bytes]:
        """Id to the bytes that the token stands for, without added tokens."""
        return {
            index: data
            for piece, index in self.vocabulary.items()
            if index not in self.added_ids and (data := self.piece_to_bytes(piece)) is not None
        }

    def byte_lengths(self, rows: int) -> NDArray[np.int64]:
        """Bytes of text per id, (rows,) int64; 0 for added tokens and for ids without a token."""
        lengths = np.zeros(rows, dtype=np.int64)
        for index, data in self.token_bytes.items():
            if index < rows:
                lengths[index] = len(data)
        return lengths

    @cached_property
    def known_bytes(self) -> frozenset[bytes]:
        """The bytes of all tokens."""
        return frozenset(self.token_bytes.values())

    @cached_property
    def id_to_piece(self) -> dict[int, str]:
        """Id to piece."""
        return {index: piece for piece, index in self.vocabulary.items()}

    @cached_property
    def size(self) -> int:
        """One more than the highest id: the minimum number of rows of an embedding matrix."""
        return max(self.vocabulary.values()) + 1

    @cached_property
    def unused_ids(self) -> tuple[int, ...]:
        """The ids that only a placeholder names, ascending; see `padded`."""
        return tuple(sorted(index for piece, index in self.vocabulary.items() if is_unused(piece)))

    @property
    def named(self) -> int:
        """One more than the highest id of a placeholder, 0 without any."""
        return self.unused_ids[-1] + 1 if self.unused_ids else 0

    @cached_property
    def tokens_end(self) -> int:
        """One more than the highest id of a token; the ids after it, if any, are those of padding rows."""
        return max(index for piece, index in self.vocabulary.items() if not is_unused(piece)) + 1

    @cached_property
    def reached_ids(self) -> tuple[int, ...]:
        """The ids of the tokens whose own piece is tokenized as that token alone, ascending."""
        return tuple(index for index in sorted(self.token_bytes) if self.reaches(index))

    @property
    def unknown_id(self) -> int | None:
        """Id of the unknown token, or None."""
        return self.vocabulary.get(self.spec["model"].get("unk_token") or "")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without the special tokens that a template adds.

        A literal special token in the text becomes that token, as in the base.
        """
        return [encoding.ids for encoding in self.rust.encode_batch_fast(texts, add_special_tokens=False)]

    def usage(self, texts: Sequence[str], advance: Advance = lambda done: None) -> Ids:
        """Count how often each id occurs in the encoded `texts`: int64, (`size`,).

        `advance` is called with the number of texts done.
        """
        counts = np.zeros(self.size, dtype=np.int64)
        for start in range(0, len(texts), 1024):
            batch = self.encode(texts[start : start + 1024])
            ids = np.fromiter((i for row in batch for i in row), dtype=np.int64)
            counts += np.bincount(ids, minlength=self.size)
            advance(len(batch))
        return counts

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens included."""
        return self.rust.decode(ids, skip_special_tokens=False)

    def tokenize(self, token: bytes) -> tuple[int, ...]:
        """The model's ids for the piece of `token`, tokenized on its own."""
        piece = self.bytes_to_piece(token)
        return () if piece is None else tuple(part.id for part in self.rust.model.tokenize(piece))

    def reaches(self, index: int) -> bool:
        """Whether the piece of the token `index` is tokenized as that token alone."""
        parts = self.rust.model.tokenize(self.id_to_piece[index])
        return len(parts) == 1 and parts[0].id == index

    def text_of(self, index: int) -> str | None:
        """The text of a token, or None when its bytes are not complete characters."""
        data = self.token_bytes.get(index)
        if data is None:
            return self.rust.id_to_token(index) or ""
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None

    def describe(self, index: int) -> str:
        """A token for display: its text, or its bytes in hexadecimal if they are not complete characters."""
        text = self.text_of(index)
        return self.token_bytes[index].hex(" ").upper() if text is None else text

    def atoms(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Tokenize `texts` for learning: atoms, and for each atom the number of its word.

        An atom is an id. Where the family has one unknown token for a character or a whole word, atoms from
        `size` on stand for the characters themselves, see `atom_bytes`. An added token is a word of its own.

        Returns:
            Two int64 arrays of equal length.
        """
        encodings = self.rust.encode_batch(texts, add_special_tokens=False)
        lengths = [len(encoding) for encoding in encodings]
        ids = np.fromiter((i for e in encodings for i in e.ids), np.int64, sum(lengths))
        words = np.fromiter(
            (-1 if w is None else w for e in encodings for w in e.word_ids), np.int64, sum(lengths)
        )
        return ids, words + (np.repeat(np.arange(len(lengths)), lengths) << 32)

    def atom_bytes(self, atom: int) -> bytes | None:
        """The bytes of an atom, or None for an added token."""
        return self.token_bytes.get(atom)


def needed_rows(tokenizer: FastTokenizer) -> int:
    """The rows that an embedding matrix must have at least.

    Some models, such as CodeLlama and Gemma 3, have none for the last of their added tokens.
    """
    last = max((i for i in tokenizer.vocabulary.values() if i not in tokenizer.added_ids), default=-1)
    return last + 1


def with_rows_only(tokenizer: FastTokenizer, rows: int) -> FastTokenizer:
    """`tokenizer` without the added tokens whose ids have no row in a matrix of `rows`; see `needed_rows`."""
    rowless = {token["content"] for token in tokenizer.spec["added_tokens"] if token["id"] >= rows}
    if not rowless:
        return tokenizer
    added = [token for token in tokenizer.spec["added_tokens"] if token["content"] not in rowless]
    model = dict(tokenizer.spec["model"])
    if isinstance(model["vocab"], dict):
        model["vocab"] = {piece: index for piece, index in model["vocab"].items() if piece not in rowless}
    else:
        model["vocab"] = [entry for entry in model["vocab"] if entry[0] not in rowless]
    return replace(tokenizer, spec={**tokenizer.spec, "added_tokens": added, "model": model})


def components(component: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """A normalizer, pre-tokenizer or decoder and its parts, with sequences flattened."""
    if component is None:
        return
    yield component
    for key in ("normalizers", "pretokenizers", "processors", "decoders"):
        for part in component.get(key, ()):
            yield from components(part)
