"""How expected a text is under an n-gram model, by the package kenlm."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vocabx._util.extras import Packages, need
from vocabx.errors import CorpusError

PACKAGES: Packages = {"kenlm": "perplexity"}
# Characters of a document that are scored, from its beginning.
_SCORED = 2000


class Perplexity:
    """An n-gram model that KenLM wrote, as .arpa or in its binary format.

    Args:
        path: the file.
        spaces: whether the words of the language are separated by spaces; otherwise the model is one of
            characters.

    Raises:
        MissingPackageError: kenlm is not installed.
        CorpusError: the file is no such model.
    """

    def __init__(self, path: Path, spaces: bool) -> None:
        kenlm = need("kenlm", "perplexity")
        if not path.is_file():
            raise CorpusError(f"no such n-gram model: {path}")
        settings = kenlm.Config()
        settings.show_progress = False
        try:
            self._model: Any = kenlm.Model(str(path), settings)
        except (OSError, RuntimeError, ValueError):
            raise CorpusError(
                f"{path} is no model of KenLM: pass an .arpa file of bigrams or more, or what "
                "its build_binary writes"
            ) from None
        self._spaces = spaces

    def of(self, texts: Sequence[str]) -> list[float]:
        """The perplexity of each text per word or character, its lines scored one by one."""
        return [self._of(text[:_SCORED]) for text in texts]

    def _of(self, text: str) -> float:
        total, count = 0.0, 0
        for line in text.split("\n"):
            units = line.split() if self._spaces else list("".join(line.split()))
            if units:
                total += self._model.score(" ".join(units))
                # With the end of the sentence.
                count += len(units) + 1
        # Base-10 logarithms; the largest that an unlikely text of a poor model can have stays a number.
        return float(10 ** min(300.0, -total / max(1, count)))
