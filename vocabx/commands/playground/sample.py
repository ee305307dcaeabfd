"""The text that a playground begins with: of the report, else packaged text, else a sentence."""

from pathlib import Path

import msgspec

from vocabx._util.extras import missing
from vocabx._util.json_file import fit, is_there, read_object
from vocabx.corpus.packaged_text import is_readable
from vocabx.corpus.passages import passages
from vocabx.corpus.several import find_languages
from vocabx.corpus.source import default_source
from vocabx.errors import VocabxError
from vocabx.report.extension_report import TokenizedParagraph

_BYTES = 400


class _Report(msgspec.Struct, frozen=True):
    """What is read of a report.json."""

    paragraphs: tuple[TokenizedParagraph, ...] = ()


def first_text(directory: Path, language: str) -> str:
    """A paragraph in the language of the new tokens, "" where there is none on this machine.

    Args:
        directory: an extended checkpoint, whose report.json may hold paragraphs.
        language: BCP 47 tag, or several, comma-separated; "" if unknown.
    """
    return _reported(directory / "report.json") or _packaged(language) or _sentence(language)


def _reported(path: Path) -> str:
    """The first paragraph of a report that can be put together from its tokens."""
    if not is_there(path):
        return ""
    try:
        report = fit(path, read_object(path, VocabxError, ""), _Report, VocabxError, "")
    except VocabxError:
        # A text to begin with is a courtesy: other commands say what is wrong with the file.
        return ""
    for paragraph in report.paragraphs:
        for pieces in (paragraph.extended, paragraph.base):
            # An unknown token, <unk> or [UNK], does not say what it stands for.
            if all(piece.whole and piece.text[1:-1].lower() != "unk" for piece in pieces):
                return "".join(piece.text for piece in pieces).strip()
    return ""


def _sentence(tag: str) -> str:
    """The sentence of the language's profile, "" without one."""
    try:
        return find_languages(tag).sentence
    except VocabxError:
        return ""


def _packaged(tag: str) -> str:
    """The beginning of the language's packaged text, where all of that is installed."""
    try:
        language = find_languages(tag).each[0]
        if not language.packaged or not all(is_readable(text.file) for text in language.packaged):
            return ""
        source = default_source(language)
        if missing(source.packages):
            return ""
        document = next(source.open(), None)
    except VocabxError:
        return ""
    return passages(document.text.strip(), _BYTES)[0] if document and document.text.strip() else ""
