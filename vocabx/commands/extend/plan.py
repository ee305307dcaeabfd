"""The plan of an extension, made before anything is learned or written: the content of --dry-run."""

from dataclasses import dataclass, replace
from typing import Any, Self

from vocabx._util.extras import Packages, installed, left_out, require_all
from vocabx.checkpoint.base import Base, base_language, base_packages, find_base, find_tokenizer_base
from vocabx.checkpoint.configuration import rows_by_configuration
from vocabx.checkpoint.grow import grown_bytes, side_files_of
from vocabx.checkpoint.replacing import check_not_read
from vocabx.checkpoint.special_ids import check_ids_free
from vocabx.checkpoint.staging import check_free, free_space
from vocabx.checkpoint.tables import Checkpoint, check_tables, read_checkpoint
from vocabx.checkpoint.untie import check_untiable, head_bytes
from vocabx.commands._output import inputs_of
from vocabx.commands.extend.check_tokens import (
    check_adaptable,
    check_added,
    check_donor,
    donor_tokens,
    note_codes,
    note_lost,
)
from vocabx.commands.extend.form import check_base
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.push.plan import check_repository
from vocabx.corpus.find_texts import resolve_sources
from vocabx.corpus.formats import text_packages
from vocabx.corpus.languages import Language, find_language, with_scripts_of
from vocabx.corpus.sketch import Sketch
from vocabx.corpus.source import (
    TextSource,
    base_source,
    learning_source,
    looks_simplified,
    peek,
    scripts_of,
    user_source,
)
from vocabx.errors import CorpusError, LanguageError
from vocabx.evaluation.load_model import PACKAGES as SCORING
from vocabx.evaluation.load_model import can_evaluate
from vocabx.initializers.check import (
    check_base_model,
    check_dictionaries,
    check_initializers,
    check_tied,
    initializer_packages,
    rule_taken,
)
from vocabx.progress import Progress
from vocabx.report.recorded_report import recorded_sketch
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.tokenizer.agreement import PACKAGES as TRANSFORMERS
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import DEFAULT_NEW_TOKENS
from vocabx.tokenizer.fast import FastTokenizer, needed_rows
from vocabx.tokenizer.read_tokenizer import read_tokenizer

# Tokenizer, manifest, card, report, and some slack for the file system.
_OTHER_BYTES = 50_000_000
# Rates measured on two cores, for an estimate that is good to a factor of two.
_READ_RATE, _LEARN_RATE, _WRITE_RATE, _FLOPS = 8e6, 7e5, 3e8, 2e11
_TOKENS_PER_BYTE = 0.45


@dataclass(frozen=True)
class VocabularyPlan:
    """The part of a plan that concerns the tokenizer.

    Attributes:
        options: the options of the command.
        base, tokenizer: the base model and its tokenizer.
        language: the new language, with its scripts.
        alphabet: the characters that new tokens may hold.
        source: the text to learn from.
        base_source: text in the base's language.
        protected: text whose tokenization must not change, or None.
        base_language: BCP 47 tag of the base's text, "und" if the user gave it.
        base_scripts: its scripts.
        donor: the tokens of the donor, or None.
        first_id: id of the first new token: after the last row of the base's embedding matrix if its size is
            known, so that padding rows keep their meaning; else after the last token.
        new_tokens: how many tokens will be added; an estimate until they are selected.
        learned_before: the sketch of the text that the base's own new tokens were learned from, or None.
    """

    options: ExtendOptions
    base: Base
    tokenizer: FastTokenizer
    language: Language
    alphabet: Alphabet
    source: TextSource
    base_source: TextSource
    protected: TextSource | None
    base_language: str
    base_scripts: tuple[str, ...]
    donor: tuple[bytes, ...] | None
    first_id: int
    new_tokens: int
    learned_before: Sketch | None

    @property
    def new_ids(self) -> range:
        """Ids of the new tokens."""
        return range(self.first_id, self.first_id + self.new_tokens)

    @property
    def ids(self) -> int:
        """One more than the last id that the result's tokenizer names."""
        return self.new_ids.stop

    @property
    def evaluate(self) -> bool:
        """Whether bits per byte will be measured."""
        return False

    @property
    def left_out(self) -> str:
        """What will be left out for want of packages, in one sentence, or ""."""
        return left_out(self._dispensable)

    @property
    def _dispensable(self) -> dict[str, Packages]:
        """What can be left out, with the packages that it needs."""
        return {"the certificate's claims about transformers": TRANSFORMERS, "the page's plots": PLOTS}

    @property
    def disk_bytes(self) -> int:
        """Size of the result in bytes."""
        return _OTHER_BYTES

    def with_tokens(self, count: int) -> Self:
        """The plan with the number of tokens that were selected."""
        return replace(self, new_tokens=count)

    def describe(self) -> dict[str, Any]:
        """The plan as plain data, for a table or JSON."""
        return {
            "base": self.base.name,
            "base_origin": self.base.origin,
            "family": self.tokenizer.family,
            "language": self.language.tag,
            "scripts": list(self.language.scripts),
            "corpus": self.source.description,
            "corpus_bytes": self.source.bytes,
            "corpus_unread": self.source.unread or None,
            "corpus_nature": self.source.nature or None,
            "learn_bytes": self.options.learn_bytes,
            "donor": self.options.donor or None,
            "old_tokens": self.tokenizer.tokens_end,
            "new_tokens": self.new_tokens,
            "first_id": self.first_id,
            "disk_bytes": self.disk_bytes,
            "disk_free": free_space(self.options.out),
            "out": str(self.options.out),
            "push_to_hub": self.options.push_to_hub or None,
            "left_out": self.left_out or None,
        }


