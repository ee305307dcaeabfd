"""Two tokenizers against each other: whether one is an extension of the other that changes nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vocabx.api.text import as_alphabet, checked_lines
from vocabx.errors import TokenizerError
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.adversarial import ADVERSARIAL_COUNT
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.verify import Texts, new_tokens, verify


def verify_tokenizers(
    base: FastTokenizer | str | Path,
    extended: FastTokenizer | str | Path,
    language: str | Alphabet,
    *,
    texts: Sequence[str] = (),
    base_texts: Sequence[str] = (),
    protected: Sequence[str] = (),
    adversarial: int = ADVERSARIAL_COUNT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Certificate:
    """Prove that `extended` keeps what `base` does, whoever made it.

    Args:
        base: the tokenizer that was extended, or its directory or file.
        extended: the other, likewise. Of two directories it is also proven what transformers makes of them,
            where that is installed.
        language: of the new tokens: BCP 47 tag, "und" for the scripts of their letters, or the characters
            that they may hold. Text without those must be tokenized as before.
        texts: lines in it; the new tokens themselves where there are none.
        base_texts: lines in the base's language.
        protected: lines that must be tokenized as before, whatever they are written in.
        adversarial: how many adversarial strings are tried, too.
        seed: of those.
        progress: told of texts compared.

    Returns:
        The claims, each with its count and its first counterexamples; `passed` where all required ones hold.

    Raises:
        TokenizerError: one is no tokenizer, or they are of different families.
        LanguageError: the language is unknown, or the new tokens tell of no script.
        CorpusError: lines are none.
    """
    for number, name in ((adversarial, "adversarial"), (seed, "seed")):
        if type(number) is not int or number < 0:
            raise TokenizerError(f"{name} is {number!r:.60}: pass a whole number of at least 0")
    before, after = (_tokenizer(one) for one in (base, extended))
    new = new_tokens(before, after)
    lines = {
        name: checked_lines(given, name)
        for name, given in (("texts", texts), ("base_texts", base_texts), ("protected", protected))
    }
    target = lines["texts"] or [token.strip() for token in new if token.strip()]
    alphabet = as_alphabet(language, new)
    proven = Texts(target, lines["base_texts"], lines["protected"], seed, adversarial)
    with (progress or Quiet()).stage("Verifying", unit="texts") as advance:
        return verify(before, after, alphabet, proven, _directories(base, extended), advance)


def _tokenizer(one: Any) -> FastTokenizer:
    if isinstance(one, FastTokenizer):
        return one
    if isinstance(one, str | Path):
        return read_tokenizer(one)
    raise TokenizerError(f"a {type(one).__name__} is no tokenizer: pass what read_tokenizer gives, or a path")


def _directories(base: Any, extended: Any) -> tuple[Path, Path] | None:
    # transformers reads directories, and a bare file says nothing of special tokens.
    paths = [Path(one) for one in (base, extended) if not isinstance(one, FastTokenizer)]
    return (paths[0], paths[1]) if len(paths) == 2 and all(path.is_dir() for path in paths) else None
