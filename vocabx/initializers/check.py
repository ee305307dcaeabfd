"""What placing would refuse after hours of work, refused before it."""

from collections.abc import Sequence
from pathlib import Path

from vocabx._util.extras import require
from vocabx.errors import InitializerError
from vocabx.initializers.options import SETTINGS, VECTOR_FILES, InitializerOptions
from vocabx.initializers.registry import find_initializer


def check_initializers(options: InitializerOptions, names: Sequence[str]) -> None:
    """Refuse, before any work, what placing by the initializers `names` would refuse after it.

    Raises:
        VocabxError: an initializer is unknown, an option is of no use to any of them, a file is missing, or a
            package is not installed.
    """
    initializers = [find_initializer(name) for name in names]
    by_words = [one for one in initializers if one.vectors in ("by frequency", "plain", "if there")]
    for name in (*VECTOR_FILES, "dictionary"):
        if getattr(options, name) and not by_words:
            raise InitializerError(
                f"--{name.replace('_', '-')} is of no use to {' or '.join(names)}, which places tokens "
                "without word vectors: leave it out, or pass --init wechsel, ofa or cw2v"
            )
    defaults = InitializerOptions()
    for name in SETTINGS:
        heeded = any(name in initializer.settings for initializer in initializers)
        if getattr(options, name) != getattr(defaults, name) and not heeded:
            raise InitializerError(f"--{name} is of no use to {' or '.join(names)}: leave it out")
    for name in VECTOR_FILES:
        path = getattr(options, name)
        if path and not Path(path).is_file():
            raise InitializerError(
                f"--{name.replace('_', '-')} {path} is no file: pass a file of word vectors"
            )
    if any(one.vectors in ("by frequency", "plain") for one in initializers):
        require("faiss", "vectors")
    if any(one.vectors not in ("", "if there") for one in initializers):
        require("gensim", "vectors")
