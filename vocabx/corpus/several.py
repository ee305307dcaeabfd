"""Several languages at once: their tags, the texts of each, and all of them as one.

`--lang hi,ta,bn` names them, and `--corpus hi=PATH` the text of one. To whatever asks no more of it, several
languages are one with the scripts of all, and their texts are one text, read in turn so that each language
has as many bytes as the others until its text ends.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TypeVar

from vocabx._util.paths import path_of
from vocabx._util.shorten import shortened
from vocabx.corpus.document import Document
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.engine import Engine
from vocabx.corpus.languages import Language, enumerated, find_language, with_scripts_of
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import TextSource, peek, user_source
from vocabx.errors import CorpusError, LanguageError, OptionError
from vocabx.progress import Progress

_Item = TypeVar("_Item")
# Three shares of 0.33 add up to 1.
_ROUNDING = 0.015


def find_languages(tags: str) -> Language:
    """The language of a BCP 47 tag, or of several that are comma-separated as one.

    Raises:
        LanguageError: a tag is unknown, or names a language that another one names, too.
    """
    if "," not in tags:
        return find_language(tags)
    given = [tag.strip() for tag in tags.split(",")]
    if not all(given):
        raise LanguageError(f"{tags!r} names no language before or after a comma: pass tags such as hi,ta,bn")
    found = [find_language(tag) for tag in given]
    for number, language in enumerate(found):
        if language.tag in (one.tag for one in found[:number]):
            raise LanguageError(f"{tags!r} names {language.name} twice: pass each language once")
    return together(found)


def together(languages: Sequence[Language]) -> Language:
    """Several languages as one with the characters of all; its scripts are unknown if those of one are."""
    known = all(one.scripts for one in languages)
    segmentations = {one.segmentation for one in languages}
    return Language(
        tag=",".join(one.tag for one in languages),
        name=enumerated([one.name for one in languages]),
        scripts=_distinct(name for one in languages for name in one.scripts) if known else (),
        blocks=_distinct(block for one in languages for block in one.blocks),
        segmentation=segmentations.pop() if len(segmentations) == 1 else "spaces",
        sentence=languages[0].sentence,
        parts=tuple(languages),
    )


def with_scripts(language: Language, source: TextSource) -> Language:
    """A language with its scripts determined from the beginning of its text, if its profile gives none.

    Of several languages, each by its own text where there is one.

    Raises:
        LanguageError: the text contains no letters.
    """
    if not language.parts:
        return with_scripts_of(language, peek(source))
    if source.parts:
        pairs = zip(language.parts, source.parts, strict=True)
        return together([with_scripts_of(one, "" if one.scripts else peek(text)) for one, text in pairs])
    if language.scripts:
        return language
    known = [name for one in language.parts for name in one.scripts]
    found = with_scripts_of(replace(language, parts=()), peek(source)).scripts
    return replace(language, scripts=_distinct([*known, *found]))


def texts_by_language(
    corpus: Sequence[str], language: Language
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The patterns of --corpus by the tag of the language that they name, and those that name none.

    Args:
        corpus: as `PATH`, or as `TAG=PATH` for the text of one of several languages.
        language: one, whose tag may be named too, or several.
    """
    named: dict[str, tuple[str, ...]] = {}
    others: list[str] = []
    tags = {one.tag.lower(): one.tag for one in language.each}
    for pattern in corpus:
        tag, equals, path = pattern.partition("=")
        standard = tags.get(tag.lower()) or tags.get(_standard(tag) if equals else "")
        if equals and standard:
            named[standard] = (*named.get(standard, ()), path)
        else:
            others.append(pattern)
    return named, tuple(others)


