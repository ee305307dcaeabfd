"""Which tensors of a checkpoint are its tables, by the model's own names. Reads headers, never tensors."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vocabx.checkpoint.safetensors_file import SafetensorsFile, read_header
from vocabx.errors import BaseModelError
from vocabx.initializers.placement import Which

# Names by the configuration's model_type: input table, output table, then each name of the output's bias.
_LLAMA_LIKE = ("model.embed_tokens.weight", "lm_head.weight", "lm_head.bias")
_GPT2_LIKE = ("transformer.wte.weight", "lm_head.weight", "lm_head.bias")
# The bias of a head for masked words has two names, and a file may hold either or both.
_ROBERTA_LIKE = (
    "roberta.embeddings.word_embeddings.weight", "lm_head.decoder.weight", "lm_head.bias",
    "lm_head.decoder.bias",
)  # fmt: skip
ENCODERS: dict[str, tuple[str, ...]] = {
    "bert": (
        "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", "cls.predictions.bias",
        "cls.predictions.decoder.bias",
    ),
    "roberta": _ROBERTA_LIKE,
    "xlm-roberta": _ROBERTA_LIKE,
    "camembert": _ROBERTA_LIKE,
    "distilbert": (
        "distilbert.embeddings.word_embeddings.weight", "vocab_projector.weight", "vocab_projector.bias",
    ),
    "electra": (
        "electra.embeddings.word_embeddings.weight", "generator_lm_head.weight", "generator_lm_head.bias",
    ),
}  # fmt: skip
NAMES: dict[str, tuple[str, ...]] = {
    "llama": _LLAMA_LIKE,
    "mistral": _LLAMA_LIKE,
    "qwen2": _LLAMA_LIKE,
    "qwen3": _LLAMA_LIKE,
    "gemma": _LLAMA_LIKE,
    "gemma2": _LLAMA_LIKE,
    "gemma3_text": _LLAMA_LIKE,
    "phi": _LLAMA_LIKE,
    "phi3": _LLAMA_LIKE,
    "olmo": _LLAMA_LIKE,
    "olmo2": _LLAMA_LIKE,
    "smollm3": _LLAMA_LIKE,
    "gpt2": _GPT2_LIKE,
    "gptj": _GPT2_LIKE,
    "gpt_neo": _GPT2_LIKE,
    "gpt_neox": ("gpt_neox.embed_in.weight", "embed_out.weight", "embed_out.bias"),
    **ENCODERS,
}
# Checkpoints saved from the model without its head leave the first part of the names out.
PREFIXES = ("model.", "transformer.", "gpt_neox.", "bert.", "roberta.", "distilbert.", "electra.")
# Whether a configuration that does not say ties its tables.
_TIED_BY_DEFAULT = {"gpt2", "gpt_neo", "gemma", "gemma2", "gemma3_text", "smollm3", *ENCODERS}

# They count positions from the id of the pad token (`create_position_ids_from_input_ids` in transformers).
_COUNTED_FROM_PAD = {"roberta", "xlm-roberta", "camembert"}


@dataclass(frozen=True)
class Table:
    """One table: the tensor `name` of the file `file`, of shape (rows, width); a bias has width 1."""

    name: str
    file: SafetensorsFile

    @property
    def rows(self) -> int:
        """Number of rows, one a token id."""
        return self.file.tensors[self.name].shape[0]

    @property
    def dtype(self) -> str:
        """Element type as the file names it, as "BF16"."""
        return self.file.tensors[self.name].dtype

    def map(self) -> NDArray[Any]:
        """Memory-map the table, read-only, (rows, width)."""
        mapped = self.file.map(self.name)
        return mapped if mapped.ndim == 2 else mapped[:, None]


@dataclass(frozen=True)
class Checkpoint:
    """A model directory by its headers.

    Attributes:
        directory: where it lies.
        config: the parsed config.json.
        files: every safetensors file, in the order of their names.
        input: the embedding table.
        output: the table of the output layer when it is stored, also when it is tied.
        biases: the bias of the output layer under each name that it is stored by.
        tied: whether the model shares one table between input and output.
    """

    directory: Path
    config: dict[str, Any]
    files: tuple[SafetensorsFile, ...]
    input: Table
    output: Table | None
    biases: tuple[Table, ...]
    tied: bool

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that a new vocabulary changes: input, output, biases, as far as they are stored."""
        return (self.input, *(() if self.output is None else (self.output,)), *self.biases)

    @property
    def generates(self) -> bool:
        """Whether the model predicts the next token; an encoder predicts tokens that were masked."""
        return self.config["model_type"] not in ENCODERS or bool(self.config.get("is_decoder"))

    @property
    def pad_anchor(self) -> int | None:
        """The id that the pad token must keep, because the model counts positions from it; None for most.

        RoBERTa numbers the tokens of a text from pad_token_id + 1 and skips every pad token. With another
        pad_token_id each position would get its neighbour's embedding.
        """
        if self.config["model_type"] not in _COUNTED_FROM_PAD:
            return None
        return int(self.config.get("pad_token_id", 1))

    def kind_of(self, table: Table) -> Which:
        """Whose rows a table takes: those of the input where it is tied to it."""
        if table in self.biases:
            return "bias"
        return "input" if table is self.input or self.tied else "output"


