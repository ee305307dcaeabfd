"""The story of a transfer, in order: vocabulary map, initialization, checkpoint, proof, report.

A transfer replaces the tokenizer of a model, as WECHSEL and FOCUS do. The embedding matrices get one row per
token of the new tokenizer, and everything else stays.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from vocabx._util.version import VERSION
from vocabx.checkpoint.factorised import form_of
from vocabx.checkpoint.journal import Journal
from vocabx.checkpoint.manifest import (
    Manifest,
    RecordedBase,
    RecordedClaim,
    RecordedInitializer,
    Sizes,
    TokenRange,
    chain_of,
    composed_hashes,
    run_record,
)
from vocabx.checkpoint.output import examine_base, record_weights
from vocabx.checkpoint.own_code import RecordedCode
from vocabx.checkpoint.proof import prove_tables, prove_tokenizer
from vocabx.checkpoint.replace import replace_checkpoint
from vocabx.checkpoint.special_ids import SpecialIds
from vocabx.checkpoint.staging import resumable
from vocabx.commands._output import check_resumed, deciding, prepare_output, publish
from vocabx.commands.transfer.options import TransferOptions
from vocabx.commands.transfer.plan import TransferPlan, make_transfer_plan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.sample import Corpus
from vocabx.errors import TokenizerError
from vocabx.evaluation.bits_per_byte import Score, bits_per_byte, split_for_scoring
from vocabx.evaluation.load_model import load_model
from vocabx.evaluation.measure import compare, context_of
from vocabx.initializers.initialize import EmbeddingInitializer, Initialized, Tokens
from vocabx.initializers.word_vectors import Texts
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.card import write_card
from vocabx.report.transfer_report import RowCounts, TransferReport
from vocabx.tokenizer.certificate import Claim
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer
from vocabx.tokenizer.roles import ROLES
from vocabx.tokenizer.settings import read_config
from vocabx.tokenizer.vocabulary_map import VocabularyMap, map_vocabulary
from vocabx.tokenizer.write import write_tokenizer


@dataclass(frozen=True)
class TransferResult:
    """A finished transfer: its directory, its numbers, and where it was published."""

    directory: Path
    report: TransferReport
    url: str = ""

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return self.report.passed


def transfer(options: TransferOptions, progress: Progress | None = None) -> TransferResult:
    """Replace the tokenizer of a base model, and write the result as a checkpoint.

    Maps the new tokens to the old vocabulary, initializes their embeddings, writes everything to
    `options.out` with vocabx.json and report.json, proves claims about the written files, and measures the
    result. The directory appears only once complete.

    Args:
        options: see `TransferOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    timed = Timed(progress or Quiet())
    check_resumed(options)
    plan = make_transfer_plan(options, timed)
    for note in (plan.left_out, plan.rule):
        if note:
            timed.note(note)
    prepare_output(options, plan.disk_bytes)
    base_tables = examine_base(plan.checkpoint, plan.old.tokens_end, timed)
    with resumable(options.out, options.resume, options.force, deciding(options)) as journal:
        directory = journal.directory
        corpus = draw_corpus(plan.source, plan.language.scripts, options.sample_sizes, "Reading text", timed)
        with timed.stage("Mapping the vocabularies"):
            found = map_vocabulary(plan.old, plan.new, plan.old_roles, plan.roles)
        initialized = _initialize(plan, found, corpus, timed)
        _write(plan, found, initialized.initialization, journal, timed)
        claims = _prove(plan, initialized.initialization, corpus, directory, timed)
        scores = _score(plan, corpus, directory, timed)
        report = _report(plan, found, initialized.initialization, corpus, claims, scores, timed)
        (directory / "report.json").write_text(report.to_json(), encoding="utf-8")
        like = plan.checkpoint.architecture
        write_card(directory, plan.base, report, "transfer_card.md", options.push_to_hub, like)
        _manifest(plan, report, initialized, directory, base_tables, timed).write(directory)
    if plan.not_copied:
        timed.note(plan.not_copied)
    return TransferResult(options.out, report, publish(options, timed))


def _initialize(plan: TransferPlan, found: VocabularyMap, corpus: Corpus, progress: Progress) -> Initialized:
    """Initialize all embeddings, with the mean of the old ones for tokens of which nothing is known."""
    options = plan.options
    tokens = Tokens(
        base=plan.old,
        tokenizer=plan.new,
        ids=range(plan.new.size),
        pieces=found.pieces,
        copies=found.special,
        texts=found.texts,
        old_texts=found.old_texts,
    )
    texts = Texts(plan.language, corpus.learning, plan.base_language, _base_lines(plan, progress))
    model = partial(load_model, plan.base.directory)
    initializer = EmbeddingInitializer(options, tokens, texts, plan.checkpoint, options.seed, progress, model)
    initialized = initializer.initialize(options.init)
    return Initialized(initialized.initialization.averaging(found.unmatched), initialized.parameters)


def _base_lines(plan: TransferPlan, progress: Progress) -> Sequence[str]:
    if plan.base_source is None:
        return ()
    title = "Reading text of the base's language"
    return draw_corpus(
        plan.base_source, plan.base_scripts, plan.options.sample_sizes, title, progress
    ).learning


def _write(
    plan: TransferPlan,
    found: VocabularyMap,
    initialization: Initialization,
    journal: Journal,
    progress: Progress,
) -> None:
    # If several new tokens copy the same old token, as with a mask that is also the pad, the first counts.
    moved = {old: new for new, old in reversed(list(found.special.items()))}
    with progress.stage("Writing the checkpoint", plan.weight_bytes, "B") as advance:
        dropped = replace_checkpoint(
            plan.checkpoint,
            initialization.followed_by_means(plan.rows - plan.new.size),
            journal.directory,
            plan.unreached,
            SpecialIds(moved, plan.roles),
            advance,
            link=plan.options.link,
            journal=journal,
        )
    if dropped:
        progress.note(f"Dropped settings whose tokens the new tokenizer lacks: {', '.join(dropped)}.")
    padded = plan.new.padded(plan.rows)
    kind = str(plan.checkpoint.config.get("model_type") or "")
    companions = _companions(padded, progress)
    write_tokenizer(padded, plan.donor, journal.directory, _settings(plan), companions, kind)


def _settings(plan: TransferPlan) -> dict[str, object]:
    """Entries of tokenizer_config.json that depend on the model: inputs, context, roles of special tokens."""
    types = int(plan.checkpoint.config.get("type_vocab_size") or 0) > 1 and not plan.checkpoint.generates
    inputs = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    names = {f"{role}_token": plan.new.id_to_piece[plan.roles[role]] for role in ROLES if role in plan.roles}
    context = read_config(plan.base.directory).get("model_max_length")
    return {"model_input_names": inputs, "model_max_length": context, **names}


def _companions(tokenizer: FastTokenizer, progress: Progress) -> dict[str, bytes]:
    """The files next to tokenizer.json; no .model if none can represent the tokenizer."""
    try:
        return tokenizer.companions()
    except TokenizerError as error:
        progress.note(f"No {MODEL_NAME} is written: {error}.")
        return {}


def _prove(
    plan: TransferPlan, initialization: Initialization, corpus: Corpus, directory: Path, progress: Progress
) -> tuple[Claim, ...]:
    texts = [*corpus.heldout, *corpus.learning]
    with progress.stage("Verifying", len(texts), "texts") as advance:
        return (
            *prove_tables(plan.checkpoint, directory, initialization, plan.new),
            *prove_tokenizer(plan.given, plan.new, directory, texts, advance),
        )


def _score(
    plan: TransferPlan, corpus: Corpus, directory: Path, progress: Progress
) -> tuple[Score, Score] | None:
    """Bits per byte of the base and of the result on the held-out text."""
    if not plan.evaluate:
        return None
    group = split_for_scoring(corpus.heldout, context_of(plan.checkpoint.config))
    total = sum(len(passage.encode()) for passage in group)
    scores = []
    for title, where, tokenizer in (
        ("Scoring the base model", plan.base.directory, plan.old),
        ("Scoring the result", directory, plan.new),
    ):
        with progress.stage(title, total, "B") as advance:
            scores += bits_per_byte(where, tokenizer, [group], advance)
    return scores[0], scores[1]


def _report(
    plan: TransferPlan,
    found: VocabularyMap,
    initialization: Initialization,
    corpus: Corpus,
    claims: tuple[Claim, ...],
    scores: tuple[Score, Score] | None,
    progress: Timed,
) -> TransferReport:
    options, source = plan.options, plan.source.description
    with progress.stage("Measuring the tokenizers"):
        target = compare(plan.language.tag, source, corpus, (plan.old, plan.new), scores)
    return TransferReport(
        version=VERSION,
        command=options.command,
        base=plan.base.name,
        base_origin=plan.base.origin,
        tokenizer=options.tokenizer,
        language=plan.language.tag,
        language_name=plan.language.name,
        corpus=source,
        base_family=plan.old.family,
        family=plan.new.family,
        initializer=options.init,
        seed=options.seed,
        old_tokens=plan.old.tokens_end,
        tokens=plan.new.size,
        old_rows=plan.checkpoint.input.rows,
        rows=plan.rows,
        pad_rows=len(plan.unreached),
        tied=plan.checkpoint.tied,
        counts=_counts(plan, initialization, found),
        target=target,
        claims=claims,
        seconds=dict(progress.seconds),
        rule=plan.rule,
    )


def _counts(plan: TransferPlan, initialization: Initialization, found: VocabularyMap) -> RowCounts:
    mixture = initialization.input
    new, old = mixture.copied()
    mean = int(((mixture.uniform == 1) & ~mixture.shifted).sum())
    drawn = 0 if mixture.draws is None else len(mixture.draws.rows)
    mixed = mixture.rows - len(new) - mean - drawn
    lost = [row for row in new[old == plan.old.unknown_id].tolist() if row not in found.special]
    return RowCounts(len(new), mixed, drawn, mean, len(found.special), len(lost))


def _manifest(
    plan: TransferPlan,
    report: TransferReport,
    initialized: Initialized,
    directory: Path,
    base_tables: dict[str, str],
    progress: Timed,
) -> Manifest:
    tables, shards = record_weights(plan.checkpoint, directory, plan.options.hash, progress)
    base = plan.base
    return Manifest(
        version=VERSION,
        base=RecordedBase(
            base.name, base.origin, plan.old.tokens_end, plan.checkpoint.input.rows, base_tables
        ),
        sizes=Sizes(plan.new.size, len(plan.new.id_to_piece), plan.rows, len(plan.unreached)),
        tied=plan.checkpoint.tied,
        ranges=_ranges(plan),
        origin={"tokenizer": plan.options.tokenizer, "rows": asdict(report.counts)},
        language=plan.language.tag,
        initializer=RecordedInitializer(
            plan.options.init, initialized.parameters, plan.options.seed, **form_of(plan.checkpoint, None)
        ),
        certificate=tuple(map(RecordedClaim.of, report.claims)),
        tables=tables,
        files=composed_hashes(directory),
        run=run_record(plan.options.command, progress.seconds, directory),
        shards=shards,
        training=None,
        chain=chain_of(base.directory),
        remote_code=RecordedCode.of(plan.checkpoint.architecture),
    )


def _ranges(plan: TransferPlan) -> tuple[TokenRange, ...]:
    """All ids, as ranges of ids with a token and ranges without."""
    starts = [0]
    has_token = [index in plan.new.id_to_piece for index in range(plan.rows)]
    starts += [index for index in range(1, plan.rows) if has_token[index] != has_token[index - 1]]
    ends = [*starts[1:], plan.rows]
    return tuple(
        TokenRange(start, end - start, "transferred" if has_token[start] else "pad")
        for start, end in zip(starts, ends, strict=True)
    )