def shares_of(text: str, language: Language) -> tuple[float, ...]:
    """The share of each of several languages, from `hi=0.5,ta=0.3,bn=0.2`; empty for "".

    Raises:
        OptionError: a share is missing, no number above 0 or of another language, or they do not add up to 1.
    """
    if not text:
        return ()
    example = ",".join(f"{one.tag}={1 / len(language.parts):.2f}" for one in language.parts)
    shares: dict[str, float] = {}
    for part in text.split(","):
        tag, equals, number = (word.strip() for word in part.partition("="))
        standard = next(
            (one.tag for one in language.parts if one.tag.lower() in (tag.lower(), _standard(tag))), ""
        )
        share = _number(number)
        if not equals or not standard or standard in shares or not 0 < share < 1:
            raise OptionError(
                f"--share cannot read {shortened(part, 60)!r}: pass a share above 0 for each language of "
                f"--lang once, such as {example}"
            )
        shares[standard] = share
    missing = [one.tag for one in language.parts if one.tag not in shares]
    if missing:
        raise OptionError(f"--share names no share of {' and '.join(missing)}: pass one, such as {example}")
    total = sum(shares.values())
    if abs(total - 1) > _ROUNDING:
        raise OptionError(f"--share adds up to {total:.4g}: pass shares that add up to 1, such as {example}")
    return tuple(shares[one.tag] / total for one in language.parts)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def without_tag(pattern: str) -> str:
    """The path of a pattern of --corpus, without the language that it may name."""
    tag, equals, path = pattern.partition("=")
    return path if equals and _standard(tag) and not path_of(pattern).exists() else pattern


def text_of(
    language: Language,
    corpus: Sequence[str],
    text_field: str,
    opencc: str,
    default: Callable[[Language], TextSource],
    apart: bool = True,
    strict: bool = False,
) -> TextSource:
    """The text in a language, or in each of several: the user's, else the default text.

    Args:
        language: one or several, see `find_languages`.
        corpus: the patterns, see `texts_by_language`.
        text_field, opencc: see `user_source`; of several languages, only Chinese is converted.
        default: the text of a language that no pattern names.
        apart: whether the texts of several languages must be told apart; otherwise, patterns that name none
            may give all of it.
        strict: see `user_source`.

    Raises:
        VocabxError: there is no text of a language, or it is not said of which language a text is.
    """
    named, others = texts_by_language(corpus, language)
    if not language.parts:
        patterns = (*named.get(language.tag, ()), *others)
        return user_source(patterns, text_field, opencc, strict) if patterns else default(language)
    if others and (apart or named):
        raise CorpusError(_of_no_language(others[0], language))
    if others:
        return user_source(others, text_field, opencc, strict)
    converted = [one for one in language.parts if one.tag.startswith("zh") and one.tag in named]
    if opencc and not converted:
        raise OptionError(
            "--opencc converts Chinese text of --corpus, and there is none: leave it out, or pass "
            "--corpus zh-Hant=PATH"
        )
    texts = [
        user_source(named[one.tag], text_field, opencc if one in converted else "", strict)
        if one.tag in named
        else default(one)
        for one in language.parts
    ]
    return joined_source(language.parts, texts)


def default_text(language: Language, default: Callable[[Language], TextSource]) -> TextSource:
    """The default text of a language or of each of several, by a function that finds that of one."""
    return text_of(language, (), "", "", default)


def _of_no_language(pattern: str, language: Language) -> str:
    tag, equals, _ = pattern.partition("=")
    if equals and _standard(tag):
        return f"--corpus {pattern} is of a language that --lang {language.tag} does not name: add it there"
    first = language.parts[0].tag
    return (
        f"--corpus {pattern} does not say which of {len(language.parts)} languages it is in: write --corpus "
        f"{first}={pattern}, and so for each"
    )


