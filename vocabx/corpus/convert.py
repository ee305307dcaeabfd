"""Conversion between Simplified and Traditional Chinese, by OpenCC."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from vocabx._util.extras import Packages, need
from vocabx.corpus.read_text import Document
from vocabx.errors import CorpusError

PACKAGES: Packages = {"opencc": "corpus"}
CONFIGURATIONS = (
    "s2t", "t2s", "s2tw", "tw2s", "s2hk", "hk2s", "s2twp", "tw2sp", "t2tw", "tw2t", "t2hk", "hk2t",
)  # fmt: skip


class Converter:
    """One OpenCC configuration, such as "s2twp" (Simplified to Traditional with Taiwan's vocabulary).

    Raises:
        CorpusError: there is no such configuration.
        MissingPackageError: opencc is not installed; raised by the first conversion.
    """

    def __init__(self, configuration: str) -> None:
        if configuration not in CONFIGURATIONS:
            raise CorpusError(
                f"unknown OpenCC configuration {configuration!r}: use one of {', '.join(CONFIGURATIONS)}"
            )
        self.configuration = configuration

    @cached_property
    def _convert(self) -> Callable[[str], str]:
        convert: Callable[[str], str] = need("opencc", "corpus").OpenCC(self.configuration).convert
        return convert

    def __call__(self, text: str) -> str:
        """Return `text` converted."""
        return self._convert(text)

    def documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Yield the documents converted."""
        for document in documents:
            yield Document(self(document.text), document.source, document.bytes_read)


def simplified_share(text: str) -> float:
    """Share of the Han characters of `text` that OpenCC's s2t changes, i.e. Simplified forms.

    About 0 for a Traditional text (some forms are both), about 0.3 for a Simplified one.
    """
    converted = Converter("s2t")(text)
    if len(converted) != len(text):
        # Not expected of s2t, whose entries keep the length; the estimate needs aligned strings.
        return 0.0
    han = [(a, b) for a, b in zip(text, converted, strict=True) if "\u3400" <= a <= "\u9fff"]
    return sum(a != b for a, b in han) / max(1, len(han))
