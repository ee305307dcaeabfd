"""Sources of text: the user's own files and streams, or the default text of a language profile."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from vocabx._util.extras import Packages, missing, require_all
from vocabx.corpus.convert import PACKAGES as OPENCC
from vocabx.corpus.convert import Converter, simplified_share
from vocabx.corpus.detect_language import other_languages
from vocabx.corpus.document import Document
from vocabx.corpus.dropped import Dropped, joined_dropped
from vocabx.corpus.find_texts import FoundTexts, Passed, find_texts, passed_over, source_bytes
from vocabx.corpus.formats import Source, TextFile, text_packages
from vocabx.corpus.languages import Language, PackagedText, find_language, with_scripts_of
from vocabx.corpus.packaged_text import is_readable, packaged_bytes, read_packaged
from vocabx.corpus.read_text import read_documents
from vocabx.corpus.shard import Shard
from vocabx.corpus.skipped import Skipped
from vocabx.corpus.word_frequencies import is_at_hand, package_name, word_packages, word_text
from vocabx.errors import CorpusError, MissingPackageError
from vocabx.progress import Progress

_SAMPLE_CHARACTERS = 200_000
_SIMPLIFIED = 0.1
# Lines that tell the language of a text, and the characters that one needs to.
_PASSAGES, _PASSAGE = 40, 60
# Bytes of words alone, somewhat more than are learned from by default, and beside running text.
_WORDS_ALONE, _WORDS_BESIDE = 10_000_000, 60_000_000
_ORDERLESS = "words in random order, each as often as it is used"


@dataclass(frozen=True)
class TextSource:
    """Text that can be read from the beginning any number of times.

    Attributes:
        description: one line for display.
        bytes: size of the source in bytes, or None for a stream of unknown length.
        open: starts reading from the beginning.
        packages: what reading it needs beyond vocabx's own requirements.
        unread: what of it is not read, in one sentence, or "".
        nature: what it is where it is not running text alone, in one sentence, or "".
        running: whether there is running text in it, which alone says something about a model.
        skipped: the records that the latest reading left out.
        dropped: what the latest reading left out for its quality; None where nothing is, see `quality`.
        parts: the texts of several languages, in their order; empty for one text.
        shards: what it is read from, where each can be read apart; empty where it cannot.
    """

    description: str
    bytes: int | None
    open: Callable[[], Iterator[Document]]
    packages: Packages = field(default_factory=dict)
    unread: str = ""
    skipped: Skipped = field(default_factory=Skipped)
    nature: str = ""
    running: bool = True
    dropped: Dropped | None = None
    parts: tuple["TextSource", ...] = ()
    shards: tuple[Shard, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was not read, once it was read from the beginning to the end: a sentence each."""
        if self.parts:
            return tuple(f"{one.description}: {said}" for one in self.parts for said in one.left_out)
        dropped = self.dropped.sentence() if self.dropped else ""
        return tuple(filter(None, (self.unread, *self.skipped.sentences(), dropped)))

    @property
    def all_dropped(self) -> Dropped | None:
        """What the latest reading left out for its quality, of all parts together; None where nothing is."""
        found = [one.dropped for one in (self, *self.parts) if one.dropped is not None]
        return joined_dropped(found) if len(found) > 1 else next(iter(found), None)


def user_source(patterns: Sequence[str], text_field: str, opencc: str, strict: bool = False) -> TextSource:
    """The user's own text: files, directories and globs, here or at addresses of fsspec, and hf:// streams.

    Tables and .json files of a directory that have no `text_field` are taken for something else than text.

    Args:
        patterns: see `find_texts`.
        text_field: the field or column with the text of records, see `text_of`.
        opencc: an OpenCC configuration to convert the text with, or "".
        strict: whether to refuse a damaged file of a directory, instead of leaving it out.

    Raises:
        CorpusError: nothing was found, or there is no such configuration.
    """
    found = find_texts(patterns)
    sources, passed = _without_other_records(found, text_field)
    convert = _conversion(opencc)
    skipped, tolerated = Skipped(), frozenset[TextFile]() if strict else found.several

    def open_() -> Iterator[Document]:
        skipped.clear()
        return convert(read_documents(sources, text_field, skipped, tolerated))

    names = ", ".join(str(pattern) for pattern in patterns)
    return TextSource(
        f"{names}, through OpenCC {opencc}" if opencc else names,
        source_bytes(sources),
        open_,
        {**text_packages(sources), **(OPENCC if opencc else {})},
        passed_over(sources, passed),
        skipped,
        shards=tuple(Shard(source, text_field, opencc, source in tolerated) for source in sources),
    )


def _without_other_records(found: FoundTexts, field: str) -> tuple[Sequence[Source], Sequence[Passed]]:
    """The sources of a directory without files whose first records have no `field`, unless none has it."""
    others = [path for path in found.probed if not _has_text(path, field)]
    if not others or len(others) == len(found.sources):
        return found.sources, found.passed
    passed = [*found.passed, *(Passed(path, path.stat().st_size, companion=False) for path in others)]
    return [source for source in found.sources if source not in set(others)], passed


def _has_text(path: Path, field: str) -> bool:
    """Whether a file has text in its first records; true of a damaged one, which its reader refuses."""
    try:
        return next(read_documents([path], field), None) is not None
    except CorpusError as error:
        return "--text-field" not in str(error)


def learning_source(language: Language) -> TextSource:
    """The default text to learn tokens from, for which words do where there is no running text.

    Word frequencies where the package wordfreq is installed, beside the packaged running text that is; else
    `default_source`.

    Raises:
        CorpusError: the language has none; the message says to pass --corpus.
        MissingPackageError: what holds it is not installed; the message says how to install it.
    """
    words = language.words
    if words is not None and is_at_hand(words):
        if language.packaged and all(is_readable(text.file) for text in language.packaged):
            return _mixed_source(language)
        return _word_source(language)
    source = default_source(language)
    if words is None or language.packaged:
        return source
    if missing(source.packages):
        # Words need less than the hub, and are at hand offline.
        require_all(word_packages(words))
    return _hub_source(language, ", or run pip install 'vocabx[wordfreq]' for word frequencies")


