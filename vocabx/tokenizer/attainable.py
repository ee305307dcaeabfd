"""What tokens can do for a text at best, known before learning: its floor, and how many there can be."""

from dataclasses import dataclass

from vocabx.tokenizer.units import FIRST_CODE_POINT, Units


@dataclass(frozen=True)
class Attainable:
    """The bounds of what can be learned from a text.

    A word is a run of the language inside what the pre-tokenizer leaves whole; no token is longer.

    Attributes:
        base_tokens: length of the learning text in the base's tokens.
        least: the fewest tokens that it can have, with one for each word.
        words: distinct words that occur twice or more and are no token yet: from a text with spaces, hardly
            more tokens than these are learned, some of which only build others.
        new_tokens: how many tokens are wanted.
        tokens: length of the text with a token for each of so many words, those that save most. Tokens for
            parts of words can do better in a language without spaces.
    """

    base_tokens: int
    least: int
    words: int
    new_tokens: int
    tokens: int

    @property
    def floor(self) -> float:
        """The fewest tokens over the base's."""
        return self.least / max(1, self.base_tokens)

    def sentence(self, language: str, spaced: bool) -> str:
        """What is known before learning.

        Args:
            language: its name.
            spaced: whether it has spaces between words.
        """
        found = f"No tokens bring {language} text below {self.floor:.3f} of the base's tokens"
        if not spaced:
            return f"{found}."
        share = self.tokens / max(1, self.base_tokens)
        taken = min(self.new_tokens, self.words)
        which = "each" if taken == self.words else f"each of the {taken:,} that save most"
        found = (
            f"{found}. {self.words:,} distinct words of it occur twice or more and are no token yet: a token "
            f"for {which} would leave {share:.3f}"
        )
        if self.words < self.new_tokens:
            found += f", so that the text supports about so many tokens, and not {self.new_tokens:,}"
        return f"{found}."


def attainable(units: Units, new_tokens: int) -> Attainable:
    """The bounds of what so many tokens can do for a text.

    Args:
        units: the text, tokenized by the base.
        new_tokens: how many.
    """
    sizes = [len(parts) for parts in units.parts]
    saved = []
    for word, count in units.distinct.items():
        if count > 1 and (length := sum(sizes[ord(unit) - FIRST_CODE_POINT] for unit in word)) > 1:
            saved.append(count * (length - 1))
    saved.sort(reverse=True)
    return Attainable(
        base_tokens=units.atoms,
        least=units.least,
        words=len(saved),
        new_tokens=new_tokens,
        tokens=units.atoms - sum(saved[:new_tokens]),
    )
