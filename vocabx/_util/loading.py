"""Loading with the auto classes of transformers, without running code from the directory.

A directory may name code in `auto_map`; unless told not to, transformers asks a terminal whether to run it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx._util.shorten import shortened
from vocabx.errors import BaseModelError, VocabxError

_SHOWN = 120


def load_auto(kind: str, directory: Path, extra: str, **settings: Any) -> Any:
    """What an auto class of transformers loads from a directory; its code is never run.

    Args:
        kind: name of the auto class, such as "AutoTokenizer".
        directory: the directory; nothing is downloaded.
        extra: the extra of vocabx to name if transformers is not installed.
        settings: further arguments of `from_pretrained`.

    Raises:
        BaseModelError: the directory can only be loaded by its own code, or transformers cannot load it.
        MissingPackageError: transformers is not installed.
    """
    auto = getattr(need("transformers", extra), kind)
    with refusing(directory / settings.get("gguf_file", "")):
        return auto.from_pretrained(directory, local_files_only=True, trust_remote_code=False, **settings)


def build_auto(kind: str, config: Any, directory: Path, extra: str) -> Any:
    """The model of a configuration, without weights; see `load_auto`.

    Raises:
        BaseModelError: the model can only be built by code of its directory, or transformers cannot build it.
        MissingPackageError: transformers is not installed.
    """
    auto = getattr(need("transformers", extra), kind)
    with refusing(directory):
        return auto.from_config(config, trust_remote_code=False)


@contextmanager
def refusing(path: object) -> Iterator[None]:
    """Turn whatever transformers raises for a file, or those of a directory, into one sentence."""
    try:
        yield
    except (VocabxError, MemoryError):
        raise
    except Exception as error:  # The fields that it does not check fail anywhere.
        if type(error).__name__ == "OutOfMemoryError":
            raise
        if isinstance(error, ValueError) and "trust_remote_code" in str(error):
            raise BaseModelError(
                f"transformers can only load {path} by running its own code, which vocabx never does: "
                "pass a model of a type that transformers knows, or load this one in your own script and "
                "save it as such"
            ) from error
        if isinstance(error, ImportError):
            wanted = shortened(" ".join(str(error).split()).partition(". ")[0], _SHOWN)
            raise BaseModelError(
                f"transformers needs another package for {path} ({wanted}): install it"
            ) from error
        reason = shortened(" ".join(str(error).split()), _SHOWN) or type(error).__name__
        raise BaseModelError(
            f"transformers cannot load {path} ({reason}): repair or replace its files"
        ) from error
