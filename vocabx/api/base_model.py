"""A base model opened by its headers: its tokenizer, and its embedding matrices as memory maps."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vocabx.checkpoint.base import Base, find_base
from vocabx.checkpoint.factorised import refuse_factorised
from vocabx.checkpoint.read_checkpoint import check_tables, read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.fast import FastTokenizer, needed_rows
from vocabx.tokenizer.read_tokenizer import read_tokenizer


@dataclass(frozen=True)
class BaseModel:
    """A base model on this machine, of which no weight is in memory.

    V is the number of tokens, D the width. A matrix may have more rows than V: those pad it.

    Attributes:
        base: what it is called, its directory, origin, licence and language.
        tokenizer: its tokenizer.
        checkpoint: the headers of its weight files, and its configuration.
    """

    base: Base
    tokenizer: FastTokenizer
    checkpoint: Checkpoint = field(repr=False)

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self.base.directory

    @property
    def tokens(self) -> int:
        """V, one more than the highest id of a token."""
        return self.tokenizer.tokens_end

    @property
    def rows(self) -> int:
        """Height of the embedding matrices, at least V but for the last added tokens of some models."""
        return self.checkpoint.input.rows

    @property
    def first_id(self) -> int:
        """Id of the first new token: new rows follow the last row, also where that pads the matrix."""
        return max(self.rows, self.tokenizer.size)

    @property
    def tied(self) -> bool:
        """Whether the lm_head is the embedding matrix."""
        return self.checkpoint.tied

    @cached_property
    def embeddings(self) -> NDArray[Any]:
        """The (rows, D) embedding matrix, a read-only memory map of the dtype of the file."""
        return self.checkpoint.input.map()

    @cached_property
    def output_embeddings(self) -> NDArray[Any] | None:
        """The (rows, D) matrix of the lm_head, likewise; None where it is tied."""
        output = self.checkpoint.output
        return None if self.tied or output is None else output.map()

    @cached_property
    def output_bias(self) -> NDArray[Any] | None:
        """The (rows, 1) bias of the lm_head, likewise; None where there is none."""
        return self.checkpoint.biases[0].map() if self.checkpoint.biases else None

    @cached_property
    def token_bytes(self) -> tuple[bytes | None, ...]:
        """The bytes in running text of each of the V tokens; None for one that stands for no text."""
        return tuple(self.tokenizer.token_bytes.get(index) for index in range(self.tokens))


def open_base(
    name: str | Path, *, progress: Progress | None = None, trust_remote_code: bool = False
) -> BaseModel:
    """Open a base model: reads its tokenizer, configuration and headers, and maps its embedding matrices.

    Args:
        name: an alias such as "smollm2", a directory, a .gguf file, or a hub id as owner/name.
        progress: told of a download, and of .gguf and .bin files that are converted into the cache.
        trust_remote_code: whether code that comes with the model is trusted, and run in a process of its own
            where only it can build the model's class.

    Raises:
        BaseModelError: there is no such model, it is damaged, its embeddings are quantized, or its
            model type is not known.
        TokenizerError: it has no tokenizer of a family that can be extended.
    """
    base = find_base(str(name), progress or Quiet(), trust=trust_remote_code)
    tokenizer = read_tokenizer(base.directory)
    checkpoint = read_checkpoint(base.directory, trust_remote_code)
    refuse_factorised(checkpoint, "the library")
    check_tables(checkpoint, needed_rows(tokenizer))
    return BaseModel(base, tokenizer, checkpoint)
