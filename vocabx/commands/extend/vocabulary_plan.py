"""The plan of an extension of the tokenizer alone, made before anything is learned or written.

With weights it is part of a `plan.Plan`.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

from vocabx._util.extras import Packages, left_out, require_all
from vocabx.checkpoint.base import Base, find_tokenizer_base
from vocabx.checkpoint.configuration import rows_by_configuration
from vocabx.checkpoint.staging import free_space
from vocabx.commands.extend.check_tokens import (
    check_adaptable,
    check_added,
    check_superwords,
    donor_tokens,
    note_codes,
    note_lost,
    pruned_base,
)
from vocabx.commands.extend.note_programs import note_programs
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.request import (
    checked_request,
    described,
    floor_of,
    note_other_languages,
    note_simplified,
    reading_packages,
)
from vocabx.corpus.languages import Language
from vocabx.corpus.quality import text_with_quality
from vocabx.corpus.several import shares_of, with_scripts
from vocabx.corpus.sketch import Sketch
from vocabx.corpus.source import (
    TextSource,
    base_source,
    peek,
    scripts_of,
    user_source,
)
from vocabx.progress import Progress
from vocabx.report.recorded_report import recorded_sketch
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.tokenizer.agreement import PACKAGES as TRANSFORMERS
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.candidates import Balance
from vocabx.tokenizer.extension import DEFAULT_NEW_TOKENS
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.prune import Pruned
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.superwords import joined

# Tokenizer, manifest, card, report, and some slack for the file system.
_OTHER_BYTES = 50_000_000


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
        shares: of the new tokens, for each of several languages, or empty.
        pruned: how `tokenizer` was made of the base's, with --prune; None where it is the base's.
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
    shares: tuple[float, ...]
    pruned: Pruned | None

    @property
    def balance(self) -> Balance | None:
        """How several languages share the tokens where no shares are given; None for one language."""
        if not self.language.parts or self.shares or self.donor is not None:
            return None
        return self.options.balance or "parity"

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

    @property
    def adapted(self) -> FastTokenizer:
        """The base's tokenizer, its pre-tokenizer widened if requested."""
        if self.options.superwords:
            return joined(self.tokenizer, self.alphabet)
        adapts = self.options.pretokenizer == "adapt"
        return self.tokenizer.adapted(self.alphabet) if adapts else self.tokenizer

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
            "languages": described(self.language, self.source, self.shares),
            "balance": self.balance,
            "corpus": self.source.description,
            "corpus_bytes": self.source.bytes,
            "corpus_unread": self.source.unread or None,
            "corpus_nature": self.source.nature or None,
            "learn_bytes": self.options.learn_bytes,
            "floor": floor_of(self.adapted, self.source),
            "donor": self.options.donor or None,
            "old_tokens": self.tokenizer.tokens_end,
            "pruned": 0 if self.pruned is None else len(self.pruned.removed),
            "new_tokens": self.new_tokens,
            "first_id": self.first_id,
            "disk_bytes": self.disk_bytes,
            "disk_free": free_space(self.options.out),
            "out": str(self.options.out),
            "push_to_hub": self.options.push_to_hub or None,
            "left_out": self.left_out or None,
        }


def make_vocabulary_plan(options: ExtendOptions, progress: Progress) -> VocabularyPlan:
    """Check everything about an extension of the tokenizer alone.

    Raises:
        VocabxError: whatever is wrong with the options, the base, the language, the text or the disk, or the
            packages that are missing.
    """
    language, source = checked_request(options)
    require_all(reading_packages(options, source))
    base = find_tokenizer_base(options.base, progress)
    tokenizer = read_tokenizer(base.directory)
    rows = rows_by_configuration(base.directory) or 0
    return vocabulary_plan_of(options, language, source, base, tokenizer, rows, progress)


def vocabulary_plan_of(
    options: ExtendOptions,
    language: Language,
    source: TextSource,
    base: Base,
    tokenizer: FastTokenizer,
    rows: int,
    progress: Progress,
) -> VocabularyPlan:
    """Check what concerns the tokenizer once the base is known.

    Args:
        options: what was asked.
        language: the new language, or several.
        source: the text to learn from.
        base: the base model, or the directory of its tokenizer.
        tokenizer: the base's tokenizer.
        rows: of the base's embedding matrices, 0 if unknown.
        progress: told of what the user should know.

    Raises:
        VocabxError: whatever is wrong with the tokenizer, or with the text for it.
    """
    sample = peek(source)
    language = with_scripts(language, source)
    note_other_languages(options, language, source, progress)
    source = text_with_quality(source, language, options.corpus, options.quality_options)
    note_simplified(options, language, source, progress)
    base_text = base_source(options.base_text, options.text_field, base.language)
    alphabet = Alphabet(language.scripts, language.blocks)
    check_added(tokenizer)
    note_codes(base, tokenizer, progress)
    note_lost(tokenizer, alphabet, sample, progress)
    if options.pretokenizer == "adapt":
        check_adaptable(base, tokenizer, alphabet, progress)
    if options.superwords:
        check_superwords(base, tokenizer, language, alphabet, progress)
    donor = donor_tokens(options, alphabet, progress) if options.donor else None
    scripts = scripts_of(base_text)
    pruned = None
    if options.prune is not None:
        pruned = pruned_base(
            tokenizer, options.prune, (*language.scripts, *scripts), (sample, peek(base_text))
        )
        tokenizer, rows = pruned.tokenizer, 0
    note_programs(base, tokenizer, sample, progress)
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
        base_scripts=scripts,
        donor=donor,
        first_id=max(rows, tokenizer.size),
        new_tokens=options.tokens_asked_for or options.prune or (len(donor) if donor else DEFAULT_NEW_TOKENS),
        learned_before=recorded_sketch(base.directory),
        shares=shares_of(options.share, language),
        pruned=pruned,
    )
