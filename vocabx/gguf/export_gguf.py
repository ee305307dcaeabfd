"""The story of an export: check a checkpoint, convert its settings and vocabulary, write its tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx.checkpoint.configuration import read_config
from vocabx.checkpoint.factorised import refuse_factorised
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.single_file import check_target, staged_file
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError, OutputError
from vocabx.gguf import modernbert
from vocabx.gguf.bert import bert_settings_of
from vocabx.gguf.settings import Settings, architecture_of, settings_of
from vocabx.gguf.tensors import AUTO, CHOICES, GgufTensor, tensors_of
from vocabx.gguf.vocabulary import Vocabulary, suppressed, vocabulary_of
from vocabx.progress import Advance, Progress, Quiet
from vocabx.tokenizer.read_tokenizer import read_tokenizer

_SUFFIX = ".gguf"
_FILE_TYPES = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "bf16": "MOSTLY_BF16", "q8_0": "MOSTLY_Q8_0"}
# llama.cpp strips spaces around special tokens of models with one of these in their name.
_TELLING_NAMES = ("phi-3", "phi3", "modern-bert")
# Approximate overhead per token besides its text, and size of all other settings.
_A_TOKEN, _SETTINGS = 40, 1 << 20


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: the file.
        architecture: llama.cpp's name of the architecture.
        tokens: number of tokens, padding included: the number of rows of the embedding matrix.
        pretokenizer: llama.cpp's name of the pre-tokenizer.
        tensors: number of tensors.
        bytes: size of the file.
        dtype: dtype of the embedding matrix, such as "bf16".
    """

    path: Path
    architecture: str
    tokens: int
    pretokenizer: str
    tensors: int
    bytes: int
    dtype: str


def export_gguf(
    directory: Path,
    out: Path,
    dtype: str = AUTO,
    pretokenizer: str = "",
    progress: Progress | None = None,
) -> ExportResult:
    """Write a checkpoint as one .gguf file.

    Args:
        directory: a model directory with config.json, safetensors and a tokenizer.
        out: the file to write; must not exist.
        dtype: dtype of matrices: "f32", "f16", "bf16", "q8_0", or "auto" for that of the checkpoint.
        pretokenizer: llama.cpp's name of the pre-tokenizer, to override the detected one.
        progress: receives the bytes written, and notes on where llama.cpp behaves differently.

    Raises:
        BaseModelError: if there is no such checkpoint, or llama.cpp does not support it.
        TokenizerError: if its tokenizer has no counterpart in llama.cpp.
        OutputError: if the file cannot be written there, or not in this dtype.
    """
    progress = progress or Quiet()
    if dtype not in CHOICES:
        raise OutputError(f"--dtype is {dtype!r}: pass one of {', '.join(CHOICES)}")
    if out.suffix != _SUFFIX:
        raise OutputError(f"{out} does not end in {_SUFFIX}: pass --gguf {out}{_SUFFIX}")
    check_target(out)
    need("gguf", "gguf")
    checkpoint = _checkpoint(directory)
    settings = _settings(checkpoint)
    tensors = tensors_of(checkpoint, settings, dtype)
    tokenizer = read_tokenizer(directory)
    vocabulary = vocabulary_of(tokenizer, directory, checkpoint.config, settings.rows, pretokenizer)
    if settings.window is not None:
        progress.note(
            f"llama.cpp ignores the sliding window: attention sees more than the last {settings.window:,} "
            "tokens."
        )
    for difference in vocabulary.differences:
        progress.note(difference)
    weights = sum(tensor.size for tensor in tensors)
    texts = sum(len(token.encode()) for token in (*vocabulary.tokens, *vocabulary.merges))
    check_target(out, weights + texts + _A_TOKEN * settings.rows + _SETTINGS)
    stored = _stored(tensors)
    values = {
        **_general(directory, stored),
        **settings.values(),
        **vocabulary.values(),
        **_suppression(directory, settings),
    }
    with (
        progress.stage(f"Writing {out}", total=weights, unit="B") as advance,
        staged_file(out, progress.note) as scratch,
    ):
        _write(scratch, settings, values, tensors, advance)
        checkpoint.require_unchanged()
    return _exported(out, settings, vocabulary, tensors, stored)


def _checkpoint(directory: Path) -> Checkpoint:
    if not directory.is_dir():
        raise BaseModelError(
            f"{directory} is not a directory: pass a model directory, such as vocabx extend writes"
        )
    # Check the type before the weights: other types may have weights that vocabx cannot read.
    architecture_of(read_config(directory), str(directory))
    checkpoint = read_checkpoint(directory)
    refuse_factorised(checkpoint, "a .gguf file")
    checkpoint.require_unquantised("a .gguf file", "extend and export the model that was quantized")
    return checkpoint


def _settings(checkpoint: Checkpoint) -> Settings:
    if checkpoint.config["model_type"] == modernbert.KIND:
        return modernbert.modernbert_settings_of(checkpoint)
    encodes = architecture_of(checkpoint.config, str(checkpoint.directory)).encodes
    return bert_settings_of(checkpoint) if encodes else settings_of(checkpoint)


def _stored(tensors: list[GgufTensor]) -> str:
    """The dtype of the embedding matrix, which counts as that of the file."""
    return next(tensor.dtype for tensor in tensors if tensor.name == "token_embd.weight")


def _general(directory: Path, stored: str) -> dict[str, Any]:
    gguf = need("gguf", "gguf")
    name = directory.resolve().name
    values: dict[str, Any] = {"general.type": "model"}
    if not any(telling in name.lower() for telling in _TELLING_NAMES):
        values["general.name"] = name
    values["general.file_type"] = int(gguf.LlamaFileType[_FILE_TYPES[stored]])
    values["general.quantization_version"] = int(gguf.GGML_QUANT_VERSION)
    return values


def _suppression(directory: Path, settings: Settings) -> dict[str, Any]:
    ids = suppressed(directory, settings.rows)
    return {"tokenizer.ggml.suppress_tokens": ids} if ids else {}


def _write(
    path: Path, settings: Settings, values: dict[str, Any], tensors: list[GgufTensor], advance: Advance
) -> None:
    gguf = need("gguf", "gguf")
    writer = gguf.GGUFWriter(path, settings.architecture.name)
    try:
        for key, value in values.items():
            add_value(writer, key, value)
        for tensor in tensors:
            kind = gguf.GGMLQuantizationType[tensor.dtype.upper()]
            writer.add_tensor_info(tensor.name, tensor.shape, None, tensor.size, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        # The writer's own method needs a whole tensor in memory.
        stream = writer.fout[0]
        for tensor in tensors:
            writer.write_padding(stream, stream.tell())
            start = stream.tell()
            for block in tensor.blocks():
                advance(stream.write(block.tobytes()))
            if stream.tell() - start != tensor.size:
                raise BaseModelError("the checkpoint changed while it was being read: run the command again")
        writer.write_padding(stream, stream.tell())
    finally:
        writer.close()


def add_value(writer: Any, key: str, value: Any) -> None:
    """Add a setting according to its type; integers are unsigned, as llama.cpp expects."""
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case list() | bytes():
            writer.add_array(key, value)
        case _:
            raise TypeError(f"{key} is a {type(value).__name__}")


def _exported(
    out: Path, settings: Settings, vocabulary: Vocabulary, tensors: list[GgufTensor], stored: str
) -> ExportResult:
    return ExportResult(
        path=out,
        architecture=settings.architecture.name,
        tokens=len(vocabulary.tokens),
        pretokenizer=vocabulary.pretokenizer,
        tensors=len(tensors),
        bytes=out.stat().st_size,
        dtype=stored,
    )
