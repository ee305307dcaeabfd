"""The request of an extension: its languages and their text, checked before a base is looked for."""

from typing import Any

from vocabx._util.extras import Packages, installed
from vocabx.checkpoint.base import base_packages
from vocabx.checkpoint.replacing import check_not_read
from vocabx.checkpoint.staging import check_free
from vocabx.commands._output import inputs_of
from vocabx.commands.extend.check_tokens import check_donor
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.push.plan import check_repository
from vocabx.corpus.engine import PACKAGES as RAY
from vocabx.corpus.find_texts import resolve_sources
from vocabx.corpus.formats import text_packages
from vocabx.corpus.languages import Language
from vocabx.corpus.several import find_languages, shares_of, text_of, texts_by_language
from vocabx.corpus.source import TextSource, learning_source, looks_simplified, note_other_language, peek
from vocabx.errors import CorpusError, InitializerError, LanguageError
from vocabx.initializers.registry import find_initializer
from vocabx.progress import Progress
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.pretokenized import least_tokens, normalized


def described(language: Language, source: TextSource, shares: tuple[float, ...]) -> list[dict[str, Any]]:
    """Each of several languages with its text and its share, if that was given; empty for one language."""
    parts = zip(language.parts, source.parts, shares or (None,) * len(language.parts), strict=False)
    return [
        {"language": one.tag, "corpus": text.description, "corpus_bytes": text.bytes, "share": share}
        for one, text, share in parts
    ]


def floor_of(tokenizer: FastTokenizer, source: TextSource) -> float | None:
    """The fewest tokens over its own that the beginning of a text can have; None if unknown."""
    sample = peek(source)
    least = least_tokens(tokenizer, [normalized(tokenizer, sample)])
    return None if least is None else round(least / max(1, len(tokenizer.encode([sample])[0])), 4)


def check_word_vectors(options: ExtendOptions, language: Language) -> None:
    """Refuse initializers that align word vectors of two languages, where there are several.

    Raises:
        InitializerError: one of them is requested.
    """
    if not language.parts or options.tokenizer_only or options.shared_vectors:
        return
    for name in options.initializers:
        if find_initializer(name).vectors in ("by frequency", "plain"):
            raise InitializerError(
                f"{name} aligns the word vectors of two languages, and --lang names {len(language.parts)}: "
                "pass another --init, or --shared-vectors with vectors of all"
            )


def note_other_languages(
    options: ExtendOptions, language: Language, source: TextSource, progress: Progress
) -> None:
    """Say so where a text of --corpus seems to be in another language than it should."""
    named, others = texts_by_language(options.corpus, language)
    for one, text in zip(language.each, source.parts or (source,), strict=bool(source.parts)):
        if others or one.tag in named:
            note_other_language(peek(text), one, progress)


def note_simplified(
    options: ExtendOptions, language: Language, source: TextSource, progress: Progress
) -> None:
    """Say so where a text for Traditional Chinese looks like Simplified."""
    if not options.corpus or options.opencc or not installed("opencc"):
        return
    for one, text in zip(language.each, source.parts or (source,), strict=True):
        if one.tag == "zh-Hant" and looks_simplified(peek(text)):
            progress.note(
                "This text looks like Simplified Chinese: --opencc s2twp converts it to Traditional."
            )


def checked_request(options: ExtendOptions) -> tuple[Language, TextSource]:
    """The language or languages that were asked for, and their text.

    Raises:
        VocabxError: whatever is wrong with the options, the language, the text or the directory to write.
    """
    check_donor(options)
    if options.push_to_hub:
        check_repository(options.push_to_hub)
    if not options.lang:
        raise LanguageError("which language? Pass --lang with a BCP 47 tag such as zh-Hant")
    language = find_languages(options.lang)
    shares_of(options.share, language)
    check_word_vectors(options, language)
    check_free(options.out, options.resume, options.force)
    check_not_read(options.out, (*inputs_of(options), *options.protect, options.donor))
    # Report a missing text before a base is downloaded.
    source = text_of(
        language, options.corpus, options.text_field, options.opencc, learning_source, strict=options.strict
    )
    if options.superwords and not source.running:
        raise CorpusError(
            f"--superwords learns which words follow each other, and this is {source.description}, in random "
            f"order: pass --corpus with text in {language.name}, or leave it out"
        )
    if options.evaluate and not source.running:
        raise CorpusError(
            f"bits per byte need running text, and this is {source.description}: pass --corpus with text in "
            f"{language.name}, or --no-evaluate"
        )
    return language, source


def reading_packages(options: ExtendOptions, source: TextSource) -> Packages:
    """What reading the base and the texts needs."""
    return {
        **base_packages(options.base, weights=not options.tokenizer_only),
        **source.packages,
        **(RAY if options.engine == "ray" else {}),
        **text_packages(resolve_sources((*options.base_text, *options.protect))),
    }