def default_source(language: Language) -> TextSource:
    """The default running text of a language: from a package where it is installed, else from the hub.

    Raises:
        CorpusError: the language has none; the message says to pass --corpus.
        MissingPackageError: the packaged text is not installed, and the profile names no hub text.
    """
    try:
        if language.packaged:
            return _packaged_source(language.packaged)
    except MissingPackageError as error:
        if not language.hub:
            raise
        install = str(error).rpartition(": ")[2]
        return _hub_source(language, f", or run {install}")
    if language.hub:
        return _hub_source(language, "")
    raise CorpusError(
        f"no default text is known for {language.tag}: pass --corpus with text in {language.name}"
    )


def measuring_source(language: Language) -> TextSource | None:
    """Packaged text of another domain than the default one, None where there is none or it is not installed.

    A model that reads the default text, as replay, gets better at texts of its domain. What it keeps of the
    language shows in another one.
    """
    if not language.measured or not all(is_readable(text.file) for text in language.measured):
        return None
    return _packaged_source(language.measured)


def note_left_out(source: TextSource, progress: Progress) -> None:
    """Say what the reading of a source left out."""
    for sentence in source.left_out:
        progress.note(f"{source.description}: {sentence}")


def peek(source: TextSource) -> str:
    """About the first 200,000 characters of a source."""
    taken: list[str] = []
    size = 0
    for document in source.open():
        taken.append(document.text[:_SAMPLE_CHARACTERS])
        size += len(taken[-1])
        if size >= _SAMPLE_CHARACTERS:
            break
    return "\n".join(taken)


def looks_simplified(sample: str) -> bool:
    """Whether a text for a Traditional Chinese vocabulary is written in Simplified characters."""
    return simplified_share(sample[:20_000]) > _SIMPLIFIED


def note_other_language(sample: str, language: Language, progress: Progress) -> None:
    """Say so where a text seems to be in another language than it should; nothing where that is not known."""
    passages_ = [passage for passage in sample.split("\n") if len(passage) >= _PASSAGE][:_PASSAGES]
    found = Counter(filter(None, other_languages(passages_, language.tag)))
    if passages_ and found.total() > len(passages_) / 2:
        other, count = found.most_common(1)[0]
        progress.note(
            f"This text seems to be {other} rather than {language.name} ({count} of the first "
            f"{len(passages_)} lines): check --lang and --corpus."
        )


def _packaged_source(texts: Sequence[PackagedText]) -> TextSource:
    total = sum(packaged_bytes(text.file) for text in texts)

    def open_() -> Iterator[Document]:
        return chain.from_iterable(_conversion(t.opencc)(read_packaged(t.file)) for t in texts)

    names = dict.fromkeys(f"{t.file.package} {t.file.version}".strip() for t in texts)
    packages = OPENCC if any(text.opencc for text in texts) else {}
    return TextSource(f"packaged text of {', '.join(names)}", total, open_, packages)


def _mixed_source(language: Language) -> TextSource:
    """Packaged running text, and word frequencies of which nothing is held out."""
    running = _packaged_source(language.packaged)
    assert language.words is not None

    def open_() -> Iterator[Document]:
        return chain(running.open(), word_text(language, _WORDS_BESIDE, learn_only=True))

    return TextSource(
        f"{running.description}, and word frequencies of {package_name()}",
        (running.bytes or 0) + _WORDS_BESIDE,
        open_,
        {**running.packages, **word_packages(language.words)},
        nature=f"Besides running text, tokens are learned from {_ORDERLESS}; only running text is held out.",
    )


def _word_source(language: Language) -> TextSource:
    """Word frequencies alone."""
    assert language.words is not None
    other = f"--corpus {language.hub}" if language.hub else "--corpus"
    return TextSource(
        f"word frequencies of {package_name()}",
        _WORDS_ALONE,
        lambda: word_text(language, _WORDS_ALONE),
        word_packages(language.words),
        nature=f"This is no running text but {_ORDERLESS}: enough to learn tokens from, but numbers of "
        f"tokens are those of such words, and bits per byte would mean little and are not measured. {other} "
        "learns from running text.",
        running=False,
    )


def _hub_source(language: Language, alternative: str) -> TextSource:
    convert = _conversion(language.hub_opencc)

    def open_() -> Iterator[Document]:
        try:
            documents = read_documents([language.hub])
            first = list(islice(documents, 1))
        except CorpusError as error:
            raise CorpusError(f"{error}{alternative}") from None
        return convert(chain(first, documents))

    packages = {**text_packages([language.hub]), **(OPENCC if language.hub_opencc else {})}
    return TextSource(f"{language.hub} on the hub", None, open_, packages)


def _conversion(opencc: str) -> Callable[[Iterable[Document]], Iterator[Document]]:
    """A function that converts documents by an OpenCC configuration, or leaves them as they are for ""."""
    return Converter(opencc).documents if opencc else iter


def base_source(texts: Sequence[str], text_field: str, tag: str) -> TextSource:
    """The text in the base's language: the user's, else the default text of `tag`, the base's language.

    Raises:
        CorpusError: there is none.
    """
    return user_source(texts, text_field, "") if texts else default_source(find_language(tag))


def scripts_of(source: TextSource) -> tuple[str, ...]:
    """The scripts of a text in an unknown language, determined from the text."""
    return with_scripts_of(Language("und", "the base's text", ()), peek(source)).scripts
