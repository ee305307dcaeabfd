"""The texts of a run: what it trains on, what it replays and measures, and what its decay reads."""

from vocabx.checkpoint.base import base_language
from vocabx.checkpoint.manifest import Manifest
from vocabx.commands.train.options import TrainOptions
from vocabx.corpus.languages import Language, find_language
from vocabx.corpus.several import find_languages, text_of, with_scripts
from vocabx.corpus.source import TextSource, default_source, measuring_source, user_source
from vocabx.errors import VocabxError


def target_source(options: TrainOptions, manifest: Manifest) -> TextSource:
    """The text in the new language, or of each of several."""
    language = find_languages(manifest.language)
    return text_of(language, options.corpus, options.text_field, options.opencc, default_source, apart=False)


def language_of_base(manifest: Manifest) -> Language:
    """The language of the base that was extended."""
    return find_language(base_language(manifest.base.name))


def replay_source(options: TrainOptions, language: Language) -> TextSource | None:
    """The text in the base's language, for replay; None if there is none and none is replayed."""
    if options.replay:
        return user_source(options.replay, options.text_field, "")
    try:
        return default_source(language)
    except VocabxError:
        if options.replay_share or options.decay_replay_share:
            raise
        return None


def measured_source(options: TrainOptions, language: Language) -> TextSource | None:
    """Text in the base's language to measure on; None to measure on what is held out of the replay."""
    if options.base_text:
        return user_source(options.base_text, options.text_field, "")
    return None if options.replay else measuring_source(language)


def decay_source(options: TrainOptions) -> TextSource | None:
    """The text of the decay, None if it has none of its own."""
    if not options.decay_corpus:
        return None
    return user_source(options.decay_corpus, options.text_field, options.opencc)


def language_with_scripts(tag: str, source: TextSource) -> Language:
    """The language of the new tokens, with the scripts of the text where it has none."""
    return with_scripts(find_languages(tag), source)
