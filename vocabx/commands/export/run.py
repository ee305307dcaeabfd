"""The story of `vocabx export`: a checkpoint, or its tokenizer, in the files of another program."""

from typing import TypeAlias

from vocabx.commands.export.options import ExportOptions
from vocabx.exports.export_ctranslate2 import Ctranslate2Result, export_ctranslate2
from vocabx.exports.export_dense import DenseResult, export_dense
from vocabx.exports.export_tiktoken import TiktokenResult, export_tiktoken
from vocabx.gguf.export_gguf import ExportResult, export_gguf
from vocabx.progress import Progress

Exported: TypeAlias = ExportResult | TiktokenResult | Ctranslate2Result | DenseResult


def export(options: ExportOptions, progress: Progress | None = None) -> Exported:
    """Write a checkpoint for llama.cpp or CTranslate2, its tokenizer for tiktoken, or its factors multiplied.

    Args:
        options: see `ExportOptions`.
        progress: receives the stages, and notes on where the other program behaves differently.

    Returns:
        What was written; its class follows from which of the four was asked for.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    if options.tiktoken is not None:
        return export_tiktoken(options.directory, options.tiktoken, progress)
    if options.ctranslate2 is not None:
        return export_ctranslate2(options.directory, options.ctranslate2, options.dtype, progress)
    if options.dense is not None:
        return export_dense(options.directory, options.dense, progress, options.command)
    assert options.gguf is not None
    return export_gguf(options.directory, options.gguf, options.dtype, options.pre, progress)
