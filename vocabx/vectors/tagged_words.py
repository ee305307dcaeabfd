"""Where the nouns, verbs and named entities of a line are, by a part-of-speech tagger of the language.

jieba    Chinese, by jieba.posseg: a dictionary with tags, and a hidden Markov model for other words. Its tags
         of nouns include those of names of people, places and organizations (nr, ns, nt, nz)

No other segmentation has a tagger here: those of spaCy and Stanza load models from the network.
"""

from functools import cache
from typing import Any

from vocabx._util.extras import need
from vocabx.errors import VectorsError
from vocabx.vectors.words import as_simplified, jieba_tokenizer

# The first letters of the tags of nouns, names among them, and of verbs.
_TAGS = ("n", "v")


def has_tagger(segmentation: str) -> bool:
    """Whether there is a tagger for languages of a segmentation, see `vectors.words`."""
    return segmentation == "jieba"


def tagged_spans(line: str, segmentation: str) -> list[tuple[int, int]]:
    """Where the nouns, verbs and named entities of a line begin and end.

    Args:
        line: text.
        segmentation: as stated in the language profile.

    Raises:
        VectorsError: there is no tagger for it.
        MissingPackageError: jieba or OpenCC is not installed.
    """
    if not has_tagger(segmentation):
        raise VectorsError(f"there is no part-of-speech tagger for the segmentation {segmentation!r}")
    spans, start = [], 0
    for word, tag in _tagger().lcut(as_simplified(line)):
        if tag.startswith(_TAGS):
            spans.append((start, start + len(word)))
        start += len(word)
    return spans


@cache
def _tagger() -> Any:
    tokenizer = jieba_tokenizer()
    return need("jieba.posseg", "vectors").POSTokenizer(tokenizer)
