"""The story of an extension, in order: corpus, tokens, tokenizer, mixture, checkpoint, report."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from vocabx._util.version import VERSION
from vocabx.checkpoint.factorised import form_of
from vocabx.checkpoint.grow import grow_checkpoint, grown_bytes, write_grown_config
from vocabx.checkpoint.journal import Journal
from vocabx.checkpoint.manifest import (
    Manifest,
    RecordedBase,
    RecordedClaim,
    RecordedInitializer,
    Sizes,
    Source,
    TokenRange,
    chain_of,
    composed_hashes,
    run_record,
)
from vocabx.checkpoint.output import examine_base, record_weights
from vocabx.checkpoint.own_code import RecordedCode
from vocabx.checkpoint.proof import prove_untied
from vocabx.checkpoint.staging import resumable, staged
from vocabx.checkpoint.suppressed import named_padding
from vocabx.commands._output import check_resumed, deciding, prepare_output, publish
from vocabx.commands.extend.form import bring_to_form
from vocabx.commands.extend.kept import learned_or_kept
from vocabx.commands.extend.learn import Learned, embedding_initializer
from vocabx.commands.extend.measure import measure_both, score_both
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.padding import with_padding_that_never_wins
from vocabx.commands.extend.plan import Plan, make_plan
from vocabx.commands.extend.report import compose_report
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan, make_vocabulary_plan
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.card import write_card
from vocabx.report.extension_page import render_page
from vocabx.report.extension_report import Report
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.prove_pruned import base_files, prune_claims
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

_Plan = TypeVar("_Plan", bound=VocabularyPlan)


@dataclass(frozen=True)
class ExtendResult:
    """A finished extension.

    Attributes:
        directory: the directory written.
        report: its numbers.
        certificate: what was proven about its tokenizer.
        url: where it was published, or "".
    """

    directory: Path
    report: Report
    certificate: Certificate
    url: str = ""


def extend(
    options: ExtendOptions, progress: Progress | None = None, learned_at: Path | None = None
) -> ExtendResult:
    """Add tokens for a language to a base model, and write the result as a checkpoint.

    Learns or takes tokens, proves that text in the base's language is tokenized as before, initializes the
    embeddings of the new tokens, writes everything to `options.out` with vocabx.json, report.json and
    report.html, and measures it. The directory appears only once complete. With `options.tokenizer_only` it
    holds no weights.

    Args:
        options: see `ExtendOptions`.
        progress: receives the stages; by default nothing is shown.
        learned_at: a file with the sampled text and the new tokens, which are taken from there if it exists,
            and kept there otherwise; see `kept.py` for what it must depend on.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    timed = Timed(progress or Quiet())
    way = _extend_vocabulary if options.tokenizer_only else _extend_model
    return way(options, timed, learned_at)


def _extend_model(options: ExtendOptions, timed: Timed, learned_at: Path | None) -> ExtendResult:
    check_resumed(options)
    plan = make_plan(options, timed)
    for note in (plan.source.nature, plan.left_out, plan.rule, plan.rowless_note):
        if note:
            timed.note(note)
    prepare_output(options, plan.disk_bytes)
    base_tables = examine_base(plan.checkpoint, plan.tokenizer.tokens_end, timed)
    with resumable(options.out, options.resume, options.force, deciding(options)) as journal:
        directory = journal.directory
        learned = learned_or_kept(plan, learned_at, timed)
        plan, learned = _named(plan, learned)
        extension, texts = learned.extension, (learned.target, learned.base_language)
        # By the model type that it states, transformers chooses the class that reads the tokenizer.
        write_grown_config(plan.checkpoint, plan.rows, plan.tied, directory)
        certificate = _prove(plan, learned, directory, timed)
        initialized = embedding_initializer(plan, learned, timed).initialize(options.init)
        _write_rows(plan, initialized.initialization, learned, journal, timed)
        if options.factorised:
            # The files are rewritten in place, so the journal's entries no longer describe them.
            journal.forget()
        factorised = bring_to_form(options, plan.checkpoint, plan.old_rows, directory, timed)
        form = form_of(plan.checkpoint, factorised)
        if options.untie:
            with timed.stage("Proving that the lm_head is the base's"):
                claims = prove_untied(plan.checkpoint, directory)
            certificate = replace(certificate, claims=(*certificate.claims, *claims))
        scores = score_both(plan, extension, directory, *texts, timed)
        numbers = measure_both(plan, extension, *texts, scores)
        written = (plan, initialized, directory)
        report = compose_report(plan, certificate, learned, numbers, timed, written)
        report = replace(report, factorised=factorised)
        _write_report(plan, report, directory)
        kept = {} if options.factorised else base_tables
        tables, shards = record_weights(plan.checkpoint, directory, options.hash, timed, kept)
        _manifest(plan, report, directory, timed).with_tables(
            rows=plan.rows,
            base_rows=plan.checkpoint.input.rows,
            pad=plan.pad_ids,
            tied=plan.tied,
            initializer=RecordedInitializer(options.init, initialized.parameters, options.seed, **form),
            base_tables=base_tables,
            tables=tables,
            shards=shards,
            remote_code=RecordedCode.of(plan.checkpoint.architecture),
        ).write(directory)
    if plan.not_copied:
        timed.note(plan.not_copied)
    return ExtendResult(options.out, report, certificate, publish(options, timed))


