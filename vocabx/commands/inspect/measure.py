"""How well a tokenizer serves a language: how many tokens text takes, what is lost, which words are split.

Everything is counted on a sample of text and on the vocabulary; the verdict is in `verdict.py`.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import regex

from vocabx.corpus.languages import Language
from vocabx.progress import Advance
from vocabx.tokenizer.alphabet import Alphabet, split_unfinished
from vocabx.tokenizer.families.sentencepiece_bpe import byte_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.pretokenized import Words, normalized, split_words

_BATCH = 1024
_EXAMPLES = 20
_MARK = regex.compile(r"\p{M}")


@dataclass(frozen=True)
class Letters:
    """The letters and marks of the language's scripts in the text, each on its own.

    Attributes:
        distinct, occurrences: how many.
        single, single_occurrences: how many are a single token, normalized and without a leading space.
        apart_occurrences: how many the normalizer isolates as words of their own, so that no token holds two.
        missing: the most frequent that are not a single token, with their occurrences.
    """

    distinct: int
    occurrences: int
    single: int
    single_occurrences: int
    apart_occurrences: int
    missing: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that stand for text.

    Attributes:
        tokens: how many, without added tokens.
        of_language: tokens of the language's characters with a letter or mark, perhaps after a space.
        of_language_long: those of two or more whole characters, the space not counted.
        checked: tokens with a text of their own; a byte-fallback piece such as <0x0A> has none.
        unreachable: those whose own text is tokenized into other tokens.
        unreachable_examples: some of these, evenly spread over the ids; the piece as in the vocabulary if
            another token has the same text.
    """

    tokens: int
    of_language: int
    of_language_long: int
    checked: int
    unreachable: int
    unreachable_examples: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """How a tokenizer handles text in one language.

    Attributes:
        family: family of the tokenizer.
        characters, bytes: code points of the text, and its size in UTF-8.
        spaced_words: words between white space; None for a language without spaces.
        tokens: tokens of the text, without those that a template adds.
        partial_tokens: tokens whose bytes are not whole characters.
        split_characters: characters split over more than one token.
        unknown_characters: characters lost to the unknown token.
        marks, marks_removed: combining marks of the text in NFD, and how many of them the normalizer removes.
        letters, words, vocabulary: see these classes.
    """

    family: str
    characters: int
    bytes: int
    spaced_words: int | None
    tokens: int
    partial_tokens: int
    split_characters: int
    unknown_characters: int
    marks: int
    marks_removed: int
    letters: Letters
    words: Words
    vocabulary: Vocabulary

    @property
    def ratios(self) -> dict[str, Any]:
        """Ratios of the counts as floats, shares from 0 to 1; None for what was not measured."""
        letters, words = self.letters, self.words
        return {
            "characters_per_token": _over(self.characters, self.tokens),
            "bytes_per_token": _over(self.bytes, self.tokens),
            "tokens_per_word": None if self.spaced_words is None else _over(self.tokens, self.spaced_words),
            "partial_token_share": _over(self.partial_tokens, self.tokens),
            "split_character_share": _over(self.split_characters, self.characters),
            "unknown_share": _over(self.unknown_characters, self.characters),
            "single_letter_share": _over(letters.single, letters.distinct),
            "single_letter_occurrence_share": _over(letters.single_occurrences, letters.occurrences),
            "apart_letter_share": _over(letters.apart_occurrences, letters.occurrences),
            "marks_removed_share": _over(self.marks_removed, self.marks),
            "split_word_share": _over(words.split, words.total),
            "split_word_share_adapted": _over(words.split_adapted, words.total),
        }

    def to_dict(self) -> dict[str, Any]:
        """All counts and ratios as plain data."""
        return {**asdict(self), "ratios": self.ratios}


