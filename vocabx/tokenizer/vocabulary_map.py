"""Maps one vocabulary to another: the old token that a new one equals, or the old tokens that make it up.

Ordinary tokens are identified by the bytes they stand for in running text, so that "Ġund", "▁und" and the
WordPiece word "und" are the same. Special tokens stand for no text: they are matched by name, then by role.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from vocabx.tokenizer.families.sentencepiece_bpe import byte_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.roles import ROLES, stand_in


@dataclass(frozen=True)
class VocabularyMap:
    """The tokens of a new vocabulary in terms of an old one.

    Attributes:
        texts: the bytes of each new token by id, from 0 to the tokenizer's size; empty for a special token
            and for an id without a token.
        old_texts: the bytes of each old token by id; None for one that stands for no text.
        pieces: for each new token the old id that it equals, or the old ids of its text; never empty.
        special: new special tokens to the old ones that they replace.
        unmatched: new ids without any match: special tokens without a counterpart, ids without a token, and
            text that the old tokenizer cannot represent.
        holes: the unmatched ids that have no token.
    """

    texts: tuple[bytes, ...]
    old_texts: tuple[bytes | None, ...]
    pieces: tuple[tuple[int, ...], ...]
    special: Mapping[int, int]
    unmatched: tuple[int, ...]
    holes: tuple[int, ...]


def map_vocabulary(
    old: FastTokenizer, new: FastTokenizer, old_roles: Mapping[str, int], roles: Mapping[str, int]
) -> VocabularyMap:
    """Match the tokens of `new` to those of `old`.

    Args:
        old, new: the two tokenizers.
        old_roles, roles: the ids of their special tokens by role.
    """
    old_texts, texts = _texts(old, old_roles), _texts(new, roles)
    special = _special(old, new, old_roles, roles, texts)
    matcher = _Matcher(old, old_texts)
    pieces: list[tuple[int, ...]] = []
    unmatched = []
    for index in range(new.size):
        text = texts.get(index, b"")
        if index in special:
            pieces.append((special[index],))
            continue
        found = matcher.pieces(new, index, text) if text else ()
        if not found:
            unmatched.append(index)
        pieces.append(found or (0,))
    return VocabularyMap(
        tuple(texts.get(index, b"") for index in range(new.size)),
        tuple(None if matcher.is_shadowed(index) else old_texts.get(index) for index in range(old.size)),
        tuple(pieces),
        special,
        tuple(unmatched),
        tuple(index for index in range(new.size) if index not in new.id_to_piece),
    )


def _texts(tokenizer: FastTokenizer, roles: Mapping[str, int]) -> dict[int, bytes]:
    """The bytes of each token that stands for text, including those matched as whole strings."""
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
    """Special tokens with the same name; then, of the remaining ones, with the same role."""
    found = {
        index: old.vocabulary[name]
        for name, index in new.vocabulary.items()
        if index not in texts and name in old.vocabulary and _is_special(old, name, old_roles)
    }
    # eos before bos: where one token is both, the model was trained to produce it as eos.
    for role in sorted(ROLES, key=lambda role: role != "eos"):
        mine, theirs = roles.get(role), stand_in(old_roles, role)
        if mine is not None and theirs is not None:
            found.setdefault(mine, theirs)
    return dict(sorted(found.items()))


def _is_special(tokenizer: FastTokenizer, name: str, roles: Mapping[str, int]) -> bool:
    index = tokenizer.vocabulary[name]
    return index in tokenizer.added_ids or index in roles.values()


class _Matcher:
    """Finds the old tokens for each new token."""

    def __init__(self, old: FastTokenizer, texts: Mapping[int, bytes]) -> None:
        self.old, self.texts = old, texts
        self.bytes: dict[bytes, int] = {}
        self.by_text: dict[bytes, int] = {}
        for index in sorted(texts):
            known = self.bytes if _is_byte(old, index, texts[index]) else self.by_text
            known.setdefault(texts[index], index)

    def is_shadowed(self, index: int) -> bool:
        """Whether an old token is a byte piece whose byte has another token in running text."""
        text = self.texts.get(index)
        return text is not None and self.bytes.get(text) == index and text in self.by_text

    def pieces(self, new: FastTokenizer, index: int, text: bytes) -> tuple[int, ...]:
        """The old token that a new one equals, else the old tokenizer's tokens for its text."""
        name = new.id_to_piece[index]
        if type(new) is type(self.old) and self.texts.get(same := self.old.vocabulary.get(name, -1)) == text:
            return (same,)
        order = (self.by_text, self.bytes)
        for known in reversed(order) if _is_byte(new, index, text) else order:
            if text in known:
                return (known[text],)
        return self._tokenize(text)

    def _tokenize(self, text: bytes) -> tuple[int, ...]:
        """The old ids of `text` inside running text, else of it as a whole text, else byte by byte."""
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
    """Whether a token is a byte piece such as <0x41>, which never occurs where a piece has that text."""
    return len(text) == 1 and byte_of(tokenizer.id_to_piece[index]) is not None
