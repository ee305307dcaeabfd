"""The report of one extension, put together from what the stages handed on."""

from collections.abc import Sequence
from pathlib import Path

from vocabx.checkpoint.tables import read_checkpoint
from vocabx.corpus.sample import Corpus
from vocabx.evaluation.comparison import Comparison
from vocabx.evaluation.fertility import token_curve
from vocabx.initializers.mixture import Mixture
from vocabx.plan import Plan
from vocabx.progress import Advance, Timed
from vocabx.report.parts import cut_paragraphs, frequent_tokens, row_norms
from vocabx.report.report import CurvePoint, Norms, Report
from vocabx.tokenizer.extension import Extension
from vocabx.tokenizer.verify import Certificate
from vocabx.version import VERSION

_PARAGRAPHS, _FREQUENT = 4, 40
_CURVE = (0, 250, 500, 1000, 2000, 4000, 6000, 8000, 12000, 16000, 24000, 32000, 48000, 64000)


def compose_report(
    plan: Plan,
    extension: Extension,
    mixture: Mixture,
    certificate: Certificate,
    directory: Path,
    target: Corpus,
    target_numbers: Comparison,
    base_numbers: Comparison,
    progress: Timed,
) -> Report:
    """Gather the numbers of an extension, and make the few that no other stage made.

    Args:
        plan, extension, mixture, certificate: what the stages before handed on.
        directory: the written checkpoint, for the norms of its rows.
        target: the text in the new language.
        target_numbers, base_numbers: the two comparisons.
        progress: told of this stage; its times become part of the report.
    """
    options, base, tokenizer = plan.options, extension.base, extension.tokenizer
    sizes = sorted({*_CURVE, options.new_tokens})
    with progress.stage("Composing the report", len(sizes), "sizes") as advance:
        curve = _curve(extension, target, sizes, advance)
        paragraphs = cut_paragraphs(base, tokenizer, target.heldout, _PARAGRAPHS)
        frequent = frequent_tokens(base, tokenizer, extension.pieces, target.heldout, _FREQUENT)
        norms = _norms(plan, directory)
    learned = sum(len(line.encode()) for line in target.learning)
    return Report(
        version=VERSION,
        command=options.command,
        base=plan.base.name,
        base_origin=plan.base.origin,
        language=plan.language.tag,
        language_name=plan.language.name,
        corpus=f"{plan.source.description} ({learned / 1e6:.1f} MB sampled)",
        initializer=options.init,
        seed=options.seed,
        old_tokens=plan.tokenizer.size,
        new_tokens=options.new_tokens,
        pad_rows=plan.pad_rows,
        rows=plan.rows,
        tied=plan.checkpoint.tied,
        target=target_numbers,
        base_language=base_numbers,
        claims=certificate.claims,
        hull_bound=mixture.followed_by_means(plan.pad_rows).hull_bound(),
        collisions=mixture.collisions(),
        unused=extension.selection.unused,
        dropped=extension.selection.dropped,
        curve=curve,
        paragraphs=paragraphs,
        frequent=frequent,
        norms=norms,
        seconds=dict(progress.seconds),
    )


def _curve(
    extension: Extension, target: Corpus, sizes: Sequence[int], advance: Advance
) -> tuple[CurvePoint, ...]:
    merges = [*extension.selection.merges, *extension.further]
    tokens = token_curve(extension.base, merges, sizes, target.heldout, advance)
    return tuple(CurvePoint(size, count / max(1, tokens[0])) for size, count in tokens.items())


def _norms(plan: Plan, directory: Path) -> tuple[Norms, ...]:
    written = read_checkpoint(directory)
    norms = [row_norms("input", written.input, plan.tokenizer.size, plan.new_ids)]
    if written.output is not None and not written.tied:
        norms.append(row_norms("output", written.output, plan.tokenizer.size, plan.new_ids))
    return tuple(norms)