def inspect_tokenizer(
    tokenizer: FastTokenizer,
    texts: Sequence[str],
    language: Language,
    advance: Advance = lambda done: None,
) -> Inspection:
    """Measure how `tokenizer` handles a language.

    Args:
        tokenizer: of any family.
        texts: texts in the language, tokenized one by one.
        language: the language, with its scripts.
        advance: called with the number of texts tokenized, then with the number of tokens checked.
    """
    alphabet = Alphabet(language.scripts, language.blocks)
    usage = tokenizer.usage(texts, advance)
    tokens = tokenizer.token_bytes
    partial = [index for index in tokens if tokenizer.text_of(index) is None]
    # Of the tokens of a split character, exactly the one in which it begins ends inside it.
    unfinished = [index for index in partial if split_unfinished(tokens[index])[1]]
    normal = [normalized(tokenizer, text) for text in texts]
    marks = _marks(texts)
    return Inspection(
        family=tokenizer.family,
        characters=sum(map(len, texts)),
        bytes=sum(len(text.encode()) for text in texts),
        spaced_words=sum(len(t.split()) for t in texts) if language.segmentation == "spaces" else None,
        tokens=int(usage.sum()),
        partial_tokens=int(usage[partial].sum()),
        split_characters=int(usage[unfinished].sum()),
        unknown_characters=_unknown_characters(tokenizer, texts),
        marks=marks,
        marks_removed=max(0, marks - _marks(normal)),
        letters=_letters(tokenizer, texts, alphabet),
        words=split_words(tokenizer, normal, alphabet),
        vocabulary=_vocabulary(tokenizer, alphabet, advance),
    )


def _over(part: int | None, whole: int) -> Any:
    return None if part is None else part / max(1, whole)


def _marks(texts: Iterable[str]) -> int:
    return sum(len(_MARK.findall(unicodedata.normalize("NFD", text))) for text in texts)


def _unknown_characters(tokenizer: FastTokenizer, texts: Sequence[str]) -> int:
    unknown, lost = tokenizer.unknown_id, 0
    if unknown is None:
        return 0
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        encodings = tokenizer.rust.encode_batch(batch, add_special_tokens=False)
        for text, encoding in zip(batch, encodings, strict=True):
            if unknown in encoding.ids:
                spans = zip(encoding.ids, encoding.offsets, strict=True)
                positions = {p for index, span in spans if index == unknown for p in range(*span)}
                lost += sum(not text[position].isspace() for position in positions)
    return lost


def _letters(tokenizer: FastTokenizer, texts: Sequence[str], alphabet: Alphabet) -> Letters:
    characters: Counter[str] = Counter()
    for text in texts:
        characters.update(text)
    letter = regex.compile(alphabet.word_class(), regex.V1)
    counts = {c: count for c, count in characters.items() if letter.fullmatch(c)}
    # Normalize between other characters, so that nothing is prepended and no mark is lost.
    normal = {c: normalized(tokenizer, f"0{c}0")[:-1].partition("0")[2] for c in counts}
    single = {c for c in counts if _is_single(tokenizer, normal[c].strip())}
    missing = sorted(counts.keys() - single, key=lambda c: (-counts[c], c))
    return Letters(
        distinct=len(counts),
        occurrences=sum(counts.values()),
        single=len(single),
        single_occurrences=sum(counts[c] for c in single),
        apart_occurrences=sum(counts[c] for c in counts if normal[c] != normal[c].strip()),
        missing=tuple((c, counts[c]) for c in missing[:_EXAMPLES]),
    )


def _is_single(tokenizer: FastTokenizer, character: str) -> bool:
    ids = tokenizer.tokenize(character.encode())
    return len(ids) == 1 and ids[0] != tokenizer.unknown_id


def _vocabulary(tokenizer: FastTokenizer, alphabet: Alphabet, advance: Advance) -> Vocabulary:
    letter = regex.compile(alphabet.word_class(), regex.V1)
    checked = of_language = of_language_long = 0
    unreachable: list[int] = []
    for index, data in sorted(tokenizer.token_bytes.items()):
        whole = split_unfinished(data.removeprefix(b" "))[0].decode(errors="ignore")
        if letter.search(whole) and alphabet.allows_token(data):
            of_language += 1
            of_language_long += len(whole) > 1
        if len(data) > 1 or byte_of(tokenizer.id_to_piece[index]) is None:
            checked += 1
            if not tokenizer.reaches(index):
                unreachable.append(index)
        advance(1)
    texts = Counter(tokenizer.token_bytes.values())
    examples = tuple(
        tokenizer.describe(index)
        if texts[tokenizer.token_bytes[index]] == 1
        else tokenizer.id_to_piece[index]
        for index in unreachable[:: -(-len(unreachable) // _EXAMPLES) or 1]
    )
    return Vocabulary(
        len(tokenizer.token_bytes), of_language, of_language_long, checked, len(unreachable), examples
    )
