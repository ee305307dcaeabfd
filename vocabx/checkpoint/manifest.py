"""vocabx.json: how a checkpoint was made, so that later steps can check it and refuse a wrong base."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from vocabx._util.json_file import Count, Written, fit, is_there, read_format
from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.hashing import hash_range
from vocabx.checkpoint.own_code import RecordedCode
from vocabx.checkpoint.side_files import COMPOSED
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.progress import Advance
from vocabx.tokenizer.certificate import Claim

NAME = "vocabx.json"
FORMAT = 1
DOCUMENTS = ("README.md", "report.json", "report.html")
Advance = Advance
Source = Literal["learned", "donor", "transferred", "pad"]
Fact = str | int | float | bool | None
_REMEDY = "restore it, or write the checkpoint again"
# Fields that are an empty object in the file if absent.
_MAY_BE_EMPTY = ("initializer", "training", "remote_code")


class RecordedBase(Written, frozen=True, omit_defaults=True):
    """What a checkpoint was made from.

    Attributes:
        name: as the user gave it.
        origin: a hub id, a package, or "local".
        tokens: number of tokens of its tokenizer.
        rows: number of rows of its embedding matrices; None for a tokenizer alone.
        tables: sha256 of each embedding matrix by tensor name; empty for a tokenizer alone.
    """

    name: str
    origin: str
    tokens: Count
    rows: Count | None = None
    tables: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """By what to look for it: its name, then the hub id it came from if that differs."""
        is_hub_id = self.origin.count("/") == 1 and " " not in self.origin and not Path(self.origin).exists()
        return tuple(dict.fromkeys(filter(None, (self.name, self.origin if is_hub_id else ""))))


class Sizes(Written, frozen=True, omit_defaults=True):
    """Sizes of a checkpoint: its last id plus one, its new tokens, and the rows of its embedding matrices and
    how many of those are padding, both None for a tokenizer alone.
    """

    tokens: Count
    new_tokens: Count
    rows: Count | None = None
    pad_rows: Count | None = None


class TokenRange(Written, frozen=True):
    """Consecutive ids of one origin: "learned", "donor" or "transferred" tokens, or "pad" rows that no text
    reaches.
    """

    first_id: Count
    count: Count
    source: Source


class Ancestor(Written, frozen=True, omit_defaults=True):
    """An earlier checkpoint of vocabx that this one goes back to.

    Attributes:
        base: what it was made from.
        language: BCP 47 tag of its new tokens; of several languages, all tags, comma-separated.
        sizes: its sizes.
        ranges: its new ids by origin.
        trained: whether it was trained.
        untrained: sha256 of each embedding matrix by tensor name, before each training of it.
    """

    base: RecordedBase
    language: str
    sizes: Sizes
    ranges: tuple[TokenRange, ...]
    trained: bool = False
    untrained: tuple[dict[str, str], ...] = ()


class RecordedInitializer(Written, frozen=True, omit_defaults=True):
    """How the new rows were made.

    Attributes:
        name: of the initializer.
        parameters: its settings and inputs.
        seed: of its random draws; None if unknown.
        form: of the embedding matrices.
        rank, balance, errors: of factorised matrices; errors are ‖E − F P‖ / ‖E‖ of the base's rows by tensor
            name.
    """

    name: str
    parameters: dict[str, Any]
    seed: int | None
    form: Literal["dense", "factorised"]
    rank: Count | None = None
    balance: float | None = None
    errors: dict[str, float] | None = None


class RecordedClaim(Written, frozen=True):
    """A claim of the certificate, without its counterexamples; see `Claim`."""

    name: str
    sentence: str
    checked: Count
    failed: Count
    required: bool

    @classmethod
    def of(cls, claim: Claim) -> "RecordedClaim":
        """The record of a claim."""
        return cls(claim.name, claim.sentence, claim.checked, claim.failed, claim.required)


class WeightFile(Written, frozen=True, omit_defaults=True):
    """The record of a weight file: size, names of its tensors, whether it differs from the base's, and its
    sha256 if requested.
    """

    bytes: Count
    tensors: tuple[str, ...]
    rewritten: bool
    sha256: str | None = None


class RecordedTraining(Written, frozen=True, omit_defaults=True):
    """The record that `vocabx merge` makes of a training.

    Attributes:
        method, text, steps: as in training.json.
        onto: "trained" or "original": which weights the adapters were added to.
        first_id: the id of the first row that was trained as a new one.
        seed: of the order and of random draws.
        record: sha256 of training.json.
        before: the same of an earlier training, empty if there was none.
        tables: sha256 of each embedding matrix of the checkpoint that was trained, by tensor name; empty of
            an earlier version.
    """

    method: dict[str, Fact]
    onto: str
    first_id: Count
    text: dict[str, Fact]
    steps: dict[str, Count]
    seed: int
    record: str
    before: dict[str, Any]
    tables: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def trained_tables(self) -> tuple[dict[str, str], ...]:
        """The `tables` of this training and of those before it, the latest first."""
        earlier = msgspec.convert(self.before, RecordedTraining).trained_tables if self.before else ()
        return (*((self.tables,) if self.tables else ()), *earlier)


class RecordedRun(Written, frozen=True):
    """The command line, seconds by stage, and sha256 of the card and reports, which show them too."""

    command: str
    seconds: dict[str, float]
    documents: dict[str, str]


class Manifest(Written, frozen=True):
    """The content of vocabx.json. docs/checkpoint.md guarantees these fields.

    Attributes:
        version: of vocabx.
        base: what the checkpoint was made from.
        sizes: of this checkpoint.
        tied: whether input embeddings and lm_head share one matrix; None for a tokenizer alone.
        ranges: the new ids by origin; `pad` ids are suppressed in generation_config.json.
        origin: where the new tokens come from: the donor, the numbers of tokens taken, added to build those,
            and left out; whether the pre-tokenizer was widened; which text was protected.
        language: BCP 47 tag; of several languages, all tags, comma-separated.
        initializer: how new rows were made; None for a tokenizer alone.
        certificate: claims with their counts.
        tables: sha256 of each embedding matrix of this checkpoint, by tensor name.
        files: sha256 of the tokenizer and configuration files of this checkpoint.
        run: the only part that differs between two equal runs.
        shards: the record of each weight file, by name; empty for a tokenizer alone.
        training: of a trained checkpoint; None for others.
        chain: the checkpoints of vocabx that the base goes back to, the base last; empty for a base that
            vocabx did not write.
        languages: of several languages each with the number of new tokens that occur most in its text.
        remote_code: the code that came with the base and was trusted; None where none was run.
    """

    version: str
    base: RecordedBase
    sizes: Sizes
    tied: bool | None
    ranges: tuple[TokenRange, ...]
    origin: dict[str, Fact | dict[str, Count]]
    language: str
    initializer: RecordedInitializer | None
    certificate: tuple[RecordedClaim, ...]
    tables: dict[str, str]
    files: dict[str, str]
    run: RecordedRun
    shards: dict[str, WeightFile]
    training: RecordedTraining | None
    chain: tuple[Ancestor, ...] = ()
    languages: dict[str, Count] = msgspec.field(default_factory=dict)
    remote_code: RecordedCode | None = None

    @property
    def transferred(self) -> bool:
        """Whether its tokenizer replaced the base's, so that all ids are its own."""
        return any(part.source == "transferred" for part in self.ranges)

    @property
    def padding_ids(self) -> tuple[int, ...]:
        """The ids of padding rows, those of earlier extensions too."""
        ranges = (*self.ranges, *(part for step in self.chain for part in step.ranges))
        padding = (part for part in ranges if part.source == "pad")
        return tuple(index for one in padding for index in range(one.first_id, one.first_id + one.count))

    @property
    def steps(self) -> tuple[Ancestor, ...]:
        """All that vocabx made of the first base, this checkpoint last."""
        training = self.training
        untrained = () if training is None else training.trained_tables
        own = Ancestor(self.base, self.language, self.sizes, self.ranges, training is not None, untrained)
        return (*self.chain, own)

    @property
    def ancestors(self) -> tuple[dict[str, str], ...]:
        """The sha256 of embedding matrices, by tensor name, of every checkpoint that this one goes back to:
        bases, and what was trained.
        """
        tables = (found for step in self.steps for found in (step.base.tables, *step.untrained))
        return tuple(found for found in tables if found)

    def with_tables(
        self,
        rows: int,
        base_rows: int,
        pad: range,
        tied: bool,
        initializer: RecordedInitializer,
        base_tables: dict[str, str],
        tables: dict[str, str],
        shards: dict[str, WeightFile],
        remote_code: RecordedCode | None = None,
    ) -> "Manifest":
        """The manifest of a checkpoint, from that of its tokenizer.

        Args:
            rows, base_rows: number of rows of the embedding matrices, and of the base's.
            pad: ids of padding rows.
            tied: whether input embeddings and lm_head share one matrix.
            initializer: how the new rows were made.
            base_tables, tables: sha256 of each embedding matrix of the base and of this checkpoint, by tensor
                name.
            shards: see `records_of`.
            remote_code: see `RecordedCode.of`.
        """
        replace = msgspec.structs.replace
        ranges = self.ranges if not pad else (*self.ranges, TokenRange(pad.start, len(pad), "pad"))
        return replace(
            self,
            base=replace(self.base, rows=base_rows, tables=base_tables),
            sizes=replace(self.sizes, rows=rows, pad_rows=len(pad)),
            tied=tied,
            ranges=ranges,
            initializer=initializer,
            tables=tables,
            shards=shards,
            remote_code=remote_code,
        )

    def write(self, directory: Path) -> None:
        """Write vocabx.json into `directory`."""
        content = {"format": FORMAT, **self.plain()}
        content |= {name: {} for name in _MAY_BE_EMPTY if content[name] is None}
        write_json(directory / NAME, content)


