"""Prepares the inputs of initializers and runs them.

Initializers only see arrays. Here word vectors are found or trained, aligned and lifted to tokens, text is
tokenized, and embedding matrices are memory-mapped; each only once, for any number of initializers.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.tables import Checkpoint
from vocabx.initializers.initializer import Initializer
from vocabx.initializers.inputs import InitializerInputs, Tables, TokenVectors
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.registry import find_initializer
from vocabx.initializers.tokenized_text import tokenize_lines
from vocabx.initializers.trained_vectors import train_vectors
from vocabx.initializers.word_vectors import Texts, describe_space, find_space, space_available
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Progress
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.vectors.lift import lift_by_subwords, lift_by_words
from vocabx.vectors.shared_space import SharedSpace
from vocabx.vectors.space import WordVectors

Vectors = NDArray[np.float32]
Weighting = Literal["frequency", "plain"]


@dataclass(frozen=True)
class Tokens:
    """The tokens to initialize, in terms of the two tokenizers.

    Attributes:
        base: the tokenizer of the old rows.
        tokenizer: the tokenizer of the new rows.
        ids: the id in `tokenizer` of each new row.
        pieces: the old ids of each new token's text.
        copies: new rows that must be copies of an old row, new row to old row.
        texts, old_texts: the bytes of each new and each old token, if they differ from the tokenizers'
            `token_bytes`: tokens matched as whole strings have bytes, special tokens have none.
    """

    base: FastTokenizer
    tokenizer: FastTokenizer
    ids: Sequence[int]
    pieces: Sequence[tuple[int, ...]]
    copies: Mapping[int, int] = field(default_factory=dict)
    texts: Sequence[bytes] | None = None
    old_texts: Sequence[bytes | None] | None = None

    @property
    def new_bytes(self) -> tuple[bytes, ...]:
        """The bytes of each new token, empty for one that stands for no text."""
        if self.texts is not None:
            return tuple(self.texts)
        return tuple(self.tokenizer.token_bytes.get(index, b"") for index in self.ids)

    @property
    def old_bytes(self) -> tuple[bytes | None, ...]:
        """The bytes of each old token, None for one that stands for no text."""
        if self.old_texts is not None:
            return tuple(self.old_texts)
        return tuple(self.base.token_bytes.get(index) for index in range(self.base.size))


@dataclass(frozen=True)
class Initialized:
    """The result of an initializer.

    Attributes:
        initialization: how the rows of every embedding matrix are computed.
        parameters: the method's settings and inputs, as plain data for the manifest.
    """

    initialization: Initialization
    parameters: dict[str, Any]


class EmbeddingInitializer:
    """Initializes the same tokens by any initializer."""

    def __init__(
        self,
        options: InitializerOptions,
        tokens: Tokens,
        texts: Texts,
        checkpoint: Checkpoint,
        seed: int,
        progress: Progress,
        model: Callable[[], Any] | None = None,
        untie: bool = False,
    ) -> None:
        """Make the object that runs initializers.

        Args:
            options: of the initializers.
            tokens: the tokens to initialize.
            texts: in both languages.
            checkpoint: the base.
            seed: of random draws and training.
            progress: receives the stages.
            model: loads the base, see `InitializerInputs.model`.
            untie: whether the result of a tied base has an lm_head of its own, see `check_untiable`.
        """
        self.options, self.tokens, self.texts = options, tokens, texts
        self.checkpoint, self.seed, self.progress = checkpoint, seed, progress
        self.model, self.untie = model, untie
        self._lifted: dict[Weighting, TokenVectors] = {}

    def initialize(self, name: str) -> Initialized:
        """Initialize the tokens by the initializer called `name`.

        Raises:
            VocabxError: the initializer is unknown, an input is missing, or a setting is invalid.
        """
        initializer = find_initializer(name)
        inputs, given = self._inputs(initializer)
        total = len(self.tokens.ids) * self.options.epochs if initializer.learns else None
        # Whatever a method loads, only this stage is shown.
        quiet = quiet_transformers("evaluate") if initializer.model else nullcontext()
        with quiet, self.progress.stage(f"Initializing embeddings by {name}", total, "tokens") as advance:
            initialization = initializer(replace(inputs, advance=advance))
        if self.checkpoint.tied and not self.untie:
            initialization = initialization.tied()
        elif self.checkpoint.architecture.normalizes and initialization.rank is None:
            initialization = initialization.of_directions(self.checkpoint.input.map())
        return Initialized(initialization, {**initializer.parameters(inputs), **given})

    def _inputs(self, initializer: Initializer) -> tuple[InitializerInputs, dict[str, Any]]:
        tokens = self.tokens
        inputs = InitializerInputs(
            tokens=tokens.new_bytes,
            pieces=tuple(tokens.pieces),
            old_rows=self._old_rows,
            seed=self.seed,
            old_tokens=tokens.old_bytes[: self._old_rows],
            copies=tokens.copies,
            scripts=self.texts.language.scripts,
            settings=self.options,
        )
        if initializer.learns or initializer.model:
            inputs = replace(inputs, text=self._text)
        if initializer.learns or initializer.model or initializer.tables:
            inputs = replace(inputs, tables=self._tables())
        if initializer.model:
            inputs = replace(inputs, model=self.model)
        if initializer.vectors == "of tokens":
            inputs = replace(inputs, vectors=self._of_tokens(inputs))
        weighting = self._weighting(initializer)
        if weighting is None:
            return inputs, {}
        return replace(inputs, vectors=self._of_words(weighting)), describe_space(self._space)

    def _weighting(self, initializer: Initializer) -> Weighting | None:
        """How word vectors are lifted for an initializer; None if it gets none."""
        if initializer.vectors == "plain":
            return "plain"
        available = initializer.vectors == "if available" and space_available(
            self.options, self.texts.language, self.texts.source_tag
        )
        return "frequency" if available or initializer.vectors == "by frequency" else None

    @property
    def _old_rows(self) -> int:
        """Rows of old tokens; the matrix may have more, or lack those of the last added tokens."""
        return min(self.tokens.base.tokens_end, self.checkpoint.input.rows)

    def _tables(self) -> Tables:
        table = self.checkpoint.input.map()
        if self.untie:
            return Tables(table, table)
        output = None if self.checkpoint.tied else self.checkpoint.output
        return Tables(table, None if output is None else output.map())

    @cached_property
    def _text(self) -> NDArray[np.int64]:
        """The tokenized lines of the language, numbered as in `InitializerInputs.text`."""
        tokens, lines = self.tokens, self.texts.lines
        with self.progress.stage("Tokenizing the text for training", len(lines), "lines") as advance:
            return tokenize_lines(tokens.tokenizer, tokens.ids, self._old_rows, lines, advance)

    def _of_tokens(self, inputs: InitializerInputs) -> TokenVectors:
        with self.progress.stage("Training token vectors", unit="tokens") as advance:
            return train_vectors(inputs, self._text, advance)

    def _of_words(self, weighting: Weighting) -> TokenVectors:
        if weighting not in self._lifted:
            space, tokens = self._space, self.tokens
            source = self._lift(tokens.base, space.source, weighting)[: self._old_rows]
            target = self._lift(tokens.tokenizer, space.target, weighting)
            self._lifted[weighting] = TokenVectors(source, target[list(tokens.ids)])
        return self._lifted[weighting]

    def _lift(self, tokenizer: FastTokenizer, words: WordVectors, weighting: Weighting) -> Vectors:
        """WECHSEL uses the vector of the token's own text if the model has n-grams, OFA always words."""
        if words.of_text is not None and weighting == "frequency":
            texts = [
                tokenizer.text_of(index) if index in tokenizer.token_bytes else None
                for index in range(tokenizer.size)
            ]
            with self.progress.stage("Lifting subword vectors to tokens"):
                return lift_by_subwords(texts, words)
        with self.progress.stage("Lifting word vectors to tokens", len(words.words), "words") as advance:
            return lift_by_words(
                tokenizer.encode,
                tokenizer.size,
                words,
                weighting=weighting,
                casing=weighting == "plain",
                advance=advance,
            )

    @cached_property
    def _space(self) -> SharedSpace:
        """The word vectors of both languages in one space."""
        return find_space(self.options, self.texts, self.seed, self.progress)


def rows_by_kind(initialization: Initialization) -> dict[str, int]:
    """The number of new input rows that are mixed, copied from one old row, or sampled."""
    mixture = initialization.input
    drawn = 0 if mixture.draws is None else len(mixture.draws.rows)
    copied = len(mixture.copied()[0])
    return {"mixed": mixture.rows - drawn - copied, "copied": copied, "drawn": drawn}
