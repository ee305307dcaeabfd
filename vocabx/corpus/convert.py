"""Conversion between Simplified and Traditional Chinese, by OpenCC."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from vocabx._util.extras import Packages, need
from vocabx.corpus.document import Document
from vocabx.errors import CorpusError

PACKAGES: Packages = {"opencc": "corpus"}
CONFIGURATIONS = (
    "s2t", "t2s", "s2tw", "tw2s", "s2hk", "hk2s", "s2twp", "tw2sp", "t2tw", "tw2t", "t2hk", "hk2t",
)  # fmt: skip

_HAN = re.compile("[\u3400-\u9fff]")


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

    def __call__(self, text: str) -> str:
        """Return `text` converted."""
        return _loaded(need("opencc", "corpus"), self.configuration)(text)

    def documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Yield the documents converted."""
        for document in documents:
            yield replace(document, text=self(document.text))


@cache
def _loaded(opencc: Any, configuration: str) -> Callable[[str], str]:
    """A configuration, whose dictionaries take longer to load than most texts to convert."""
    convert: Callable[[str], str] = opencc.OpenCC(configuration).convert
    return convert


def simplified_share(text: str) -> float:
    """Share of the Han characters of `text` that OpenCC's s2t changes, i.e. Simplified forms.

    About 0 for a Traditional text (some forms are both), about 0.3 for a Simplified one.
    """
    converted = Converter("s2t")(text)
    if len(converted) != len(text):
        # Not expected of s2t, whose entries keep the length; the estimate needs aligned strings.
        return 0.0
    changed = (a for a, b in zip(text, converted, strict=True) if a != b)
    return len(_HAN.findall("".join(changed))) / max(1, len(_HAN.findall(text)))
