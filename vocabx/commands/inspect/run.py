"""The story of `vocabx inspect`: read a tokenizer and a text, count, and sum up."""

from dataclasses import dataclass, replace
from typing import Any

from vocabx._util.extras import require_all
from vocabx.checkpoint.base import Base, base_packages, find_tokenizer_base
from vocabx.commands.inspect.measure import Inspection, inspect_tokenizer
from vocabx.commands.inspect.options import InspectOptions
from vocabx.commands.inspect.verdict import percent, verdict_of
from vocabx.corpus.languages import Language, find_language, with_scripts_of
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.source import learning_source, note_left_out, peek, user_source
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.stated_class import REPLACED
from vocabx.tokenizer.write import model_type

_FEW_LETTERS = 0.5


@dataclass(frozen=True)
class InspectResult:
    """How well a tokenizer serves a language.

    Attributes:
        base, base_origin: the tokenizer as the user named it, and where it came from.
        language: the language, with its scripts.
        corpus: where the text comes from.
        script_share: share of the text's letters in the scripts of the language.
        inspection: the counts.
        verdict: sentences that sum them up; the first says whether an extension would help.
    """

    base: str
    base_origin: str
    language: Language
    corpus: str
    script_share: float
    inspection: Inspection
    verdict: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {
            "base": self.base,
            "base_origin": self.base_origin,
            "language": self.language.tag,
            "scripts": list(self.language.scripts),
            "corpus": self.corpus,
            "script_share": self.script_share,
            **self.inspection.to_dict(),
            "verdict": list(self.verdict),
        }


def inspect(options: InspectOptions, progress: Progress | None = None) -> InspectResult:
    """Measure how well a tokenizer serves a language.

    Args:
        options: see `InspectOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    progress = progress or Quiet()
    language = find_language(options.lang)
    source = (
        user_source(options.corpus, options.text_field, options.opencc)
        if options.corpus
        else learning_source(language)
    )
    require_all({**base_packages(options.base, weights=False), **source.packages})
    found = find_tokenizer_base(options.base, progress)
    tokenizer = read_tokenizer(found.directory)
    language = with_scripts_of(language, peek(source))
    with progress.stage("Reading text", source.bytes, "B") as advance:
        sample = sample_corpus(
            source.open(), language.scripts, options.sample_bytes, 0, options.seed, advance
        )
    note_left_out(source, progress)
    if sample.script_share < _FEW_LETTERS:
        progress.note(
            f"Only {percent(sample.script_share)} of the letters of this text are in "
            f"{' or '.join(language.scripts)} script: check --lang and --corpus."
        )
    with progress.stage("Inspecting", len(sample.learning) + len(tokenizer.token_bytes)) as advance:
        inspection = inspect_tokenizer(tokenizer, sample.learning, language, advance)
    if model_type(found.directory) in REPLACED:
        # A widened pre-tokenizer would not be read.
        inspection = replace(inspection, words=replace(inspection.words, split_adapted=None))
    return InspectResult(
        base=options.base,
        base_origin=found.origin,
        language=language,
        corpus=source.description,
        script_share=sample.script_share,
        inspection=inspection,
        verdict=tuple(verdict_of(inspection, language, _command(options, found))),
    )


def _command(options: InspectOptions, found: Base) -> list[str]:
    """The arguments of the `vocabx extend` command that the verdict recommends."""
    command = ["vocabx", "extend", "--base", options.base, "--lang", options.lang]
    command += [word for path in options.corpus for word in ("--corpus", path)]
    command += ["--opencc", options.opencc] if options.opencc else []
    return command + ([] if (found.directory / "config.json").is_file() else ["--tokenizer-only"])