def joined_source(languages: Sequence[Language], texts: Sequence[TextSource]) -> TextSource:
    """The texts of several languages as one, see the module."""
    known = all(text.bytes is not None for text in texts)
    pairs = list(zip(languages, texts, strict=True))
    return TextSource(
        description="; ".join(f"{one.tag}: {text.description}" for one, text in pairs),
        bytes=sum(text.bytes or 0 for text in texts) if known else None,
        open=lambda: in_turn([text.open() for text in texts]),
        packages={name: extra for text in texts for name, extra in text.packages.items()},
        unread=" ".join(f"{one.tag}: {text.unread}" for one, text in pairs if text.unread),
        nature=_natures(pairs),
        running=all(text.running for text in texts),
        parts=tuple(texts),
    )


def _natures(pairs: Sequence[tuple[Language, TextSource]]) -> str:
    """What texts are, each thing once, with the names of the languages that it is said of."""
    found: dict[str, list[str]] = {}
    for language, text in pairs:
        if text.nature:
            found.setdefault(text.nature, []).append(language.name)
    return " ".join(f"{enumerated(names)}: {nature}" for nature, names in found.items())


def in_turn(streams: Sequence[Iterator[Document]]) -> Iterator[Document]:
    """The documents of several streams, always of that which has given the fewest bytes of text.

    They are of one source, whose bytes are those read of all streams.
    """
    open_ = dict(enumerate(streams))
    given = [0] * len(streams)
    places = [("", 0)] * len(streams)
    read = 0
    while open_:
        number = min(open_, key=lambda one: (given[one], one))
        document = next(open_[number], None)
        if document is None:
            del open_[number]
            continue
        source, before = places[number]
        read += document.bytes_read - (before if source == document.source else 0)
        places[number] = (document.source, document.bytes_read)
        # A document without text must not hold up the others.
        given[number] += max(1, len(document.text.encode()))
        yield replace(document, source="several languages", bytes_read=read)


def draw_each(
    source: TextSource,
    language: Language,
    sizes: SampleSizes,
    title: str,
    progress: Progress,
    engine: Engine = "local",
) -> tuple[Corpus, ...]:
    """A sample of the text of each language, partly held out: one where the texts are not apart.

    Args:
        source: the text, with a part for each part of `language`, or one of all of it.
        language: with its scripts.
        sizes: how much to learn from and to hold out of each text.
        title: of the stage.
        progress: reports the bytes read.
        engine: see `draw_corpus`.

    Raises:
        CorpusError: a text is too small to hold some out, or not in its language.
    """
    if not source.parts:
        return (draw_corpus(source, language.scripts, sizes, title, progress, engine),)
    found = []
    for one, text in zip(language.parts, source.parts, strict=True):
        try:
            found.append(draw_corpus(text, one.scripts, sizes, f"{title}, {one.tag}", progress, engine))
        except CorpusError as error:
            raise CorpusError(f"{one.name} ({text.description}): {error}") from None
    return tuple(found)


def joined_corpus(corpora: Sequence[Corpus]) -> Corpus:
    """Samples of several texts as one, their lines and sections in turn."""
    if len(corpora) == 1:
        return corpora[0]
    total = sum(one.bytes_read for one in corpora)
    return Corpus(
        learning=tuple(_in_turn([one.learning for one in corpora])),
        heldout=tuple(_in_turn([one.heldout for one in corpora])),
        heldout_whole_documents=all(one.heldout_whole_documents for one in corpora),
        documents=sum(one.documents for one in corpora),
        bytes_read=total,
        script_share=sum(one.script_share * one.bytes_read for one in corpora) / max(1, total),
        heldout_documents=frozenset().union(*(one.heldout_documents for one in corpora)),
        sources=tuple(_in_turn([one.sources for one in corpora])),
    )


def _in_turn(lists: Sequence[Sequence[_Item]]) -> Iterator[_Item]:
    missing = object()
    for group in zip_longest(*lists, fillvalue=missing):
        yield from (item for item in group if item is not missing)  # type: ignore[misc]


def _distinct(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))


def _standard(tag: str) -> str:
    """The lower-case tag of the language that a tag means, "" if it means none."""
    try:
        return find_language(tag).tag.lower()
    except LanguageError:
        return ""
