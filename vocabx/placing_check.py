"""What placing would refuse after hours of work, refused before it."""

from collections.abc import Sequence
from pathlib import Path

from vocabx.errors import InitializerError
from vocabx.extras import require
from vocabx.initializers import find_initializer
from vocabx.options import PlacingOptions
from vocabx.placing import settings_of

_FILES = ("source_vectors", "target_vectors", "shared_vectors")


def check_placing(options: PlacingOptions, names: Sequence[str]) -> None:
    """Refuse, before any work, what placing by the initializers `names` would refuse after it.

    Raises:
        VocabxError: an initializer is unknown, an option is of no use to any of them, a file is missing, or a
            package is not installed.
    """
    if not names:
        raise InitializerError("--init names no initializer: pass one or more, parted by commas")
    initializers = [find_initializer(name) for name in names]
    by_words = [one for one in initializers if one.vectors in ("by frequency", "plain", "if there")]
    for name in (*_FILES, "dictionary"):
        if getattr(options, name) and not by_words:
            raise InitializerError(
                f"--{name.replace('_', '-')} is of no use to {' or '.join(names)}, which places tokens "
                "without word vectors: leave it out, or pass --init wechsel, ofa or cw2v"
            )
    defaults = PlacingOptions()
    for name in vars(settings_of(options)):
        heeded = any(name in initializer.settings for initializer in initializers)
        if getattr(options, name) != getattr(defaults, name) and not heeded:
            raise InitializerError(f"--{name} is of no use to {' or '.join(names)}: leave it out")
    for name in _FILES:
        path = getattr(options, name)
        if path and not Path(path).is_file():
            raise InitializerError(
                f"--{name.replace('_', '-')} {path} is no file: pass a file of word vectors"
            )
    if options.shared_vectors and (options.source_vectors or options.target_vectors or options.dictionary):
        raise InitializerError(
            "--shared-vectors holds both languages: leave out --source-vectors, --target-vectors and "
            "--dictionary"
        )
    _check_numbers(options)
    if any(one.vectors in ("by frequency", "plain") for one in initializers):
        require("faiss", "vectors")
    if any(one.vectors not in ("", "if there") for one in initializers):
        require("gensim", "vectors")


def _check_numbers(options: PlacingOptions) -> None:
    for name in ("neighbours", "candidates", "epochs", "rank"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InitializerError(f"--{name} is {value}: pass at least 1")
    if options.fallback not in ("draw", "pieces"):
        raise InitializerError(f"--fallback is {options.fallback!r}: pass draw or pieces")
    if not 0 < options.temperature < float("inf"):
        raise InitializerError(f"--temperature is {options.temperature}: pass a number above 0")
