"""The embedding matrices ("tables") of a checkpoint, found by tensor name from the headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture, stored_names
from vocabx.checkpoint.built_architecture import Shapes
from vocabx.checkpoint.configuration import is_tied, read_config, said_rows
from vocabx.checkpoint.find_architecture import find_architecture, lacking_packages
from vocabx.checkpoint.index_names import check_index
from vocabx.checkpoint.meta_model import MetaModel
from vocabx.checkpoint.model_directory import read_index, refuse_links
from vocabx.checkpoint.quantised import quantisation_of, refuse_quantised_matrices
from vocabx.checkpoint.safetensors_file import (
    DTYPES,
    INDEX,
    INTEGERS,
    SafetensorsFile,
    read_header,
    same_tensor,
)
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import Which

SINGLE = "model.safetensors"
# The ends of the names of classes without an lm_head.
_HEADLESS = (
    "Model", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering",
    "ForMultipleChoice",
)  # fmt: skip


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


def read_checkpoint(directory: Path) -> Checkpoint:
    """Read the headers of a model directory and find its embedding matrices.

    Raises:
        BaseModelError: if there is no configuration or there are no weights, a file is damaged or outside the
            directory, its embedding matrices are quantized or contradict the configuration, or its
            architecture is unknown.
    """
    refuse_links(directory)
    config = read_config(directory)
    files, where = _read_files(directory)
    entries = {name: entry for file in files for name, entry in file.tensors.items()}
    quantisation = quantisation_of(config, {name: entry.dtype for name, entry in entries.items()})
    known = ARCHITECTURES.get(str(config.get("model_type", "")))
    if quantisation and known is not None:
        refuse_quantised_matrices(quantisation, known, entries, directory)
    shapes = Shapes({name: entry.shape for name, entry in entries.items()})
    architecture, others = find_architecture(config, shapes, directory)
    if quantisation:
        refuse_quantised_matrices(quantisation, architecture, entries, directory)
    note = _check_index(directory, where, files, architecture, config)
    found = find_tables(architecture, {name: file for file in files for name in file.tensors})
    if found is None:
        raise BaseModelError(
            f"{directory} has no embedding matrix {architecture.inputs[0]}: is a shard missing?"
        )
    found = _with_copies(found, others, {name: file for file in files for name in file.tensors}, directory)
    own_output = found.output is not None
    if found.output is not None and (architecture.built or not architecture.says_tied):
        own_output = not same_tensor(found.input.file, found.input.name, found.output.file, found.output.name)
    tied = is_tied(config, own_output, architecture)
    headless = not tied and found.output is None and _lacks_head(config, architecture, found.input.name)
    checkpoint = Checkpoint(
        **vars(found),
        directory=directory,
        config=config,
        architecture=architecture,
        files=files,
        tied=tied or headless,
        headless=headless,
        quantisation=quantisation,
        note=" ".join(filter(None, (note, _note_of_hashes(architecture)))),
    )
    _check(checkpoint, architecture)
    return checkpoint


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


def _with_copies(
    found: StoredTables, others: Sequence[str], where: Mapping[str, SafetensorsFile], directory: Path
) -> StoredTables:
    """The embedding matrices with copies of them that the class does not have.

    Layers that predict further tokens hold both matrices again, and transformers leaves them out.

    Raises:
        BaseModelError: another tensor of the vocabulary's size is a copy of neither.
    """
    copies, output_copies = list(found.copies), list(found.output_copies)
    for name in others:
        table = Table(name, where[name])
        if same_tensor(found.input.file, found.input.name, table.file, name):
            copies.append(table)
        elif found.output is not None and same_tensor(found.output.file, found.output.name, table.file, name):
            output_copies.append(table)
        else:
            shape = table.file.tensors[name].shape
            raise BaseModelError(
                f"{directory} has a tensor {name} of the shape {shape}, which its class does not have: "
                "vocabx cannot tell whether it follows the vocabulary; remove it, or pass a base without it"
            )
    return replace(found, copies=tuple(copies), output_copies=tuple(output_copies))


def _note_of_hashes(architecture: Architecture) -> str:
    """What a hash of ids means for new tokens, in one sentence, or ""."""
    if not architecture.hashes:
        return ""
    return (
        f"The model hashes n-grams of ids by {architecture.hashes}: old tokens keep their embeddings of "
        "n-grams, and new ones get those that their ids hash to, until they are trained."
    )


def _lacks_head(config: dict[str, Any], architecture: Architecture, table: str) -> bool:
    """Whether a model was saved without its lm_head: by the names of its tensors, or by its class."""
    classes = config.get("architectures")
    named = str(classes[0]) if isinstance(classes, list) and classes else ""
    return table not in architecture.inputs or (
        named.endswith(_HEADLESS) and not named.endswith("LMHeadModel")
    )


def _check(checkpoint: Checkpoint, architecture: Architecture) -> None:
    directory = checkpoint.directory
    for table in checkpoint.tables:
        entry = table.file.tensors[table.name]
        dimensions = len(entry.shape)
        if table.is_lying and table in checkpoint.biases:
            continue
        if dimensions != (1 if table in checkpoint.biases else 2):
            raise BaseModelError(
                f"{directory}: {table.name} has {dimensions} dimensions: the base is damaged"
            )
        if not all(entry.shape):
            raise BaseModelError(f"{directory}: {table.name} is empty: the base is damaged")
        if entry.dtype not in (INTEGERS if table in checkpoint.choices else DTYPES):
            raise BaseModelError(
                f"{directory}: {table.name} is stored as {entry.dtype!r}: vocabx supports "
                f"{', '.join(DTYPES)}, pass the unquantized model that this one was made from"
            )
    rows = checkpoint.input.rows
    for table in checkpoint.tables[1:]:
        if table.rows != rows and not (table in checkpoint.lookups and table.rows < rows):
            raise BaseModelError(
                f"{directory}: {checkpoint.input.name} has {rows} rows and {table.name} {table.rows}: "
                "the base is damaged"
            )
    said = said_rows(checkpoint.config, default=rows)
    if said != rows:
        raise BaseModelError(
            f"{directory}: vocab_size in config.json is {said!r} and the embedding matrix has {rows} rows: "
            "the base is damaged, or its configuration was edited by hand"
        )
    if not checkpoint.tied and checkpoint.output is None:
        raise BaseModelError(
            f"{directory}: the configuration says that the lm_head is not tied, but there is no "
            f"{architecture.outputs[0]}: the base is damaged"
        )


def _read_files(directory: Path) -> tuple[tuple[SafetensorsFile, ...], dict[str, str] | None]:
    """The weight files, and the content of their index, None if there is none."""
    index = directory / INDEX
    if not index.exists():
        if not (directory / SINGLE).is_file():
            raise BaseModelError(f"{directory} has no {SINGLE} and no {INDEX}: save the model as safetensors")
        return (read_header(directory / SINGLE),), None
    where = read_index(index)
    names = sorted(set(where.values()))
    return tuple(read_header(directory / name) for name in names), where


def _check_index(
    directory: Path,
    where: dict[str, str] | None,
    files: tuple[SafetensorsFile, ...],
    architecture: Architecture,
    config: dict[str, Any],
) -> str:
    """What is wrong with an index but does not matter, in one sentence, or ""."""
    if where is None:
        return ""
    held = {file.path.name: file.tensors for file in files}
    note = check_index(directory / INDEX, where, held, architecture, config)
    if SINGLE not in held and (directory / SINGLE).exists():
        # transformers reads the former, and everything that uses the index reads the latter.
        raise BaseModelError(
            f"{directory} holds two models, {SINGLE} and the shards of {INDEX}: remove one of them"
        )
    return note


def check_tables(checkpoint: Checkpoint, tokens: int) -> None:
    """Check that a base's embedding matrices fit its tokenizer, and can be mixed.

    Raises:
        BaseModelError: if they have fewer rows than the tokenizer has tokens, or an unsupported dtype.
    """
    if checkpoint.input.rows < tokens:
        raise BaseModelError(
            f"{checkpoint.directory}: the embeddings have {checkpoint.input.rows} rows and the tokenizer has "
            f"{tokens} tokens: they do not belong together"
        )
    for table in checkpoint.tables:
        table.map()
