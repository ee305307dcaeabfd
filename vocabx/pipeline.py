"""The story of an extension, in order: corpus, tokens, tokenizer, mixture, checkpoint, report."""

from dataclasses import asdict, dataclass
from pathlib import Path

from vocabx.checkpoint.grow import COMPOSED, grow_checkpoint, grown_bytes
from vocabx.checkpoint.manifest import Manifest, TokenRange, file_hash, table_hashes
from vocabx.checkpoint.staging import staged
from vocabx.checkpoint.tables import read_checkpoint
from vocabx.corpus.sample import Corpus, sample_corpus
from vocabx.corpus.source import TextSource
from vocabx.errors import CorpusError
from vocabx.evaluation.measure import measure_both
from vocabx.initializers import Mixture, Problem, find_initializer
from vocabx.options import ExtendOptions
from vocabx.plan import Plan, make_plan
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.card import write_card
from vocabx.report.compose import compose_report
from vocabx.report.page import render_page
from vocabx.report.report import Report
from vocabx.tokenizer.extension import Extension, extend_tokenizer
from vocabx.tokenizer.verify import Certificate, verify
from vocabx.tokenizer.write import write_tokenizer
from vocabx.version import VERSION


@dataclass(frozen=True)
class Result:
    """A finished extension: where it is, its numbers, and whether every required claim holds."""

    directory: Path
    report: Report
    certificate: Certificate


def extend(options: ExtendOptions, progress: Progress | None = None) -> Result:
    """Give a base model tokens for a language and write the result as a checkpoint.

    Reads text, learns tokens, proves that the base's own text is cut as before, makes rows for the new
    tokens, writes everything to `options.out` with vocabx.json, report.json and report.html, and measures
    it. The directory appears only when whole.

    Args:
        options: what to do; see `ExtendOptions`.
        progress: shows the stages; by default nothing is shown.

    Raises:
        VocabxError: the user can mend what is wrong; the message says how.
    """
    timed = Timed(progress or Quiet())
    plan = make_plan(options, timed)
    target, base_language = _read(plan, timed)
    extension = extend_tokenizer(
        plan.tokenizer, target.learning, plan.alphabet, options.new_tokens, plan.first_id, timed
    )
    with timed.stage("Verifying", unit="texts") as advance:
        certificate = verify(
            plan.tokenizer,
            extension.tokenizer,
            plan.alphabet,
            target_texts=[*target.heldout, *target.learning],
            base_texts=[*base_language.heldout, *base_language.learning],
            usage=extension.selection.usage,
            seed=options.seed,
            advance=advance,
        )
        _note_changed_text(plan, certificate, timed)
    mixture = _place(plan, extension)
    with staged(options.out) as directory:
        _write(plan, extension, mixture, directory, timed)
        target_numbers, base_numbers = measure_both(plan, extension, directory, target, base_language, timed)
        _write_manifest(plan, certificate, directory, timed)
        report = compose_report(
            plan, extension, mixture, certificate, directory, target, target_numbers, base_numbers, timed
        )
        (directory / "report.json").write_text(report.to_json(), encoding="utf-8")
        (directory / "report.html").write_text(render_page(report), encoding="utf-8")
        write_card(directory, plan.base, report)
    return Result(options.out, report, certificate)


def _note_changed_text(plan: Plan, certificate: Certificate, progress: Progress) -> None:
    for claim in certificate.claims:
        if claim.name == "base-text" and claim.failed and not claim.required:
            progress.note(
                f"{plan.language.name} shares its script with the base's language: {claim.failed:,} of "
                f"{claim.checked:,} lines of that are now cut in another way."
            )


def _read(plan: Plan, progress: Progress) -> tuple[Corpus, Corpus]:
    target = _sample(plan, plan.source, plan.language.scripts, "Reading text", progress)
    title = "Reading text of the base's language"
    return target, _sample(plan, plan.base_source, plan.base_scripts, title, progress)


def _sample(
    plan: Plan, source: TextSource, scripts: tuple[str, ...], title: str, progress: Progress
) -> Corpus:
    options = plan.options
    with progress.stage(title, source.bytes or None, "B") as advance:
        corpus = sample_corpus(
            source.open(), scripts, options.learn_bytes, options.heldout_bytes, options.seed, advance
        )
    if not corpus.heldout:
        raise CorpusError(
            f"{source.description} holds {corpus.bytes_read:,} bytes of text, too few to hold some out for "
            "measuring: give more text"
        )
    return corpus


def _place(plan: Plan, extension: Extension) -> Mixture:
    problem = Problem(
        tokens=tuple(extension.pieces),
        pieces=tuple(extension.pieces.values()),
        old_rows=plan.tokenizer.size,
        seed=plan.options.seed,
    )
    return find_initializer(plan.options.init)(problem)


def _write(plan: Plan, extension: Extension, mixture: Mixture, directory: Path, progress: Progress) -> None:
    write_tokenizer(extension.tokenizer, plan.base.directory, directory)
    total = grown_bytes(plan.checkpoint, plan.rows - plan.checkpoint.input.rows)
    padded = mixture.followed_by_means(plan.pad_rows)
    with progress.stage("Writing the checkpoint", total, "B") as advance:
        grow_checkpoint(plan.checkpoint, padded, directory, plan.pad_ids, advance)


def _write_manifest(plan: Plan, certificate: Certificate, directory: Path, progress: Timed) -> None:
    options, written = plan.options, read_checkpoint(directory)
    ranges = [TokenRange(plan.first_id, len(plan.new_ids), "learned")]
    if plan.pad_rows:
        ranges.append(TokenRange(plan.pad_ids.start, plan.pad_rows, "pad"))
    with progress.stage("Hashing"):
        base_tables, tables = table_hashes(plan.checkpoint), table_hashes(written)
        files = {name: file_hash(directory / name) for name in COMPOSED if (directory / name).is_file()}
    Manifest(
        version=VERSION,
        base={
            "name": plan.base.name,
            "origin": plan.base.origin,
            "tokens": plan.tokenizer.size,
            "rows": plan.checkpoint.input.rows,
            "tables": base_tables,
        },
        sizes={
            "tokens": plan.new_ids.stop,
            "rows": plan.rows,
            "new_tokens": options.new_tokens,
            "pad_rows": plan.pad_rows,
        },
        tied=plan.checkpoint.tied,
        ranges=tuple(ranges),
        language=plan.language.tag,
        initializer={"name": options.init, "parameters": {}, "seed": options.seed},
        certificate=[
            {key: value for key, value in asdict(claim).items() if key != "examples"}
            for claim in certificate.claims
        ],
        tables=tables,
        files=files,
        run={"command": options.command, "seconds": dict(progress.seconds)},
    ).write(directory)
