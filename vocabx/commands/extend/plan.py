"""The plan of an extension with weights, made before anything is learned or written: what --dry-run shows.

What concerns the tokenizer is in `vocabulary_plan`.
"""

from dataclasses import dataclass
from typing import Any

from vocabx._util.extras import Packages, require_all
from vocabx.checkpoint.base import base_language, find_base
from vocabx.checkpoint.factorised import is_factorised
from vocabx.checkpoint.grow import grown_bytes, side_files_of
from vocabx.checkpoint.read_checkpoint import check_tables, read_checkpoint
from vocabx.checkpoint.special_ids import check_ids_free
from vocabx.checkpoint.tables import Checkpoint
from vocabx.checkpoint.untie import check_untiable, head_bytes
from vocabx.commands.extend.form import check_base
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.request import (
    checked_request,
    reading_packages,
)
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan, vocabulary_plan_of
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
from vocabx.tokenizer.fast import needed_rows
from vocabx.tokenizer.read_tokenizer import read_tokenizer

# Rates measured on two cores, for an estimate that is good to a factor of two.
_READ_RATE, _LEARN_RATE, _WRITE_RATE, _FLOPS = 8e6, 7e5, 3e8, 2e11
_TOKENS_PER_BYTE = 0.45


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
        return (2 if self.options.factorised else 1) * whole + super().disk_bytes

    @property
    def factorised(self) -> bool:
        """Whether the result's matrices are factorized: now, or because the base's are."""
        return self.options.factorised or is_factorised(self.checkpoint.config)

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
            "form": "factorised" if self.factorised else "dense",
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
    language, source = checked_request(options)
    scoring_packages = SCORING if options.evaluate else {}
    initializing = initializer_packages(options, options.initializers, language, base_language(options.base))
    require_all({**reading_packages(options, source), **initializing, **scoring_packages, **(packages or {})})
    check_dictionaries(options, options.initializers, language, base_language(options.base))
    base = find_base(options.base, progress, trust=options.trust_remote_code)
    tokenizer = read_tokenizer(base.directory)
    checkpoint = read_checkpoint(base.directory, options.trust_remote_code)
    if checkpoint.note:
        progress.note(checkpoint.note)
    rows = checkpoint.input.rows
    check_base(options, checkpoint, min(tokenizer.tokens_end, rows))
    check_base_model(options.initializers, checkpoint)
    check_tied(options.initializers, checkpoint.tied and not options.untie)
    if options.untie:
        check_untiable(checkpoint)
    vocabulary = vocabulary_plan_of(options, language, source, base, tokenizer, rows, progress)
    check_tables(checkpoint, needed_rows(tokenizer))
    scoring = source.running and can_evaluate(options.evaluate, checkpoint, progress, options.measures_hidden)
    not_copied = side_files_of(checkpoint).sentence
    plan = Plan(**vars(vocabulary), checkpoint=checkpoint, scoring=scoring, not_copied=not_copied)
    check_ids_free(checkpoint, range(plan.first_id, plan.rows))
    return plan