def read_manifest(directory: Path) -> Manifest | None:
    """The vocabx.json of a directory, None if there is none.

    Raises:
        BaseModelError: if it is damaged, or of another version.
    """
    path = directory / NAME
    if not is_there(path):
        return None
    content = read_format(path, FORMAT, BaseModelError, _REMEDY)
    content |= {name: None for name in _MAY_BE_EMPTY if content.get(name) == {}}
    return fit(path, content, Manifest, BaseModelError, _REMEDY)


def chain_of(base: Path) -> tuple[Ancestor, ...]:
    """The checkpoints of vocabx that the directory of a base goes back to, itself last.

    Raises:
        BaseModelError: if its vocabx.json is damaged.
    """
    manifest = read_manifest(base) if base.is_dir() else None
    return manifest.steps if manifest else ()


def records_of(
    written: Checkpoint, changed: Collection[str], hashed: bool, advance: Advance = lambda done: None
) -> dict[str, WeightFile]:
    """The records of each weight file in vocabx.json, by name.

    Args:
        written: the checkpoint.
        changed: names of the files that differ from the base's.
        hashed: whether to read all files to compute their sha256.
        advance: called with bytes read.
    """
    return {
        file.path.name: WeightFile(
            bytes=file.path.stat().st_size,
            tensors=tuple(sorted(file.tensors)),
            rewritten=file.path.name in changed,
            sha256=file_hash(file.path, advance) if hashed else None,
        )
        for file in written.files
    }


def composed_hashes(directory: Path) -> dict[str, str]:
    """The sha256 of each tokenizer and configuration file that exists."""
    return {name: file_hash(directory / name) for name in COMPOSED if (directory / name).is_file()}


def run_record(command: str, seconds: Mapping[str, float], directory: Path) -> RecordedRun:
    """What vocabx.json records of a run that wrote `directory`, by its documents."""
    documents = {name: file_hash(directory / name) for name in DOCUMENTS if (directory / name).is_file()}
    return RecordedRun(command, dict(seconds), documents)


def file_hash(path: Path, advance: Advance = lambda done: None) -> str:
    """The sha256 of a file, hexadecimal."""
    with path.open("rb", buffering=0) as stream:
        return hash_range(stream, 0, path.stat().st_size, advance)
