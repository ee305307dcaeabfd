"""The story of `vocabx export`: one file of a checkpoint, for other programs."""

from vocabx.commands.export.options import ExportOptions
from vocabx.gguf.export_gguf import ExportResult, export_gguf
from vocabx.progress import Progress


def export(options: ExportOptions, progress: Progress | None = None) -> ExportResult:
    """Write a checkpoint of the Llama family as one .gguf file.

    Args:
        options: what to write; see `ExportOptions`.
        progress: told of the bytes written and of what llama.cpp does otherwise.

    Raises:
        VocabxError: the user can repair what is wrong; the message says how.
    """
    return export_gguf(options.directory, options.gguf, options.dtype, options.pre, progress)
