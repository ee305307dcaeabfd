"""The report of an extension, composed from the results of its stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vocabx._util.version import VERSION
from vocabx.checkpoint.tables import read_checkpoint
from vocabx.commands.extend.plan import Plan, VocabularyPlan
from vocabx.commands.extend.report_parts import frequent_tokens, row_norms, tokenize_paragraphs
from vocabx.corpus.sample import Corpus
from vocabx.evaluation.comparison import Comparison
from vocabx.evaluation.fertility import count_tokens, token_curve
from vocabx.initializers.initialize import Initialized, rows_by_kind
from vocabx.progress import Advance, Timed
from vocabx.report.extension_report import CurvePoint, Norms, Origin, Report
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.extension import Extension

_PARAGRAPHS, _FREQUENT = 4, 40
_CURVE = (0, 250, 500, 1000, 2000, 4000, 6000, 8000, 12000, 16000, 24000, 32000, 48000, 64000)


def compose_report(
    plan: VocabularyPlan,
    extension: Extension,
    certificate: Certificate,
    target: Corpus,
    numbers: tuple[Comparison, Comparison],
    progress: Timed,
    checkpoint: tuple[Plan, Initialized, Path] | None = None,
) -> Report:
    """Gather the numbers of an extension, and compute the few that no other stage computes.

    Args:
        plan, extension, certificate: results of earlier stages.
        target: the text in the new language.
        numbers: the comparisons on the new language and on the base's.
        progress: receives this stage; its times become part of the report.
        checkpoint: the plan, the initialized embeddings and the directory they were written to; None if only
            a tokenizer was written.
    """
    options, base, tokenizer = plan.options, extension.base, extension.tokenizer
    sizes = sorted({*_CURVE, plan.new_tokens})
    with progress.stage("Composing the report", len(sizes), "sizes") as advance:
        curve = _curve(extension, target, sizes, advance)
        paragraphs = tokenize_paragraphs(base, tokenizer, target.heldout, _PARAGRAPHS)
        frequent = frequent_tokens(base, tokenizer, extension.pieces, target.heldout, _FREQUENT)
        rows = _Rows() if checkpoint is None else _rows(*checkpoint)
        origin = _origin(plan, extension, target)
    learned = sum(len(line.encode()) for line in target.learning)
    return Report(
        version=VERSION,
        command=options.command,
        base=plan.base.name,
        base_origin=plan.base.origin,
        language=plan.language.tag,
        language_name=plan.language.name,
        corpus=f"{plan.source.description} ({learned / 1e6:.1f} MB sampled)",
        family=base.family,
        origin=origin,
        initializer=options.init if checkpoint else "",
        seed=options.seed,
        old_tokens=plan.tokenizer.size,
        new_tokens=plan.new_tokens,
        target=numbers[0],
        base_language=numbers[1],
        claims=certificate.claims,
        unused=extension.selection.unused,
        dropped=extension.selection.dropped,
        curve=curve,
        paragraphs=paragraphs,
        frequent=frequent,
        seconds=dict(progress.seconds),
        left_out=plan.left_out,
        unread=plan.source.left_out,
        **vars(rows),
    )


@dataclass(frozen=True)
class _Rows:
    """The fields of a report that only a checkpoint has."""

    pad_rows: int = 0
    rows: int = 0
    tied: bool = False
    untied: bool = False
    rule: str = ""
    hull_bound: float | None = None
    collisions: int = 0
    norms: tuple[Norms, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


def _rows(plan: Plan, initialized: Initialized, directory: Path) -> _Rows:
    initialization = initialized.initialization
    return _Rows(
        pad_rows=plan.pad_rows,
        rows=plan.rows,
        tied=plan.tied,
        untied=plan.options.untie,
        rule=plan.rule,
        hull_bound=initialization.followed_by_means(plan.pad_rows).hull_bound(),
        collisions=initialization.collisions(),
        norms=_norms(plan, directory),
        kinds=rows_by_kind(initialization),
        parameters=initialized.parameters,
    )


def _origin(plan: VocabularyPlan, extension: Extension, target: Corpus) -> Origin:
    donor_merges, unprotected = extension.donor_merges, extension.without_protection()
    share = None
    if unprotected is not None:
        before = count_tokens(extension.base, target.heldout)
        share = count_tokens(unprotected, target.heldout) / max(1, before)
    return Origin(
        donor=plan.options.donor,
        taken=donor_merges.taken if donor_merges else 0,
        intermediates=donor_merges.intermediates if donor_merges else 0,
        left_out=donor_merges.dropped if donor_merges else 0,
        known=donor_merges.known if donor_merges else 0,
        adapted=extension.start is not extension.base,
        protected=plan.protected.description if plan.protected else "",
        unprotected_share=share,
    )


def _curve(
    extension: Extension, target: Corpus, sizes: Sequence[int], advance: Advance
) -> tuple[CurvePoint, ...]:
    merges = [*extension.selection.merges, *extension.further]
    tokens = token_curve(extension.start, merges, sizes, target.heldout, advance)
    return tuple(CurvePoint(size, count / max(1, tokens[0])) for size, count in tokens.items())


def _norms(plan: Plan, directory: Path) -> tuple[Norms, ...]:
    written = read_checkpoint(directory)
    norms = [row_norms("input", written.input, plan.tokenizer.size, plan.new_ids)]
    if written.output is not None and not written.tied:
        norms.append(row_norms("output", written.output, plan.tokenizer.size, plan.new_ids))
    return tuple(norms)
