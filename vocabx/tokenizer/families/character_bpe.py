"""BPE over characters without bytes (NLLB): a character that is no piece becomes the unknown token.

Pieces and merges are those of SentencePiece BPE, and new ones rank below the base's likewise. What differs:
a missing character is lost, so characters come first; and no .model is written, because SentencePiece would
also build pieces that the base's merges do not. Tokenizers that mark the end of a word, or what is inside
one, are left out: see `family_of`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.fast import Ids
from vocabx.tokenizer.sentencepiece_model import SPACE, is_unused


@dataclass(frozen=True)
class CharacterTokenizer(SentencePieceTokenizer):
    """A character-level BPE tokenizer with an unknown token."""

    family: ClassVar[str] = "character-level BPE"

    def piece_to_bytes(self, piece: str) -> bytes | None:  # noqa: D102
        return None if is_unused(piece) else piece.replace(SPACE, " ").encode()

    def canonical(self, text: str) -> str:
        """`text` normalized, with runs of white space as one space and none at the ends."""
        return " ".join(self.normal(text).replace(SPACE, " ").split())

    def companions(self) -> dict[str, bytes]:
        """None: a .model would state other merges."""
        return {}

    def atoms(self, texts: Sequence[str]) -> tuple[Ids, Ids]:  # noqa: D102
        ids: list[int] = []
        words: list[int] = []
        segmenter = self.rust.pre_tokenizer
        for number, text in enumerate(texts):
            normal = self.normal(text)
            parts = [normal] if segmenter is None else [w for w, _ in segmenter.pre_tokenize_str(normal)]
            for place, word in enumerate(parts):
                atoms = self._atoms_of.get(word)
                if atoms is None:
                    atoms = self._atoms_of[word] = self._word_atoms(word)
                ids += atoms
                words += [(number << 32) + place] * len(atoms)
        return np.array(ids, dtype=np.int64), np.array(words, dtype=np.int64)

    def atom_bytes(self, atom: int) -> bytes | None:  # noqa: D102
        return self.token_bytes.get(atom) if atom < self.size else self.piece_to_bytes(chr(atom - self.size))

    @cached_property
    def _atoms_of(self) -> dict[str, list[int]]:
        return {}

    def _word_atoms(self, word: str) -> list[int]:
        data = word.encode()
        atoms: list[int] = []
        for token in self.rust.model.tokenize(word):
            if token.id == self.unknown_id:
                # The characters of an unknown run; offsets are in bytes.
                lost = data[slice(*token.offsets)].decode()
                atoms += [self.size + ord(character) for character in lost]
            else:
                atoms.append(token.id)
        return atoms
