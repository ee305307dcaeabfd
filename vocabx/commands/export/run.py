"""The story of `vocabx export`: a checkpoint as one .gguf file."""

from vocabx.commands.export.options import ExportOptions
from vocabx.gguf.export_gguf import ExportResult, export_gguf
from vocabx.progress import Progress


def export(options: ExportOptions, progress: Progress | None = None) -> ExportResult:
    """Write a checkpoint of the Llama family as one .gguf file.

    Args:
        options: see `ExportOptions`.
        progress: receives the bytes written, and notes on where llama.cpp behaves differently.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    return export_gguf(options.directory, options.gguf, options.dtype, options.pre, progress)
