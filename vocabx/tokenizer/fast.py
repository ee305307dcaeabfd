"""What every tokenizer can be asked, whatever its family. The families differ in `families/`, nowhere else.

Tokens are told by the bytes they stand for in running text: "Ġ中" of one family and "▁中" of another are both
the bytes of " 中". Holds no learning, no files but the companions that a family needs.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import SPACE

Ids = NDArray[np.int64]
# What llama.cpp and the slow tokenizers call a SentencePiece model.
MODEL_NAME = "tokenizer.model"


def build_rust(spec: dict[str, Any]) -> Tokenizer:
    """The tokenizer of the tokenizers library for the content of a tokenizer.json.

    Raises:
        Exception: the library cannot make one of it; it has no class of its own for that.
    """
    try:
        # Some twenty times as fast as json, for a vocabulary of 50,000 pieces.
        return Tokenizer.from_buffer(msgspec.json.encode(spec))
    except UnicodeEncodeError:
        # Half a surrogate pair, which json escapes.
        return Tokenizer.from_str(json.dumps(spec))


@dataclass(frozen=True)
class FastTokenizer(ABC):
    """A tokenizer as its tokenizer.json states it.

    Attributes:
        spec: the parsed tokenizer.json; never changed in place.
    """

    spec: dict[str, Any] = field(repr=False)

    family: ClassVar[str]
    needs_parts: ClassVar[bool]
    """Whether a token can be reached only where its parts are tokens too, as in BPE."""
    appends_rules: ClassVar[bool]
    """Whether new rules rank behind all of the base's, and not only behind those that text brings about."""
    model_inputs: ClassVar[tuple[str, ...]] = ("input_ids", "attention_mask")
    """What models of the family are fed, where the base's configuration does not say."""

    @abstractmethod
    def pieces(self) -> Mapping[str, int]:
        """The model's own vocabulary, piece as written to id."""

    @abstractmethod
    def piece_to_bytes(self, piece: str) -> bytes | None:
        """The bytes that a piece stands for in running text, or None when it stands for no text."""

    @abstractmethod
    def bytes_to_piece(self, token: bytes) -> str | None:
        """The piece as written that stands for `token`, or None when the family cannot write it."""

    @abstractmethod
    def assemble(self, parts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """The merges, as (left, right), that make one token of a unit that the base spells in `parts`."""

    @abstractmethod
    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:
        """Return this tokenizer with the tokens of `merges` after its own.

        A merge whose token is known already adds at most a rule; every other takes the next id. Text that
        holds none of the new tokens is cut as before.

        Args:
            merges: in rank order; each part is a token of the base or of an earlier merge.
            first_id: the id of the first new token, at least `size`.
        """

    @abstractmethod
    def rules(self) -> list[Any]:
        """What decides between pieces, in the order of the file: merges, or pieces with their scores."""

    @property
    def loses_text(self) -> bool:
        """Whether a character without a piece becomes the unknown token, and cannot be read back."""
        return self.unknown_id is not None and not self.spec["model"].get("byte_fallback")

    def normal(self, text: str) -> str:
        """`text` as the normalizer leaves it."""
        normalizer = self.rust.normalizer
        return text if normalizer is None else str(normalizer.normalize_str(text))

    def keeps(self, text: str) -> bool:
        """Whether the normalizer leaves the characters of `text` as they are: else no piece of it is met."""
        return self.normal(text).replace(SPACE, " ").strip(" ") == text.strip(" ")

    def canonical(self, text: str) -> str:
        """`text` as far as the family keeps it: texts that are equal here may decode to the same."""
        return text

    def adapted(self, alphabet: Alphabet) -> Self:
        """Return this tokenizer with a pre-tokenizer that does not cut inside the words of `alphabet`.

        Text without its characters is cut as before. A family that cuts no words returns itself.

        Raises:
            TokenizerError: the pre-tokenizer cuts words in a way that is not known.
        """
        return self

    def tied(self, one: Sequence[int], other: Sequence[int]) -> bool:
        """Whether a family of scores finds two cuts of a text equally good, so that rounding chooses."""
        return False

    def companions(self) -> dict[str, bytes]:
        """Files that must stand beside tokenizer.json and agree with it, by name."""
        return {}

    def special_names(self) -> dict[str, str]:
        """The roles of special tokens as far as the family's own files name them, as "bos_token"."""
        return {}

    @cached_property
    def rust(self) -> Tokenizer:
        """The tokenizer of the tokenizers library."""
        return build_rust(self.spec)

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Piece as written to id, added tokens included."""
        vocabulary = dict(self.pieces())
        vocabulary.update({token["content"]: token["id"] for token in self.spec["added_tokens"]})
        return vocabulary

    @cached_property
    def added_ids(self) -> frozenset[int]:
        """Ids of the added tokens: special ones, and those matched as whole strings."""
        return frozenset(token["id"] for token in self.spec["added_tokens"])

    @cached_property
    def token_bytes(self) -> dict[int, bytes]:
        """Id to the bytes the token stands for; added tokens are left out."""
        return {
            index: data
            for piece, index in self.vocabulary.items()
            if index not in self.added_ids and (data := self.piece_to_bytes(piece)) is not None
        }

    @cached_property
    def known_bytes(self) -> frozenset[bytes]:
        """What the tokens stand for."""
        return frozenset(self.token_bytes.values())

    @cached_property
    def id_to_piece(self) -> dict[int, str]:
        """Id to the piece as written."""
        return {index: piece for piece, index in self.vocabulary.items()}

    @cached_property
    def size(self) -> int:
        """One more than the highest id: the least number of rows a table needs."""
        return max(self.vocabulary.values()) + 1

    @property
    def unknown_id(self) -> int | None:
        """Id of the token for what has no token, or None."""
        return self.vocabulary.get(self.spec["model"].get("unk_token") or "")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without the special tokens that a template adds.

        The literal text of a special token becomes that token, as in the base.
        """
        return [encoding.ids for encoding in self.rust.encode_batch_fast(texts, add_special_tokens=False)]

    def usage(self, texts: Sequence[str], advance: Callable[[float], None] = lambda done: None) -> Ids:
        """How often each id, from 0 to `size`, occurs in the encoded `texts`.

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
        """Ids into which the model cuts the piece of `token` where nothing stands beside it."""
        piece = self.bytes_to_piece(token)
        return () if piece is None else tuple(part.id for part in self.rust.model.tokenize(piece))

    def reaches(self, index: int) -> bool:
        """Whether the piece of the token `index` is cut into just that token."""
        parts = self.rust.model.tokenize(self.id_to_piece[index])
        return len(parts) == 1 and parts[0].id == index

    def text_of(self, index: int) -> str | None:
        """The text of a token, or None when its bytes are no whole characters."""
        data = self.token_bytes.get(index)
        if data is None:
            return self.rust.id_to_token(index) or ""
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None

    def describe(self, index: int) -> str:
        """A token for people: its text, or its bytes in hexadecimal when they are no whole characters."""
        text = self.text_of(index)
        return self.token_bytes[index].hex(" ").upper() if text is None else text

    def atoms(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Cut `texts` as the base does, for learning: atoms, and for each a number that tells its word.

        An atom is an id; where the family has one unknown token for a character or a whole word, atoms
        from `size` on stand for the characters themselves, see `atom_bytes`. An added token is a word
        of its own.
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


def components(component: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """A normalizer, pre-tokenizer or decoder and the parts of it, sequences unfolded."""
    if component is None:
        return
    yield component
    for key in ("normalizers", "pretokenizers", "processors", "decoders"):
        for part in component.get(key, ()):
            yield from components(part)
