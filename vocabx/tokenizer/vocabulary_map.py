"""Two vocabularies side by side: which old token a new one is, and into which old tokens it is cut.

Ordinary tokens are told by the bytes they stand for in running text, so that "Ġund", "▁und" and a word "und"
of WordPiece are one. Special tokens stand for no text: they are told by their name, and then by their role.
Knows no table and no method.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from vocabx.tokenizer.families.sentencepiece_bpe import byte_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.roles import ROLES, stand_in


@dataclass(frozen=True)
class VocabularyMap:
    """The tokens of one vocabulary among those of another.

    Attributes:
        texts: the bytes of each new token by id, from 0 to the tokenizer's size; empty for a special token
            and for an id without a token.
        old_texts: the bytes of each old token by id; None for one that stands for no text.
        pieces: for each new token the old ids that it is, or is cut into; never empty.
        special: new special tokens to the old ones that they take the place of.
        without: new ids that nothing is known of: special tokens without a counterpart, ids without a token,
            and text that the old tokenizer has nothing at all for.
        holes: those of them that no token has.
    """

    texts: tuple[bytes, ...]
    old_texts: tuple[bytes | None, ...]
    pieces: tuple[tuple[int, ...], ...]
    special: Mapping[int, int]
    without: tuple[int, ...]
    holes: tuple[int, ...]


def map_vocabulary(
    old: FastTokenizer, new: FastTokenizer, old_roles: Mapping[str, int], roles: Mapping[str, int]
) -> VocabularyMap:
    """Set the tokens of `new` against those of `old`.

    Args:
        old, new: the two tokenizers.
        old_roles, roles: the ids of their special tokens by role.
    """
    old_texts, texts = _texts(old, old_roles), _texts(new, roles)
    special = _special(old, new, old_roles, roles, texts)
    twins = _Twins(old, old_texts)
    pieces: list[tuple[int, ...]] = []
    without = []
    for index in range(new.size):
        text = texts.get(index, b"")
        if index in special:
            pieces.append((special[index],))
            continue
        found = twins.pieces(new, index, text) if text else ()
        if not found:
            without.append(index)
        pieces.append(found or (0,))
    return VocabularyMap(
        tuple(texts.get(index, b"") for index in range(new.size)),
        tuple(None if twins.is_spare(index) else old_texts.get(index) for index in range(old.size)),
        tuple(pieces),
        special,
        tuple(without),
        tuple(index for index in range(new.size) if index not in new.id_to_piece),
    )


def _texts(tokenizer: FastTokenizer, roles: Mapping[str, int]) -> dict[int, bytes]:
    """The bytes of each token that stands for text, also of those that are matched as whole strings."""
    literal = {
        token["id"]: token["content"].encode()
        for token in tokenizer.spec["added_tokens"]
        if not token["special"]
    }
    special = set(roles.values())
    return {i: text for i, text in {**tokenizer.token_bytes, **literal}.items() if i not in special and text}


def _special(
    old: FastTokenizer,
    new: FastTokenizer,
    old_roles: Mapping[str, int],
    roles: Mapping[str, int],
    texts: Mapping[int, bytes],
) -> dict[int, int]:
    """Special tokens of the same name; then, of those that are left, of the same role."""
    found = {
        index: old.vocabulary[name]
        for name, index in new.vocabulary.items()
        if index not in texts and name in old.vocabulary and _is_special(old, name, old_roles)
    }
    # The end comes first: where one token is begin and end, what was trained to be produced is the end.
    for role in sorted(ROLES, key=lambda role: role != "eos"):
        mine, theirs = roles.get(role), stand_in(old_roles, role)
        if mine is not None and theirs is not None:
            found.setdefault(mine, theirs)
    return dict(sorted(found.items()))


def _is_special(tokenizer: FastTokenizer, name: str, roles: Mapping[str, int]) -> bool:
    index = tokenizer.vocabulary[name]
    return index in tokenizer.added_ids or index in roles.values()


class _Twins:
    """The old vocabulary, asked for one new token after the other."""

    def __init__(self, old: FastTokenizer, texts: Mapping[int, bytes]) -> None:
        self.old, self.texts = old, texts
        self.bytes: dict[bytes, int] = {}
        self.by_text: dict[bytes, int] = {}
        for index in sorted(texts):
            known = self.bytes if _is_byte(old, index, texts[index]) else self.by_text
            known.setdefault(texts[index], index)

    def is_spare(self, index: int) -> bool:
        """Whether an old token is the piece of a byte that another token stands for in running text."""
        text = self.texts.get(index)
        return text is not None and self.bytes.get(text) == index and text in self.by_text

    def pieces(self, new: FastTokenizer, index: int, text: bytes) -> tuple[int, ...]:
        """The old token that a new one is, else those that the old tokenizer cuts it into."""
        name = new.id_to_piece[index]
        if type(new) is type(self.old) and self.texts.get(same := self.old.vocabulary.get(name, -1)) == text:
            return (same,)
        order = (self.by_text, self.bytes)
        for known in reversed(order) if _is_byte(new, index, text) else order:
            if text in known:
                return (known[text],)
        return self._cut(text)

    def _cut(self, text: bytes) -> tuple[int, ...]:
        """The cut inside running text; what a normalizer changes is cut as text, the rest byte by byte."""
        unknown = self.old.unknown_id
        inside = self.old.tokenize(text)
        if inside and unknown not in inside:
            return inside
        try:
            running = tuple(self.old.encode([text.decode()])[0])
        except UnicodeDecodeError:
            running = tuple(self._byte(byte) for byte in text)
            running = () if -1 in running else running
        if running and unknown not in running:
            return running
        return inside or running or (() if unknown is None else (unknown,))

    def _byte(self, byte: int) -> int:
        text = bytes([byte])
        return self.bytes.get(text, self.by_text.get(text, -1))


def _is_byte(tokenizer: FastTokenizer, index: int, text: bytes) -> bool:
    """Whether a token is the piece of one byte, as <0x41>: never met where a piece has that text."""
    return len(text) == 1 and byte_of(tokenizer.id_to_piece[index]) is not None
