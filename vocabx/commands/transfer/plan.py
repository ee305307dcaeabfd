"""The plan of a transfer, made before anything is initialized or written: the content of its --dry-run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.extras import left_out, require_all
from vocabx._util.paths import is_hub_id, path_of
from vocabx.checkpoint.base import (
    Base,
    aliases,
    base_language,
    base_packages,
    find_base,
    find_tokenizer_base,
)
from vocabx.checkpoint.grow import grown_bytes, side_files_of
from vocabx.checkpoint.read_checkpoint import check_tables, read_checkpoint
from vocabx.checkpoint.replacing import check_not_read
from vocabx.checkpoint.staging import check_free, free_space
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands._output import inputs_of
from vocabx.commands.push.plan import check_repository
from vocabx.commands.transfer.options import TransferOptions
from vocabx.corpus.find_texts import resolve_sources
from vocabx.corpus.formats import text_packages
from vocabx.corpus.languages import Language, find_language, with_scripts_of
from vocabx.corpus.source import TextSource, base_source, default_source, peek, scripts_of, user_source
from vocabx.errors import LanguageError, TokenizerError
from vocabx.evaluation.load_model import PACKAGES as SCORING
from vocabx.evaluation.load_model import can_evaluate
from vocabx.initializers.check import (
    check_base_model,
    check_dictionaries,
    check_initializers,
    check_replacing,
    initializer_packages,
    rule_taken,
)
from vocabx.initializers.registry import find_initializer
from vocabx.progress import Progress
from vocabx.tokenizer.agreement import PACKAGES as TRANSFORMERS
from vocabx.tokenizer.fast import FastTokenizer, with_rows_only
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.renumber import swap_ids
from vocabx.tokenizer.roles import roles_of

# Tokenizer, manifest, card, report, and some slack for the file system.
_OTHER_BYTES = 50_000_000


@dataclass(frozen=True)
class TransferPlan:
    """A checked transfer.

    Attributes:
        options: the options of the command.
        base, checkpoint: the base model, and its checkpoint read from the headers.
        old, old_roles: its tokenizer, and the ids of its special tokens by role.
        donor: the file or directory of the new tokenizer.
        given: the new tokenizer as given.
        new, roles: the new tokenizer as in the result, see `_anchored`, and its special tokens by role.
        language, source: the language of the new tokenizer, and text in it.
        base_language: BCP 47 tag of the base's text, "und" if the user gave it.
        base_source, base_scripts: that text and its scripts, None if the initializer needs none.
        evaluate: whether bits per byte will be measured.
        not_copied: which files of the base are left out of the result and why, in one sentence, or "".
    """

    options: TransferOptions
    base: Base
    checkpoint: Checkpoint
    old: FastTokenizer
    old_roles: dict[str, int]
    donor: Path
    given: FastTokenizer
    new: FastTokenizer
    roles: dict[str, int]
    language: Language
    source: TextSource
    base_language: str
    base_source: TextSource | None
    base_scripts: tuple[str, ...]
    evaluate: bool
    not_copied: str

    @property
    def rows(self) -> int:
        """Number of rows of the new embedding matrices."""
        multiple = self.options.pad_to_multiple_of
        return -(-self.new.size // multiple) * multiple

    @property
    def unreached(self) -> tuple[int, ...]:
        """Ids without a token: gaps, and those after the last token."""
        named = self.new.id_to_piece.keys() - set(self.new.unused_ids)
        return tuple(index for index in range(self.rows) if index not in named)

    @property
    def left_out(self) -> str:
        """What will be left out for want of packages, in one sentence, or ""."""
        measured = self.options.evaluate is None and self.checkpoint.generates
        scoring = {"bits per byte": SCORING} if measured else {}
        return left_out({**scoring, "the claim about transformers": TRANSFORMERS})

    @property
    def weight_bytes(self) -> int:
        """Size of the result's weights in bytes."""
        return grown_bytes(self.checkpoint, self.rows - self.checkpoint.input.rows)

    @property
    def disk_bytes(self) -> int:
        """Size of the result in bytes, without linked files."""
        grown = self.rows - self.checkpoint.input.rows
        return grown_bytes(self.checkpoint, grown, self.options.link) + _OTHER_BYTES

    @property
    def rule(self) -> str:
        """Which rule the rows of a tied matrix follow, if the initializer has two; see `rule_taken`."""
        return rule_taken(self.options.init, self.checkpoint.tied)

    def describe(self) -> dict[str, Any]:
        """The plan as plain data, for a table or JSON."""
        table, options = self.checkpoint.input, self.options
        return {
            "base": self.base.name,
            "base_origin": self.base.origin,
            "base_family": self.old.family,
            "tokenizer": options.tokenizer,
            "family": self.new.family,
            "language": self.language.tag,
            "corpus": self.source.description,
            "corpus_bytes": self.source.bytes,
            "corpus_unread": self.source.unread or None,
            "old_tokens": self.old.tokens_end,
            "tokens": self.new.size,
            "old_rows": table.rows,
            "rows": self.rows,
            "pad_rows": len(self.unreached),
            "width": table.map().shape[1],
            "dtype": table.dtype,
            "tied": self.checkpoint.tied,
            "rule": self.rule or None,
            "not_copied": self.not_copied or None,
            "initializer": options.init,
            "evaluate": self.evaluate,
            "disk_bytes": self.disk_bytes,
            "disk_free": free_space(options.out),
            "out": str(options.out),
            "push_to_hub": options.push_to_hub or None,
            "left_out": self.left_out or None,
        }


