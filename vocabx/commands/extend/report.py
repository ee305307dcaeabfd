"""The report of an extension, composed from the results of its stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vocabx._util.version import VERSION
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.extend.learn import Learned
from vocabx.commands.extend.plan import Plan
from vocabx.commands.extend.report_languages import numbers_by_language
from vocabx.commands.extend.report_parts import frequent_tokens, row_norms, tokenize_paragraphs
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sketch import sketch_of
from vocabx.evaluation.comparison import Comparison
from vocabx.evaluation.fertility import count_tokens, token_curve
from vocabx.initializers.initialize import Initialized, rows_by_kind
from vocabx.progress import Advance, Timed
from vocabx.report.card import file_names
from vocabx.report.extension_report import RARE, CurvePoint, Norms, Origin, Report, Weight
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.extension import Extension
from vocabx.tokenizer.prove_pruned import scripts_in
from vocabx.tokenizer.superwords import spanning

_PARAGRAPHS, _FREQUENT = 4, 40
# Edges of the groups of occurrences.
_OCCURRENCES = (0, 1, 4, 16, 64)
_CURVE = (0, 250, 500, 1000, 2000, 4000, 6000, 8000, 12000, 16000, 24000, 32000, 48000, 64000)


def compose_report(
    plan: VocabularyPlan,
    certificate: Certificate,
    learned: Learned,
    numbers: tuple[Comparison, Comparison],
    progress: Timed,
    checkpoint: tuple[Plan, Initialized, Path] | None = None,
) -> Report:
    """Gather the numbers of an extension, and compute the few that no other stage computes.

    Args:
        plan, certificate: results of earlier stages.
        learned: the tokens and the texts that they were learned from.
        numbers: the comparisons on the new language and on the base's.
        progress: receives this stage; its times become part of the report.
        checkpoint: the plan, the initialized embeddings and the directory they were written to; None if only
            a tokenizer was written.
    """
    options, extension, target = plan.options, learned.extension, learned.target
    base, tokenizer = extension.base, extension.tokenizer
    sizes = sorted({*_CURVE, plan.new_tokens})
    with progress.stage("Composing the report", len(sizes), "sizes") as advance:
        curve = _curve(extension, target, sizes, advance)
        paragraphs = tokenize_paragraphs(base, tokenizer, target.heldout, _PARAGRAPHS)
        frequent = frequent_tokens(base, tokenizer, extension.pieces, target.heldout, _FREQUENT)
        rows = _Rows() if checkpoint is None else _rows(*checkpoint)
        origin = _origin(plan, extension, target)
    size = sum(len(line.encode()) for line in target.learning)
    return Report(
        version=VERSION,
        command=options.command,
        base=plan.base.name,
        base_origin=plan.base.origin,
        language=plan.language.tag,
        language_name=plan.language.name,
        corpus=f"{plan.source.description} ({size / 1e6:.1f} MB sampled)",
        family=base.family,
        origin=origin,
        initializer=options.init if checkpoint else "",
        seed=options.seed,
        old_tokens=plan.tokenizer.tokens_end,
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
        nature=plan.source.nature,
        out=str(options.out),
        occurrences=_occurrences(extension),
        boundaries=learned.boundaries,
        sketch=_sketch(plan, target),
        budget=options.budget,
        quality=dropped.describe() if (dropped := plan.source.all_dropped) else {},
        languages=numbers_by_language(plan, learned),
        attainable=extension.attainable,
        balance=plan.balance or "",
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
    weight: Weight | None = None
    trainable: bool = False


def _rows(plan: Plan, initialized: Initialized, directory: Path) -> _Rows:
    initialization = initialized.initialization
    return _Rows(
        pad_rows=plan.pad_rows,
        rows=plan.rows,
        tied=plan.tied,
        untied=plan.options.untie,
        rule=plan.rule,
        hull_bound=initialization.hull_bound(),
        collisions=initialization.collisions(),
        norms=_norms(plan, directory),
        kinds=rows_by_kind(initialization),
        parameters=initialized.parameters,
        weight=_weight(plan, directory),
        trainable=plan.checkpoint.generates and not plan.checkpoint.architecture.own_code,
    )


def _weight(plan: Plan, directory: Path) -> Weight:
    base = plan.checkpoint
    written = read_checkpoint(directory, like=base.architecture)
    row = base.input.map().shape[1] * base.input.map().itemsize
    before, after = (one.weight_bytes for one in (base, written))
    apart = base.output is not None and not base.tied
    return Weight(
        base=before,
        result=after,
        token=row * (1 if plan.tied or not base.generates else 2),
        read=before - (row * base.input.rows if apart else 0),
        head=row,
    )


def _sketch(plan: VocabularyPlan, target: Corpus) -> str:
    """The sketch of the text that was learned from, with that of a base which is an extension itself."""
    sketch = sketch_of(target.learning)
    if plan.learned_before is not None:
        sketch.join(plan.learned_before)
    return sketch.to_text()


def _occurrences(extension: Extension) -> tuple[int, ...]:
    usage = extension.selection.usage
    edges = (*_OCCURRENCES, int(usage.max(initial=0)) + _OCCURRENCES[-1] + 1)
    return tuple(int(count) for count in np.histogram(usage, edges)[0])


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
        text=file_names(plan.source.description),
        running_text=plan.source.running,
        superwords=spanning(tuple(extension.pieces)),
        pruned=0 if plan.pruned is None else len(plan.pruned.removed),
        pruned_scripts="" if plan.pruned is None else scripts_in(plan.pruned),
        protected=plan.protected.description if plan.protected else "",
        unprotected_share=share,
    )


def _curve(
    extension: Extension, target: Corpus, sizes: Sequence[int], advance: Advance
) -> tuple[CurvePoint, ...]:
    merges = [*extension.selection.merges, *extension.further]
    tokens = token_curve(extension.start, merges, sizes, target.heldout, advance)
    # Of tokens that were not selected, it is known how often their merge applied, to longer tokens, too.
    counts = np.array([*extension.selection.usage, *(merge.count for merge in extension.further)])
    # A donor's tokens have no such count.
    known = len(counts) if extension.donor_merges is None else len(extension.selection.usage)

    def rare(size: int) -> float | None:
        return float((counts[:size] < RARE).mean()) if 0 < size <= known else None

    return tuple(CurvePoint(size, count / max(1, tokens[0]), rare(size)) for size, count in tokens.items())


def _norms(plan: Plan, directory: Path) -> tuple[Norms, ...]:
    written = read_checkpoint(directory, like=plan.checkpoint.architecture)
    norms = [row_norms("input", written.input, plan.tokenizer.tokens_end, plan.new_ids)]
    if written.output is not None and not written.tied:
        norms.append(row_norms("output", written.output, plan.tokenizer.tokens_end, plan.new_ids))
    return tuple(norms)