def _extend_vocabulary(options: ExtendOptions, timed: Timed, learned_at: Path | None) -> ExtendResult:
    plan = make_vocabulary_plan(options, timed)
    for note in filter(None, (plan.source.nature, plan.left_out)):
        timed.note(note)
    prepare_output(options, plan.disk_bytes)
    with staged(options.out, timed.note, options.force) as directory:
        learned = learned_or_kept(plan, learned_at, timed)
        plan, learned = _named(plan, learned)
        certificate = _prove(plan, learned, directory, timed)
        extension, texts = learned.extension, (learned.target, learned.base_language)
        numbers = measure_both(plan, extension, *texts)
        report = compose_report(plan, certificate, learned, numbers, timed)
        _write_report(plan, report, directory)
        _manifest(plan, report, directory, timed).write(directory)
    return ExtendResult(options.out, report, certificate, publish(options, timed))


def _named(plan: _Plan, learned: Learned) -> tuple[_Plan, Learned]:
    """The plan with as many tokens as were found, and a tokenizer that names its padding rows, too."""
    plan = plan.with_tokens(len(learned.extension.pieces))
    tokenizer = learned.extension.tokenizer.padded(plan.ids)
    return plan, replace(learned, extension=replace(learned.extension, tokenizer=tokenizer))


def _prove(plan: VocabularyPlan, learned: Learned, directory: Path, timed: Timed) -> Certificate:
    """Write the extended tokenizer, and certify from its files what stayed the same."""
    options, extension = plan.options, learned.extension
    kind = str(plan.checkpoint.config.get("model_type") or "") if isinstance(plan, Plan) else ""
    write_tokenizer(extension.tokenizer, plan.base.directory, directory, beside=kind)
    texts = Texts(
        target=[*learned.target.heldout, *learned.target.learning],
        base=[*learned.base_language.heldout, *learned.base_language.learning],
        protected=learned.protected,
        seed=options.seed,
        adversarial=options.adversarial,
    )
    with (
        base_files(plan.base.directory, plan.pruned) as base,
        timed.stage("Verifying", unit="texts") as advance,
    ):
        certificate = verify(
            plan.tokenizer, extension.tokenizer, plan.alphabet, texts, (base, directory), advance
        )
    if plan.pruned is not None:
        claims = prune_claims(plan.pruned, [texts.base, texts.target], texts.seed, texts.adversarial)
        certificate = replace(certificate, claims=(*certificate.claims, *claims))
    _note(plan, certificate, timed)
    return certificate


def _note(plan: VocabularyPlan, certificate: Certificate, progress: Progress) -> None:
    for claim in certificate.claims:
        if claim.name == "base-text" and claim.failed and not claim.required:
            advice = "" if plan.protected else " --protect TEXT keeps the tokenization of a text."
            progress.note(
                f"{plan.language.name} shares its script with the base's language: {claim.failed:,} of "
                f"{claim.checked:,} lines of the latter are now tokenized differently.{advice}"
            )


def _write_rows(
    plan: Plan, initialization: Initialization, learned: Learned, journal: Journal, progress: Progress
) -> None:
    untie = plan.options.untie
    total = grown_bytes(plan.checkpoint, plan.rows - plan.checkpoint.input.rows, untie=untie)
    padded = initialization.preceded_by_means(plan.rowless).followed_by_means(plan.pad_rows)
    final = with_padding_that_never_wins(plan, padded, learned, progress)
    with progress.stage("Writing the checkpoint", total, "B") as advance:
        grow_checkpoint(
            plan.checkpoint,
            final,
            journal.directory,
            plan.pad_ids,
            advance,
            link=plan.options.link,
            journal=journal,
            untie=untie,
            produced=named_padding(plan.base.directory, plan.tokenizer),
            # A run may be resumed with --no-evaluate, and padding rows depend on it.
            decided=padded,
        )


def _write_report(plan: VocabularyPlan, report: Report, directory: Path) -> None:
    (directory / "report.json").write_text(report.to_json(), encoding="utf-8")
    (directory / "report.html").write_text(render_page(report), encoding="utf-8")
    if (dropped := plan.source.all_dropped) is not None:
        dropped.write(directory)
    like = plan.checkpoint.architecture if isinstance(plan, Plan) else None
    write_card(directory, plan.base, report, repository=plan.options.push_to_hub, like=like)


def _whole(plan: VocabularyPlan) -> FastTokenizer:
    """The base's tokenizer as it is, whatever was pruned."""
    return plan.tokenizer if plan.pruned is None else plan.pruned.base


def _manifest(plan: VocabularyPlan, report: Report, directory: Path, progress: Timed) -> Manifest:
    """The manifest of a tokenizer, without the fields about weights."""
    source: Source = "donor" if plan.donor else "learned"
    return Manifest(
        version=VERSION,
        base=RecordedBase(plan.base.name, plan.base.origin, _whole(plan).tokens_end),
        sizes=Sizes(plan.new_ids.stop, plan.new_tokens),
        tied=None,
        ranges=(TokenRange(plan.first_id, plan.new_tokens, source),),
        origin=asdict(report.origin),
        language=plan.language.tag,
        initializer=None,
        certificate=tuple(map(RecordedClaim.of, report.claims)),
        tables={},
        files=composed_hashes(directory),
        run=run_record(plan.options.command, progress.seconds, directory),
        shards={},
        training=None,
        chain=chain_of(plan.base.directory),
        languages={one.language: one.new_tokens for one in report.languages},
    )