def read_checkpoint(directory: Path) -> Checkpoint:
    """Read the headers of a model directory and find its tables.

    Raises:
        BaseModelError: no configuration or weights, an architecture whose table names are not known, or
            tables that contradict the configuration.
    """
    config = _read_config(directory)
    files = tuple(read_header(path) for path in _weight_files(directory))
    where = {name: file for file in files for name in file.tensors}
    kind = str(config.get("model_type", ""))
    if kind not in NAMES:
        raise BaseModelError(
            f"{directory} is of the model type {kind!r}, whose tables vocabx does not know: "
            f"it knows {', '.join(NAMES)}"
        )
    table, output, *biases = (_find(name, where) for name in NAMES[kind])
    if table is None:
        raise BaseModelError(f"{directory} holds no embedding table {NAMES[kind][0]}: is a shard missing?")
    tied = bool(config.get("tie_word_embeddings", kind in _TIED_BY_DEFAULT))
    stored = tuple(bias for bias in biases if bias is not None)
    checkpoint = Checkpoint(directory, config, files, table, output, stored, tied)
    _check(checkpoint, NAMES[kind][1])
    return checkpoint


def _find(name: str, where: dict[str, SafetensorsFile]) -> Table | None:
    for prefix in ("", *PREFIXES):
        short = name.removeprefix(prefix)
        if short in where:
            return Table(short, where[short])
    return None


def _check(checkpoint: Checkpoint, output_name: str) -> None:
    directory = checkpoint.directory
    for table in checkpoint.tables:
        dimensions = len(table.file.tensors[table.name].shape)
        if dimensions != (1 if table in checkpoint.biases else 2):
            raise BaseModelError(
                f"{directory}: {table.name} has {dimensions} dimensions: the base is damaged"
            )
    rows = checkpoint.input.rows
    for table in checkpoint.tables[1:]:
        if table.rows != rows:
            raise BaseModelError(
                f"{directory}: {checkpoint.input.name} has {rows} rows and {table.name} {table.rows}: "
                "the base is damaged"
            )
    if checkpoint.config.get("vocab_size", rows) != rows:
        raise BaseModelError(
            f"{directory}: config.json says vocab_size {checkpoint.config['vocab_size']} and the embedding "
            f"table has {rows} rows: the base is damaged, or its configuration was edited by hand"
        )
    if not checkpoint.tied and checkpoint.output is None:
        raise BaseModelError(
            f"{directory}: the configuration says that the output table is not tied, and there is no "
            f"{output_name}: the base is damaged"
        )


def _read_config(directory: Path) -> dict[str, Any]:
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaseModelError(f"{directory} has no config.json") from None
    except ValueError:
        raise BaseModelError(f"{directory / 'config.json'} is not JSON") from None
    if not isinstance(config, dict):
        raise BaseModelError(f"{directory / 'config.json'} is not a configuration")
    if "quantization_config" in config:
        raise BaseModelError(
            f"{directory} is quantised: vocabx lengthens tables of 16 or 32 bits; pass the model it was "
            "quantised from"
        )
    return config


def _weight_files(directory: Path) -> list[Path]:
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BaseModelError(f"{index} is damaged: download it again") from None
        if not all(isinstance(name, str) for name in names):
            raise BaseModelError(f"{index} is damaged: download it again")
        if any(Path(name).name != name for name in names):
            raise BaseModelError(f"{index} points outside its directory: do not trust this model")
    else:
        names = ["model.safetensors"]
    for name in names:
        if not (directory / name).is_file():
            hint = " (.bin weights are not read; save the model as safetensors)" if len(names) == 1 else ""
            raise BaseModelError(f"{directory} has no {name}{hint}")
    return [directory / name for name in names]
