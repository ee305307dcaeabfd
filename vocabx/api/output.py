"""A checkpoint of the parts: old rows bit for bit, new rows after them, the tokenizer, and a vocabx.json."""

from pathlib import Path

from vocabx._util.version import VERSION
from vocabx.api.base_model import BaseModel
from vocabx.checkpoint.grow import grow_checkpoint, grown_bytes
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
from vocabx.checkpoint.special_ids import check_ids_free
from vocabx.checkpoint.staging import check_free, check_space, staged
from vocabx.checkpoint.suppressed import named_padding
from vocabx.checkpoint.untie import check_untiable
from vocabx.corpus.languages import find_language
from vocabx.errors import InitializerError, OutputError, TokenizerError
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Advance, Progress, Quiet, Timed
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.extension import Extension
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.write import write_tokenizer


def write_checkpoint(
    out: str | Path,
    base: BaseModel,
    extension: Extension,
    initialization: Initialization,
    *,
    language: str,
    method: str = "",
    certificate: Certificate | None = None,
    pad_to_multiple_of: int = 64,
    untie: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a checkpoint, without loading the model, that transformers and the commands of vocabx load.

    The old rows are copied bit for bit, the new ones follow, then rows that pad the matrices. The directory
    appears only when it is whole. A tokenizer is not verified here: pass the certificate to record it.

    Args:
        out: a directory that does not exist or is empty.
        base: the model.
        extension: its tokenizer with new tokens, the first of which is `base.first_id`.
        initialization: how their embeddings are made, one for each new token.
        language: BCP 47 tag of the new tokens, for the record.
        method: what the initialization is called there.
        certificate: what `verify_tokenizers` found, for the record.
        pad_to_multiple_of: of which number the height of the matrices shall be a multiple.
        untie: give a tied model an lm_head of its own, with the same old rows and with the output's new ones.
            Without it the matrix gets the rows of the input.
        progress: told of each stage.

    Returns:
        `out`.

    Raises:
        OutputError: the directory is not free, or the disk is full.
        TokenizerError: the extension is of another tokenizer, or its ids do not follow the base's rows.
        InitializerError: the initialization makes rows for other tokens.
        BaseModelError: the base's matrices hold NaN or infinity, or it cannot be untied, or a
            setting holds the id of a new token.
        LanguageError: there is no such language.
    """
    out, timed = Path(out), Timed(progress or Quiet())
    pad = _padding(extension, pad_to_multiple_of)
    tag = find_language(language).tag
    _check_fit(base, extension, initialization)
    if untie:
        check_untiable(base.checkpoint)
    check_ids_free(base.checkpoint, range(base.first_id, pad.stop))
    check_free(out)
    needed = grown_bytes(base.checkpoint, pad.stop - base.rows, untie=untie)
    check_space(out, needed)
    base_tables = examine_base(base.checkpoint, base.tokens, timed)
    with staged(out, timed.note) as directory:
        kind = str(base.checkpoint.config.get("model_type") or "")
        write_tokenizer(extension.tokenizer.padded(pad.stop), base.directory, directory, beside=kind)
        with timed.stage("Writing the checkpoint", needed, "B") as advance:
            _write_weights(base, initialization, pad, directory, untie, advance)
        tables, shards = record_weights(base.checkpoint, directory, False, timed, base_tables)
        _manifest(base, extension, tag, certificate, directory, timed).with_tables(
            rows=pad.stop,
            base_rows=base.rows,
            pad=pad,
            tied=base.tied and not untie,
            initializer=RecordedInitializer(method, {}, None, "dense"),
            base_tables=base_tables,
            tables=tables,
            shards=shards,
        ).write(directory)
    return out


def _padding(extension: Extension, multiple: int) -> range:
    """Ids of the rows that pad the matrices, so that their height is a multiple of a number."""
    if type(multiple) is not int or multiple < 1:
        raise OutputError(f"pad_to_multiple_of is {multiple!r:.60}: pass a whole number from 1 on")
    end = extension.new_ids.stop
    return range(end, -(-end // multiple) * multiple)


def _write_weights(
    base: BaseModel,
    initialization: Initialization,
    pad: range,
    directory: Path,
    untie: bool,
    advance: Advance,
) -> None:
    """Write the weights with their new rows; ids for which the base has no row get means, as padding does."""
    rowless = base.first_id - base.rows
    padded = initialization.preceded_by_means(rowless).followed_by_means(len(pad))
    produced = named_padding(base.directory, base.tokenizer)
    grow_checkpoint(base.checkpoint, padded, directory, pad, advance, untie=untie, produced=produced)


def _check_fit(base: BaseModel, extension: Extension, initialization: Initialization) -> None:
    if not _same_but_words(extension.base, base.tokenizer):
        raise TokenizerError(f"the extension is not of the tokenizer of {base.base.name}: extend that one")
    if extension.first_id != base.first_id:
        raise TokenizerError(
            f"the first new id is {extension.first_id:,} and new rows of {base.base.name} begin at "
            f"{base.first_id:,}: pass first_id=base.first_id to add_tokens"
        )
    if initialization.rows != len(extension.pieces):
        raise InitializerError(
            f"the initialization makes {initialization.rows:,} rows and there are "
            f"{len(extension.pieces):,} new tokens: initialize those of the extension"
        )
    if initialization.input.old_rows not in (min(base.tokens, base.rows), base.rows):
        raise InitializerError(
            f"the initialization mixes {initialization.input.old_rows:,} old rows and {base.base.name} has "
            f"{base.tokens:,} tokens: pass old_rows=base.tokens to initialize"
        )


def _same_but_words(one: FastTokenizer, other: FastTokenizer) -> bool:
    """Whether two tokenizers are one; only the pre-tokenizer may have been widened, see `adapted`."""
    return one is other or {**one.spec, "pre_tokenizer": None} == {**other.spec, "pre_tokenizer": None}


def _manifest(
    base: BaseModel,
    extension: Extension,
    language: str,
    certificate: Certificate | None,
    directory: Path,
    timed: Timed,
) -> Manifest:
    claims = certificate.claims if certificate else ()
    count = len(extension.pieces)
    return Manifest(
        version=VERSION,
        base=RecordedBase(base.base.name, base.base.origin, base.tokens),
        sizes=Sizes(extension.new_ids.stop, count),
        tied=None,
        ranges=(TokenRange(extension.first_id, count, "donor" if extension.donor_merges else "learned"),),
        origin={},
        language=language,
        initializer=None,
        certificate=tuple(map(RecordedClaim.of, claims)),
        tables={},
        files=composed_hashes(directory),
        run=run_record("", timed.seconds, directory),
        shards={},
        training=None,
        chain=chain_of(base.base.directory),
    )