@dataclass(frozen=True)
class Plan(VocabularyPlan):
    """The plan of an extension with weights.

    Attributes:
        checkpoint: the base model, read from its headers.
        scoring: whether bits per byte will be measured.
        not_copied: which files of the base are left out of the result and why, in one sentence, or "".
    """

    checkpoint: Checkpoint
    scoring: bool
    not_copied: str

    @property
    def evaluate(self) -> bool:
        """Whether bits per byte will be measured."""
        return self.scoring

    @property
    def _dispensable(self) -> dict[str, Packages]:
        measured = self.options.evaluate is None and self.checkpoint.generates
        return {**({"bits per byte": SCORING} if measured else {}), **super()._dispensable}

    @property
    def rows(self) -> int:
        """Number of rows of the new embedding matrices."""
        multiple = self.options.pad_to_multiple_of
        return -(-self.new_ids.stop // multiple) * multiple

    @property
    def ids(self) -> int:
        """One more than the last id that the result's tokenizer names: padding rows have names, too."""
        return self.rows

    @property
    def old_rows(self) -> int:
        """Number of the base's rows that belong to tokens."""
        return min(self.tokenizer.tokens_end, self.checkpoint.input.rows)

    @property
    def rowless(self) -> int:
        """Number of the base's ids, all of added tokens, for which its matrices have no row."""
        return max(0, self.tokenizer.size - self.checkpoint.input.rows)

    @property
    def rowless_note(self) -> str:
        """One sentence about them, or ""."""
        if not self.rowless:
            return ""
        return (
            f"The base's tokenizer has {self.rowless:,} more ids than its embedding matrix has rows: those "
            "tokens keep their ids, and get rows that are the mean of the others."
        )

    @property
    def pad_ids(self) -> range:
        """Ids after the last new token: padding rows up to `pad_to_multiple_of`."""
        return range(self.new_ids.stop, self.rows)

    @property
    def pad_rows(self) -> int:
        """Number of padding rows."""
        return len(self.pad_ids)

    @property
    def disk_bytes(self) -> int:
        """Peak size of the result in bytes: a factorized checkpoint is first written in dense form."""
        new_rows = self.rows - self.checkpoint.input.rows
        whole = grown_bytes(self.checkpoint, new_rows, self.options.link, self.options.untie)
        return (2 if self.options.factorised else 1) * whole + _OTHER_BYTES

    @property
    def rule(self) -> str:
        """Which rule the rows of a tied matrix follow, if the initializer has two; see `rule_taken`."""
        return " ".join(filter(None, (rule_taken(name, self.tied) for name in self.options.initializers)))

    @property
    def tied(self) -> bool:
        """Whether input embeddings and lm_head of the result share one matrix."""
        return self.checkpoint.tied and not self.options.untie

    def estimated_seconds(self) -> float:
        """A rough wall time, from rates measured on two cores."""
        options = self.options
        reading = (self.source.bytes or 10 * options.learn_bytes) / _READ_RATE
        learning = options.learn_bytes / _LEARN_RATE
        writing = 2 * self.disk_bytes / _WRITE_RATE
        width = self.checkpoint.input.map().itemsize
        flops = 2 * self.disk_bytes / width * 4 * options.heldout_bytes * _TOKENS_PER_BYTE
        return reading + learning + writing + (flops / _FLOPS if self.evaluate else 0.0)

    def describe(self) -> dict[str, Any]:
        """The plan as plain data, for a table or JSON."""
        table = self.checkpoint.input
        return {
            **super().describe(),
            "initializer": self.options.init,
            "form": "factorised" if self.options.factorised else "dense",
            "old_rows": table.rows,
            "pad_rows": self.pad_rows,
            "rows": self.rows,
            "width": self.checkpoint.input.map().shape[1],
            "dtype": table.dtype,
            "tied": self.tied,
            "untie_bytes": head_bytes(self.checkpoint, self.rows) if self.options.untie else 0,
            "rule": self.rule or None,
            "not_copied": self.not_copied or None,
            "evaluate": self.evaluate,
            "estimated_seconds": round(self.estimated_seconds(), 1),
        }


def make_plan(options: ExtendOptions, progress: Progress, packages: Packages | None = None) -> Plan:
    """Check everything that can be checked before the work begins.

    Args:
        options: what was asked.
        progress: told of downloads, and of what the user should know.
        packages: what the command needs beside what `options` ask for.

    Raises:
        VocabxError: whatever is wrong with the options, the base, the language, the text or the disk, or the
            packages that are missing.
    """
    check_initializers(options, options.initializers)
    language, source = _checked_request(options)
    scoring_packages = SCORING if options.evaluate else {}
    initializing = initializer_packages(options, options.initializers, language, base_language(options.base))
    require_all({**_packages(options, source), **initializing, **scoring_packages, **(packages or {})})
    check_dictionaries(options, options.initializers, language, base_language(options.base))
    base = find_base(options.base, progress)
    tokenizer = read_tokenizer(base.directory)
    checkpoint = read_checkpoint(base.directory)
    if checkpoint.note:
        progress.note(checkpoint.note)
    check_base(options, checkpoint, min(tokenizer.tokens_end, checkpoint.input.rows))
    check_base_model(options.initializers, checkpoint)
    check_tied(options.initializers, checkpoint.tied and not options.untie)
    if options.untie:
        check_untiable(checkpoint)
    vocabulary = _vocabulary_plan(options, language, source, base, tokenizer, checkpoint.input.rows, progress)
    check_tables(checkpoint, needed_rows(tokenizer))
    scoring = source.running and can_evaluate(options.evaluate, checkpoint, progress)
    not_copied = side_files_of(checkpoint).sentence
    plan = Plan(**vars(vocabulary), checkpoint=checkpoint, scoring=scoring, not_copied=not_copied)
    check_ids_free(checkpoint, range(plan.first_id, plan.rows))
    return plan


def make_vocabulary_plan(options: ExtendOptions, progress: Progress) -> VocabularyPlan:
    """Check everything about an extension of the tokenizer alone.

    Raises:
        VocabxError: whatever is wrong with the options, the base, the language, the text or the disk, or the
            packages that are missing.
    """
    language, source = _checked_request(options)
    require_all(_packages(options, source))
    base = find_tokenizer_base(options.base, progress)
    tokenizer = read_tokenizer(base.directory)
    rows = rows_by_configuration(base.directory) or 0
    return _vocabulary_plan(options, language, source, base, tokenizer, rows, progress)


def _checked_request(options: ExtendOptions) -> tuple[Language, TextSource]:
    check_donor(options)
    if options.push_to_hub:
        check_repository(options.push_to_hub)
    if not options.lang:
        raise LanguageError("which language? Pass --lang with a BCP 47 tag such as zh-Hant")
    language = find_language(options.lang)
    check_free(options.out, options.resume, options.force)
    check_not_read(options.out, (*inputs_of(options), *options.protect, options.donor))
    # Report a missing text before a base is downloaded.
    source = _source(options, language)
    if options.evaluate and not source.running:
        raise CorpusError(
            f"bits per byte need running text, and this is {source.description}: pass --corpus with text in "
            f"{language.name}, or --no-evaluate"
        )
    return language, source


def _vocabulary_plan(
    options: ExtendOptions,
    language: Language,
    source: TextSource,
    base: Base,
    tokenizer: FastTokenizer,
    rows: int,
    progress: Progress,
) -> VocabularyPlan:
    sample = peek(source)
    language = with_scripts_of(language, sample)
    if _may_be_simplified(language, options) and looks_simplified(sample):
        progress.note("This text looks like Simplified Chinese: --opencc s2twp converts it to Traditional.")
    base_text = base_source(options.base_text, options.text_field, base.language)
    alphabet = Alphabet(language.scripts, language.blocks)
    check_added(tokenizer)
    note_codes(base, tokenizer, progress)
    note_lost(tokenizer, alphabet, sample, progress)
    if options.pretokenizer == "adapt":
        check_adaptable(base, tokenizer, alphabet, progress)
    donor = donor_tokens(options, alphabet, progress) if options.donor else None
    return VocabularyPlan(
        options=options,
        base=base,
        tokenizer=tokenizer,
        language=language,
        alphabet=alphabet,
        source=source,
        base_source=base_text,
        protected=user_source(options.protect, options.text_field, "") if options.protect else None,
        base_language="und" if options.base_text else base.language,
        base_scripts=scripts_of(base_text),
        donor=donor,
        first_id=max(rows, tokenizer.size),
        new_tokens=options.new_tokens or (len(donor) if donor else DEFAULT_NEW_TOKENS),
        learned_before=recorded_sketch(base.directory),
    )


def _source(options: ExtendOptions, language: Language) -> TextSource:
    if options.corpus:
        return user_source(options.corpus, options.text_field, options.opencc)
    return learning_source(language)


def _may_be_simplified(language: Language, options: ExtendOptions) -> bool:
    return language.tag == "zh-Hant" and bool(options.corpus) and not options.opencc and installed("opencc")


def _packages(options: ExtendOptions, source: TextSource) -> Packages:
    """What reading the base and the texts needs."""
    return {
        **base_packages(options.base, weights=not options.tokenizer_only),
        **source.packages,
        **text_packages(resolve_sources((*options.base_text, *options.protect))),
    }
