"""Reads the headers of a model directory and finds its embedding matrices, or says what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vocabx.checkpoint.architectures import ARCHITECTURES, Architecture
from vocabx.checkpoint.built_architecture import Shapes
from vocabx.checkpoint.configuration import is_tied, read_config, said_rows
from vocabx.checkpoint.find_architecture import find_architecture
from vocabx.checkpoint.index_names import check_index
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
from vocabx.checkpoint.tables import SINGLE, Checkpoint, StoredTables, Table, find_tables
from vocabx.errors import BaseModelError

# The ends of the names of classes without an lm_head.
_HEADLESS = (
    "Model", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering",
    "ForMultipleChoice",
)  # fmt: skip


def read_checkpoint(directory: Path, trust: bool = False, like: Architecture | None = None) -> Checkpoint:
    """Read the headers of a model directory and find its embedding matrices.

    Args:
        directory: the directory.
        trust: whether code that comes with the model is trusted; see `find_architecture`.
        like: the architecture of a checkpoint that this one was made from, or made into, whose code need not
            be asked again.

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
    architecture, others = find_architecture(config, shapes, directory, trust, like)
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
