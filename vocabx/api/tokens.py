"""New tokens: learned from text, added to a tokenizer, and text tokenized for the initializers that learn."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.api.text import alphabet_of, as_alphabet, checked_lines
from vocabx.errors import TokenizerError
from vocabx.initializers.tokenized_text import tokenize_lines
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer, pieces_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.select import Selection


def learn_tokens(
    tokenizer: FastTokenizer,
    texts: Sequence[str],
    language: str | Alphabet,
    *,
    new_tokens: int | None = None,
    protected: Sequence[str] = (),
    progress: Progress | None = None,
) -> Selection:
    """Learn tokens by continued BPE and select those that text uses.

    Args:
        tokenizer: the tokenizer to extend.
        texts: lines to learn from.
        language: BCP 47 tag, "und" for whatever `texts` are written in, or the characters that tokens may
            hold.
        new_tokens: how many, exactly; None for as many of 8,000 as the text supports.
        protected: lines whose tokenization must not change.
        progress: told of each stage.

    Returns:
        The merges in rank order, and how often `texts` hold each new token, in the order of their ids.

    Raises:
        TokenizerError: the text does not support so many tokens.
        LanguageError, CorpusError: the language or the lines are none.
    """
    lines, kept = checked_lines(texts, "texts"), checked_lines(protected, "protected")
    if new_tokens is not None:
        _check_number(new_tokens, "new_tokens", 1)
    request = TokenRequest(new_tokens=new_tokens, protected=kept)
    alphabet = as_alphabet(language, lines)
    extension = extend_tokenizer(tokenizer, lines, alphabet, request, tokenizer.size, progress or Quiet())
    return extension.selection


def add_tokens(
    tokenizer: FastTokenizer,
    tokens: Selection | Sequence[str | bytes],
    language: str | Alphabet | None = None,
    *,
    first_id: int | None = None,
    progress: Progress | None = None,
) -> Extension:
    """Extend a tokenizer: text without the new tokens is tokenized as before.

    Args:
        tokenizer: the tokenizer to extend; it is not changed.
        tokens: what `learn_tokens` returned for this tokenizer; or tokens as they stand in running text, a
            space before a word included, most frequent first. Those that the tokenizer has or cannot take
            are left out, and what it needs to build the others is added: `Extension.donor_merges` counts
            them.
        language: of tokens that were not learned: BCP 47 tag or characters, so that tokens of other ones are
            left out; None allows all characters that they hold.
        first_id: id of the first new token, at least `tokenizer.size`, the default. For a checkpoint it is
            `BaseModel.first_id`.
        progress: told of each stage.

    Returns:
        The extended tokenizer, and the pieces of each new token: its bytes to ids of `tokenizer`.

    Raises:
        TokenizerError: there are no tokens, they were learned for another tokenizer, or the id is taken.
        LanguageError: there is no such language.
    """
    first_id = tokenizer.size if first_id is None else first_id
    _check_number(first_id, "first_id", tokenizer.size)
    if isinstance(tokens, Selection):
        return _with_learned(tokenizer, tokens, first_id)
    given = _as_bytes(tokens)
    texts = [token.decode(errors="ignore") for token in given]
    alphabet = alphabet_of(texts) if language is None else as_alphabet(language, texts)
    request = TokenRequest(donor=given)
    return extend_tokenizer(tokenizer, (), alphabet, request, first_id, progress or Quiet())


def tokenize_text(extension: Extension, texts: Sequence[str]) -> NDArray[np.int64]:
    """Tokenize text as `initialize` takes it, for the methods that learn: cw2v and focus.

    Args:
        extension: both tokenizers; V is the size of the base's.
        texts: lines.

    Returns:
        int64 ids of one dimension: old ids as they are, V + i for the new token i, `LINE_END` after each
        line.

    Raises:
        CorpusError: they are no lines.
    """
    lines = checked_lines(texts, "texts")
    return tokenize_lines(extension.tokenizer, extension.new_ids, extension.base.tokens_end, lines)


def _with_learned(tokenizer: FastTokenizer, selection: Selection, first_id: int) -> Extension:
    known = {b"", *tokenizer.known_bytes}
    for merge in selection.merges:
        if tokenizer.needs_parts and merge.left and not {merge.left, merge.right} <= known:
            raise TokenizerError(
                f"the token {merge.token.hex(' ')} is built of tokens that the tokenizer lacks: learn tokens "
                "for this tokenizer"
            )
        known.add(merge.token)
    pieces = pieces_of(tokenizer, selection)
    if len(pieces) != len(selection.usage):
        raise TokenizerError("the tokens were learned for another tokenizer: learn them for this one")
    extended = tokenizer.extended(selection.merges, first_id)
    return Extension(tokenizer, extended, tokenizer, first_id, selection, (), pieces)


def _as_bytes(tokens: Any) -> list[bytes]:
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Iterable):
        raise TokenizerError(f"tokens is a {type(tokens).__name__}: pass a list of tokens")
    given: list[bytes] = []
    for number, token in enumerate(tokens):
        if not isinstance(token, str | bytes) or not token:
            raise TokenizerError(f"tokens[{number}] is no token: pass strings or bytes that are not empty")
        try:
            given.append(token.encode() if isinstance(token, str) else token)
        except UnicodeEncodeError:
            raise TokenizerError(
                f"tokens[{number}] holds half of a surrogate pair: decode it first"
            ) from None
    if not given:
        raise TokenizerError("there are no tokens: pass one or more")
    return given


def _check_number(number: Any, name: str, least: int) -> None:
    if type(number) is not int or number < least:
        raise TokenizerError(f"{name} is {number!r:.60}: pass a whole number of at least {least:,}")
