"""The embedding matrices ("tables") of a checkpoint, found by tensor name from the headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vocabx.checkpoint.architectures import Architecture, stored_names
from vocabx.checkpoint.find_architecture import lacking_packages
from vocabx.checkpoint.meta_model import MetaModel
from vocabx.checkpoint.safetensors_file import (
    DTYPES,
    INTEGERS,
    SafetensorsFile,
)
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import Which

SINGLE = "model.safetensors"


@dataclass(frozen=True)
class Table:
    """One embedding matrix: the tensor `name` of the file `file`, (rows, width).

    A bias has width 1, and may be stored with the shape (rows,) or (1, rows). One of choices holds integers.
    """

    name: str
    file: SafetensorsFile

    @property
    def rows(self) -> int:
        """Number of rows, one per token id."""
        shape = self.file.tensors[self.name].shape
        return shape[-1] if self.is_lying else shape[0]

    @property
    def is_lying(self) -> bool:
        """Whether it is a bias of the shape (1, rows), as in BART."""
        shape = self.file.tensors[self.name].shape
        return len(shape) == 2 and shape[0] == 1

    def shape_with(self, rows: int) -> tuple[int, ...]:
        """The shape that it is stored with if it has another number of rows."""
        return (1, rows) if self.is_lying else (rows, *self.file.tensors[self.name].shape[1:])

    @property
    def dtype(self) -> str:
        """Element type as named in the file, such as "BF16"."""
        return self.file.tensors[self.name].dtype

    def map(self) -> NDArray[Any]:
        """Memory-map the matrix, read-only, (rows, width)."""
        mapped = self.file.map(self.name, INTEGERS if self.dtype in INTEGERS else DTYPES)
        return mapped.reshape(-1, 1) if self.is_lying or mapped.ndim == 1 else mapped


@dataclass(frozen=True, kw_only=True)
class StoredTables:
    """The embedding matrices stored in a model's files.

    Attributes:
        input: the input embeddings.
        output: the lm_head if it is stored, even if it is tied.
        biases: the bias of the lm_head, under each name it is stored by.
        copies: further copies of the input embeddings under other names.
        output_copies: further copies of the lm_head under other names.
        lookups: further matrices that are looked up by token id, of another width; see `Architecture`.
        choices: tables of integers with a choice for each token id.
    """

    input: Table
    output: Table | None
    biases: tuple[Table, ...]
    copies: tuple[Table, ...]
    output_copies: tuple[Table, ...]
    lookups: tuple[Table, ...] = ()
    choices: tuple[Table, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All stored matrices and biases that a new vocabulary changes."""
        outputs = () if self.output is None else (self.output,)
        copies = (*self.copies, *self.output_copies)
        return (self.input, *outputs, *self.biases, *copies, *self.lookups, *self.choices)


@dataclass(frozen=True, kw_only=True)
class Checkpoint(StoredTables):
    """A model directory, read from its headers.

    Attributes:
        directory: the directory.
        config: the parsed config.json.
        architecture: the names of its embedding matrices, and what else is known of its class.
        files: all safetensors files, sorted by name.
        tied: whether input embeddings and lm_head share one matrix, or there is no lm_head.
        headless: whether the model was saved without its lm_head although the configuration says that it is
            untied, as embedding and reward models are.
        quantisation: how its other weights are quantized, such as "fp8", or "" if they are not.
        note: where the index is wrong about tensors that do not matter, and what new tokens get by a hash of
            their ids, in a sentence each, or "".
    """

    directory: Path
    config: dict[str, Any]
    architecture: Architecture
    files: tuple[SafetensorsFile, ...]
    tied: bool
    headless: bool = False
    quantisation: str = ""
    note: str = ""

    @property
    def weight_bytes(self) -> int:
        """Size of the weight files."""
        return sum(file.path.stat().st_size for file in self.files)

    @property
    def generates(self) -> bool:
        """Whether the model predicts the next token; encoders and encoder-decoders do not."""
        return not self.headless and (self.architecture.generates or bool(self.config.get("is_decoder")))

    @property
    def sees(self) -> bool:
        """Whether the model is multimodal."""
        return self.architecture.sees

    @cached_property
    def renamed(self) -> Mapping[str, str]:
        """The names of stored tensors that loading renames and leaves whole, by the names that they get.

        The class is built to ask it. Empty where this machine cannot.
        """
        if lacking_packages():
            return {}
        try:
            model = MetaModel(self.config, self.directory)
        except BaseModelError:
            return {}
        return model.renamed({name: e.shape for file in self.files for name, e in file.tensors.items()})

    def require_no_own_code(self, work: str, remedy: str) -> None:
        """Check that the class does not come with the model: `work` would run its code in this process.

        Args:
            work: what would, such as "training".
            remedy: how to repair it.

        Raises:
            BaseModelError: it does.
        """
        if self.architecture.own_code:
            raise BaseModelError(
                f"{self.directory} can only be loaded by code of its own, which vocabx runs to find the "
                f"embedding matrices and for nothing else, and {work} needs the model: {remedy}"
            )

    def require_unquantised(self, work: str, remedy: str) -> None:
        """Check that the weights are not quantized, which `work` needs.

        Args:
            work: what needs it, such as "training".
            remedy: how to repair it.

        Raises:
            BaseModelError: they are; the message names the method.
        """
        if self.quantisation:
            raise BaseModelError(
                f"{self.directory} is quantized ({self.quantisation}), and {work} needs weights of 16 or "
                f"32 bits: {remedy}"
            )

    def require_unchanged(self) -> None:
        """Check that the weight files are those whose headers were read.

        Raises:
            BaseChangedError: one was overwritten, replaced or removed.
        """
        for file in self.files:
            file.require_unchanged()

    @property
    def pad_anchor(self) -> int | None:
        """The id that the pad token must keep because the model counts positions from it; None for most.

        RoBERTa numbers the tokens of a text from pad_token_id + 1 and skips pad tokens. With another
        pad_token_id, each position would get the embedding of its neighbor.
        """
        if not self.architecture.counts_from_pad:
            return None
        pad = self.config.get("pad_token_id", 1)
        return pad if type(pad) is int else None

    def kind_of(self, table: Table) -> Which:
        """Which rows a matrix gets: those of the input embeddings if it is tied to them."""
        if table in self.biases:
            return "bias"
        if table in self.lookups:
            return "lookup"
        if table in self.choices:
            return "choice"
        return "input" if self.tied or table == self.input or table in self.copies else "output"


def find_tables(architecture: Architecture, where: Mapping[str, SafetensorsFile]) -> StoredTables | None:
    """The embedding matrices among the tensors of a model, None if there are no input embeddings.

    Args:
        architecture: their names.
        where: the file of each tensor by tensor name.
    """

    def stored(names: tuple[str, ...]) -> tuple[Table, ...]:
        return tuple(Table(name, where[name]) for name in stored_names(names, architecture.prefix, where))

    inputs, outputs = stored(architecture.inputs), stored(architecture.outputs)
    if not inputs:
        return None
    return StoredTables(
        input=inputs[0],
        output=outputs[0] if outputs else None,
        biases=stored(architecture.biases),
        copies=tuple(table for table in stored(architecture.input_copies) if table != inputs[0]),
        output_copies=stored(architecture.output_copies),
        lookups=stored(architecture.lookups),
        choices=stored(architecture.choices),
    )
