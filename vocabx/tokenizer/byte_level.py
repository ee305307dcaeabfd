"""Byte-level BPE tokenizers (GPT-2, Llama 3, Qwen, SmolLM2): reading one, and extending one by merges.

New merges go after the base's, so the base's segmentation of a text is a first stage that never changes,
and a text without a new pair comes out as before. Does not learn merges and does not write files.
"""

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from vocabx.errors import TokenizerError
from vocabx.tokenizer.byte_alphabet import from_alphabet, to_alphabet


@dataclass(frozen=True)
class Merge:
    """One merge: `left` and `right` become the token `left + right`; `count` is how often in the corpus."""

    left: bytes
    right: bytes
    count: int

    @property
    def token(self) -> bytes:
        """The bytes of the token that the merge makes."""
        return self.left + self.right


@dataclass(frozen=True)
class ByteLevelTokenizer:
    """A byte-level BPE tokenizer as its tokenizer.json states it.

    Attributes:
        spec: the parsed tokenizer.json; never changed in place.
    """

    spec: dict[str, Any] = field(repr=False)

    @cached_property
    def rust(self) -> Tokenizer:
        """The tokenizer of the tokenizers library."""
        return Tokenizer.from_str(json.dumps(self.spec, ensure_ascii=False))

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Token text in the byte alphabet (special tokens: as written) to id, added tokens included."""
        vocabulary: dict[str, int] = dict(self.spec["model"]["vocab"])
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
            for text, index in self.vocabulary.items()
            if index not in self.added_ids and (data := from_alphabet(text)) is not None
        }

    @property
    def size(self) -> int:
        """One more than the highest id: the least number of rows a table needs."""
        return max(self.vocabulary.values()) + 1

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without the special tokens that a template adds.

        The literal text of a special token becomes that token, as in the base.
        """
        return [encoding.ids for encoding in self.rust.encode_batch_fast(texts, add_special_tokens=False)]

    def usage(
        self, texts: Sequence[str], advance: Callable[[float], None] = lambda done: None
    ) -> NDArray[np.int64]:
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

    def extended(self, merges: Iterable[Merge], first_id: int) -> "ByteLevelTokenizer":
        """Return this tokenizer with `merges` after its own.

        A merge whose token is known already only adds the rule; every other takes the next id.

        Args:
            merges: in rank order; each part is a token of the base or of an earlier merge.
            first_id: the id of the first new token, at least `size`.
        """
        spec = copy.copy(self.spec)
        spec["model"] = model = dict(self.spec["model"])
        # An added token that the model does not know gets its id from the model's size when the file
        # is read again: entered in the model, it keeps its id however many tokens follow.
        vocabulary: dict[str, int] = dict(self.vocabulary)
        rules = list(model["merges"])
        as_text = bool(rules) and isinstance(rules[0], str)
        next_id = first_id
        for merge in merges:
            left, right, token = map(to_alphabet, (merge.left, merge.right, merge.token))
            if token not in vocabulary:
                vocabulary[token] = next_id
                next_id += 1
            rules.append(f"{left} {right}" if as_text else [left, right])
        model["vocab"] = dict(sorted(vocabulary.items(), key=lambda item: item[1]))
        model["merges"] = rules
        return ByteLevelTokenizer(spec)


def read_tokenizer(directory: Path) -> ByteLevelTokenizer:
    """Read the tokenizer.json of a model directory.

    Raises:
        TokenizerError: there is none, it is damaged, or it is not byte-level BPE.
    """
    path = directory / "tokenizer.json"
    if not path.is_file():
        raise TokenizerError(f"{directory} has no tokenizer.json: vocabx extends fast tokenizers")
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
        Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # The Rust side raises bare Exception for every damaged file.
        raise TokenizerError(f"{path} cannot be read as a tokenizer: {error}") from None
    kind = _family(spec)
    if kind != "byte-level BPE":
        raise TokenizerError(f"{path} is a {kind} tokenizer: vocabx extends byte-level BPE tokenizers so far")
    return ByteLevelTokenizer(spec)


def _family(spec: dict[str, Any]) -> str:
    model = spec["model"]
    if model.get("type", "BPE") != "BPE":
        return str(model["type"])
    if model.get("byte_fallback"):
        return "SentencePiece BPE"
    if any(component.get("type") == "ByteLevel" for component in _components(spec.get("pre_tokenizer"))):
        return "byte-level BPE"
    return "character-level BPE"


def _components(component: dict[str, Any] | None) -> Iterable[dict[str, Any]]:
    """The parts of a pre-tokenizer, sequences unfolded."""
    if component is None:
        return
    yield component
    for part in component.get("pretokenizers", ()):
        yield from _components(part)
