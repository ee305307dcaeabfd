"""A program that reads tokenizers, and where it is looked for."""

from dataclasses import dataclass
from pathlib import Path

READERS = Path(__file__).resolve().parent / "readers"


@dataclass(frozen=True)
class Runtime:
    """A program that reads tokenizers.

    Attributes:
        name: as users write it.
        package: the distribution, of PyPI or of npm, whose version is stated.
        reader: the file in `readers` that asks it; one in JavaScript is run by node.
        oldest: the oldest version that its reader knows.
        gguf: whether it reads a .gguf file in place of the directory.
        tiktoken: whether it reads a .tiktoken file in place of the directory.
        literals: whether it finds special tokens that are written out in a text. Where it does not, texts
            with one are left out.
    """

    name: str
    package: str
    reader: str
    oldest: str = "0"
    gguf: bool = False
    tiktoken: bool = False
    literals: bool = True

    @property
    def node(self) -> bool:
        """Whether it runs in node."""
        return self.reader.endswith(".mjs")


@dataclass(frozen=True)
class Place:
    """Where a runtime may be installed.

    Attributes:
        name: as it is shown; "" for vocabx's own environment.
        python: the interpreter, "" for vocabx's own.
        folders: of packages that come before the interpreter's own: a target of pip, or what holds
            node_modules; at most one.
    """

    name: str = ""
    python: str = ""
    folders: tuple[Path, ...] = ()
