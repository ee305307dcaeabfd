"""Checking files against vocabx.json: that a checkpoint is as written, and that a base is its base."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import Manifest, WeightFile, file_hash, read_manifest
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.progress import Advance
from vocabx.tokenizer.certificate import Claim, claim

_Case = tuple[str, bool]


def recorded_claims(directory: Path, advance: Advance = lambda done: None) -> tuple[Claim, ...]:
    """Check a directory against its vocabx.json; no claims if there is none.

    Reads the embedding matrices, and every weight file with a recorded sha256.

    Args:
        directory: a checkpoint or a tokenizer.
        advance: called with bytes read.

    Raises:
        BaseModelError: if vocabx.json is damaged.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        return ()
    claims = [
        claim(
            "files",
            "The tokenizer and configuration files are those that vocabx.json recorded.",
            _same_files(directory, manifest.files),
        )
    ]
    if manifest.remote_code:
        sentence = "The files of code that came with the base are those that vocabx.json recorded."
        claims.append(claim("remote-code", sentence, _same_files(directory, manifest.remote_code.files)))
    if manifest.tables:
        claims += _weight_claims(directory, manifest, advance)
    if manifest.run.documents:
        sentence = "The card and the reports are as written."
        cases = _same_files(directory, manifest.run.documents)
        claims.append(claim("documents", sentence, cases, required=False))
    return tuple(claims)


def require_base(directory: Path, base: Checkpoint) -> None:
    """Refuse a base whose embeddings are not those that the checkpoint in `directory` was made from.

    A base that was itself made by vocabx may be given, or what that was made from, or what was trained. Does
    nothing if no base was recorded.

    Args:
        directory: a checkpoint of vocabx.
        base: the presumed base; its embedding matrices are read.

    Raises:
        BaseModelError: it is another model, or was changed since; or vocabx.json is damaged.
    """
    manifest = read_manifest(directory)
    if manifest is None or not manifest.base.tables:
        return
    found = table_hashes(base)
    if any(tables.items() <= found.items() for tables in manifest.ancestors):
        return
    for name, digest in manifest.base.tables.items():
        if found.get(name) != digest:
            raise BaseModelError(
                f"{base.directory} is not the base of {directory}: its {name} differs from the one that "
                "vocabx.json recorded; pass the model that was extended"
            )


def require_base_directory(directory: Path, base: Path) -> None:
    """The same for the path of a base; does nothing for a tokenizer alone.

    Raises:
        BaseModelError: see `require_base`; or if its weights cannot be read.
    """
    if (base / "config.json").is_file() and any(base.glob("*.safetensors")):
        manifest = read_manifest(directory)
        code = None if manifest is None else manifest.remote_code
        require_base(directory, read_checkpoint(base, like=None if code is None else code.told))


def require_own_tables(checkpoint: Checkpoint, found: Mapping[str, str]) -> None:
    """Refuse a checkpoint of vocabx whose embedding matrices are not the recorded ones.

    Args:
        checkpoint: a checkpoint with or without a vocabx.json.
        found: sha256 of its embedding matrices by tensor name.

    Raises:
        BaseModelError: if a matrix was changed since, or comes from another checkpoint.
    """
    manifest = read_manifest(checkpoint.directory)
    for name, digest in manifest.tables.items() if manifest else ():
        if found.get(name) != digest:
            raise BaseModelError(
                f"{checkpoint.directory}: {name} differs from the one that vocabx.json recorded: it was "
                "trained or replaced since; remove vocabx.json if this was intended, or restore the weights"
            )


def _weight_claims(directory: Path, manifest: Manifest, advance: Advance) -> Iterator[Claim]:
    sentence = "The weight files have the recorded sizes, tensors and sha256."
    try:
        checkpoint = read_checkpoint(directory)
    except BaseModelError as error:
        yield claim("shards", sentence, [(str(error), False)])
        return
    if manifest.shards:
        yield claim("shards", sentence, _same_shards(checkpoint, manifest.shards, advance))
    found = table_hashes(checkpoint, advance)
    recorded = manifest.tables
    cases = ((name, found.get(name) == recorded.get(name)) for name in recorded | found)
    yield claim("tables", "The embedding matrices are those that vocabx.json recorded.", cases)
    rows = manifest.sizes.rows
    heights = (
        (f"{table.name} has {table.rows} rows and vocabx.json says {rows}", table.rows == rows)
        for table in checkpoint.tables
    )
    yield claim(
        "sizes", "The embedding matrices have as many rows as vocabx.json and config.json say.", heights
    )


def _same_shards(
    checkpoint: Checkpoint, shards: Mapping[str, WeightFile], advance: Advance
) -> Iterator[_Case]:
    files = {file.path.name: file for file in checkpoint.files}
    for name in sorted({*shards, *files}):
        file, record = files.get(name), shards.get(name)
        if file is None or record is None:
            yield f"{name} is {'missing' if file is None else 'not recorded'}", False
            continue
        yield f"{name}: its size", file.path.stat().st_size == record.bytes
        yield f"{name}: its tensors", tuple(sorted(file.tensors)) == record.tensors
        if record.sha256 is not None:
            yield f"{name}: its sha256", file_hash(file.path, advance) == record.sha256


def _same_files(directory: Path, recorded: Mapping[str, str]) -> Iterator[_Case]:
    for name, digest in recorded.items():
        path = directory / Path(name).name
        yield name, path.is_file() and file_hash(path) == digest