def make_transfer_plan(options: TransferOptions, progress: Progress) -> TransferPlan:
    """Check everything that can be checked before the work begins.

    Raises:
        VocabxError: if anything is wrong with the options, the base, the tokenizer, the language, the text or
            the disk.
    """
    language, source = _checked_request(options)
    donor = _find_tokenizer(options.tokenizer, progress)
    given = read_tokenizer(donor)
    base = find_base(options.base, progress, trust=options.trust_remote_code)
    checkpoint = read_checkpoint(base.directory, options.trust_remote_code)
    # A token without a row has no embedding that could be transferred.
    old = with_rows_only(read_tokenizer(base.directory), checkpoint.input.rows)
    if checkpoint.note:
        progress.note(checkpoint.note)
    check_base_model([options.init], checkpoint)
    check_tables(checkpoint, old.size)
    if (old.vocabulary, old.rules()) == (given.vocabulary, given.rules()):
        raise TokenizerError(
            f"{options.tokenizer} is already the tokenizer of {options.base}: nothing would change; pass "
            "another --tokenizer"
        )
    new, roles = _anchored(given, roles_of(given, donor), checkpoint, progress)
    by_words = find_initializer(options.init).vectors in ("by frequency", "plain", "if available")
    base_text = base_source(options.base_text, options.text_field, base.language) if by_words else None
    plan = TransferPlan(
        options=options,
        base=base,
        checkpoint=checkpoint,
        old=old,
        old_roles=roles_of(old, base.directory),
        donor=donor,
        given=given,
        new=new,
        roles=roles,
        language=with_scripts_of(language, peek(source)),
        source=source,
        base_language="und" if options.base_text else base.language,
        base_source=base_text,
        base_scripts=scripts_of(base_text) if base_text else (),
        evaluate=can_evaluate(options.evaluate, checkpoint, progress),
        not_copied=side_files_of(checkpoint).sentence,
    )
    if _around(old) and not _around(given):
        progress.note(
            "The base's tokenizer adds special tokens around a text, and the new one does not: give it a "
            "post-processor that does, unless your own code adds them."
        )
    return plan


def _checked_request(options: TransferOptions) -> tuple[Language, TextSource]:
    check_initializers(options, [options.init])
    check_replacing(options.init)
    if options.push_to_hub:
        check_repository(options.push_to_hub)
    if not options.tokenizer:
        raise TokenizerError("which tokenizer? Pass --tokenizer with a directory, a file or a hub id")
    if not options.lang:
        raise LanguageError("which language? Pass --lang with a BCP 47 tag such as de")
    language = find_language(options.lang)
    check_free(options.out, options.resume, options.force)
    check_not_read(options.out, (*inputs_of(options), options.tokenizer))
    if options.corpus:
        source = user_source(options.corpus, options.text_field, "")
    else:
        source = default_source(language)
    require_all(
        {
            **base_packages(options.base),
            **base_packages(options.tokenizer, weights=False),
            **source.packages,
            **text_packages(resolve_sources(options.base_text)),
            **initializer_packages(options, [options.init], language, base_language(options.base)),
            **(SCORING if options.evaluate else {}),
        }
    )
    check_dictionaries(options, [options.init], language, base_language(options.base))
    return language, source


def _find_tokenizer(name: str, progress: Progress) -> Path:
    path = path_of(name)
    on_hub = is_hub_id(name) and not path.suffix
    if not path.exists() and name not in aliases() and not on_hub:
        raise TokenizerError(
            f"--tokenizer {name} does not exist: pass a directory, a tokenizer.json, a SentencePiece .model, "
            "an alias or a hub id"
        )
    return find_tokenizer_base(name, progress).directory


def _around(tokenizer: FastTokenizer) -> bool:
    """Whether a tokenizer adds special tokens to a text."""
    return len(tokenizer.rust.encode("").ids) > 0


def _anchored(
    given: FastTokenizer, roles: dict[str, int], checkpoint: Checkpoint, progress: Progress
) -> tuple[FastTokenizer, dict[str, int]]:
    """The tokenizer and its roles, with the pad token at the id that the model needs.

    RoBERTa numbers positions from the id of the pad token. Moving that id in config.json would give every
    position the embedding of its neighbor; moving the position embeddings would change tensors other than
    the embedding matrices. So the tokenizer adapts: its pad token and the token at that id swap ids.

    Raises:
        TokenizerError: the tokenizer has no pad token, or its ids cannot be swapped.
    """
    anchor = checkpoint.pad_anchor
    if anchor is None or roles.get("pad") == anchor:
        return given, roles
    if "pad" not in roles:
        raise TokenizerError(
            f"the tokenizer has no pad token, and {checkpoint.config['model_type']} models count positions "
            f"from it: add one, such as <pad> with the id {anchor}, to its special tokens"
        )
    pad = roles["pad"]
    progress.note(
        f"The tokenizer's pad token moves from id {pad} to {anchor}, from which the model counts positions; "
        f"the token with id {anchor} moves to {pad}."
    )
    moved = {role: {pad: anchor, anchor: pad}.get(index, index) for role, index in roles.items()}
    return swap_ids(given, pad, anchor), moved
