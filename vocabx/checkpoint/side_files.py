"""The files beside a base's weights: which belong to a checkpoint made from it, and which to the base alone.

Carried are settings, licenses, the code that settings name, and the modules of sentence-transformers with
their folders. Left out are a tokenizer in another form, sizes, weights in another form, adapters and records:
beside the result they would be read as if they were its own.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from vocabx._util.json_file import fit
from vocabx._util.json_file import read_object as read_any_object
from vocabx._util.links import files_in
from vocabx.checkpoint.model_directory import REMEDY
from vocabx.checkpoint.safetensors_file import INDEX, read_header
from vocabx.errors import BaseModelError

TEMPLATES = "additional_chat_templates"
# Configuration and tokenizer files that are written for a checkpoint and listed in its manifest.
COMPOSED = (
    "config.json", "generation_config.json", INDEX, "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "special_tokens_map.json", "tokenizer.model", "vocab.txt",
    "modeling_factorised.py",
)  # fmt: skip
# Further files that are written anew, or not needed.
_OURS = {
    "README.md", "vocabx.json", "report.json", "report.html", "training.json", "dropped.jsonl", TEMPLATES,
    "__pycache__",
}  # fmt: skip
_MODULES = "modules.json"
_LICENCES = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*", "COPYING*")
_TOKENIZER = "the base's tokenizer in another form"
_ADAPTER = "an adapter's"
_QUANTISED = "about quantized weights"
_RECORD = "about the base alone"
_SIZE = "about the base's vocabulary"
_WEIGHTS = "the base's weights in another form"
_UNNAMED = "not named by the model's settings"
# The first pattern that matches decides.
_PATTERNS = {
    _TOKENIZER: "added_tokens.json vocab.json vocab.txt merges.txt encoder.json dict.txt bpe.codes *.bpe "
    "tekken* tokenizer.model.* *.model *.tiktoken *.spm *.vocab",
    _SIZE: "params.json",
    _ADAPTER: "adapter_*",
    _QUANTISED: "quantize_config.json quant_config.json hf_quant_config.json",
    _RECORD: "trainer_state.json *_results.json *.md *.png *.jpg *.svg *.pdf *.yml *.yaml requirements.txt",
    _WEIGHTS: "*.index.json *.safetensors *.bin *.pt *.pth *.ckpt *.ckpt.* *.gguf *.h5 *.msgpack *.onnx "
    "*.onnx_data *.npz *.pkl *.ot onnx openvino original coreml consolidated*",
}
_LEFT_OUT = {pattern: reason for reason, patterns in _PATTERNS.items() for pattern in patterns.split()}
# Settings that hold a vocabulary or state its size, whatever the file is called.
_SIZES = {"vocab", "vocab_size", "n_vocab", "default_vocab_size", "padded_vocab_size", "unpadded_vocab_size"}
_IMPORT = re.compile(r"^\s*(?:from\s+\.(\w+)\s+import\b|import\s+\.(\w+))", re.MULTILINE)
_LIBRARY = "sentence_transformers."
# Modules without settings, whose empty folder a repository does not keep.
_EMPTY = (".Normalize",)
_SHOWN = 6


class _Module(msgspec.Struct, frozen=True):
    """What is read of an entry of modules.json."""

    path: str
    type: str


class _Modules(msgspec.Struct, frozen=True):
    modules: tuple[_Module, ...]


@dataclass(frozen=True)
class SideFiles:
    """The files beside a base's weights.

    Attributes:
        carried: names of those that belong to a checkpoint made from the base, relative to its directory.
        left_out: the others, with the reason; files that are written anew are in neither.
        without_code: settings files that name code which is missing: their `auto_map` is left out.
    """

    carried: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    without_code: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """What is left out and why, in one sentence, or ""."""
        reasons: dict[str, list[str]] = {}
        for name, reason in self.left_out:
            reasons.setdefault(reason, []).append(name)
        groups = [f"{_listed(names)} ({reason})" for reason, names in reasons.items()]
        return f"Not copied from the base: {'; '.join(groups)}." if groups else ""

    def settings(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """The content of a settings file, without its `auto_map` if the code is missing."""
        return {
            key: value for key, value in content.items() if name not in self.without_code or key != "auto_map"
        }


def find_side_files(
    directory: Path, rows: int = 0, weights: frozenset[str] = frozenset(), quantised: bool = False
) -> SideFiles:
    """Sort the files beside the weights of a base.

    Args:
        directory: the base.
        rows: number of rows of its embedding matrices; 0 if unknown.
        weights: names of its weight files.
        quantised: whether its weights are quantized, so that settings of the method belong to a result.

    Raises:
        BaseModelError: if a file that belongs to a result is a link that leads out of the directory, or a
            module of sentence-transformers depends on the vocabulary.
    """
    left_out: dict[str, str] = {}
    settings: dict[str, dict[str, Any]] = {}
    carried: list[str] = []
    others: list[str] = []
    for path in sorted(directory.iterdir()):
        name = path.name
        if name.startswith(".") or name in _OURS or name in weights:
            continue
        if not (path.is_file() or path.is_dir()):
            left_out[name] = "no file"
            continue
        if name in COMPOSED and (name != "vocab.txt" or (directory / "tokenizer.json").is_file()):
            if name.endswith(".json") and name != "tokenizer.json":
                settings[name] = _read(path) or {}
            continue
        reason = next((why for pattern, why in _LEFT_OUT.items() if fnmatchcase(name, pattern)), "")
        reason = "" if quantised and reason == _QUANTISED else reason
        if any(fnmatchcase(name.upper(), pattern) for pattern in _LICENCES) and path.is_file():
            carried.append(name)
        elif reason:
            left_out[name] = reason
        elif name.endswith(".json") and name != _MODULES:
            content = _read(path)
            if content is not None and _states_size(content):
                left_out[name] = _SIZE
            else:
                carried.append(name)
                settings[name] = content or {}
        elif name.endswith(".jinja"):
            carried.append(name)
        else:
            others.append(name)
    modules = _modules(directory, left_out)
    named = {part for module in modules for part in _files_of(directory, module, rows)}
    code = {name: _code_of(content) for name, content in settings.items() if name != "tokenizer_config.json"}
    missing = {name: absent for name, wanted in code.items() if (absent := _absent(directory, wanted))}
    for name, absent in missing.items():
        left_out[f"auto_map of {name}"] = f"names {', '.join(absent)}, which is missing"
    wanted = {file for name, files in code.items() if name not in missing for file in files}
    wanted |= {
        f"{module.type.partition('.')[0]}.py" for module in modules if not module.type.startswith(_LIBRARY)
    }
    named |= {file for file in _with_imports(directory, wanted) if file not in COMPOSED}
    folders = {PurePosixPath(name).parts[0] for name in named}
    carried += [_MODULES] if modules else []
    left_out |= {name: _UNNAMED for name in others if name not in folders and name != _MODULES}
    return SideFiles(tuple(sorted({*carried, *named})), tuple(sorted(left_out.items())), frozenset(missing))


def code_files(directory: Path, config: dict[str, Any]) -> tuple[str, ...]:
    """The files of code that a config.json names (`auto_map`), with what they import from beside them.

    Args:
        directory: the model.
        config: the content of its config.json.
    """
    return tuple(sorted(_with_imports(directory, set(_code_of(config)))))


def is_other_tokenizer(name: str) -> bool:
    """Whether a file of this name holds a tokenizer in another form than tokenizer.json."""
    return any(fnmatchcase(name, pattern) for pattern in _PATTERNS[_TOKENIZER].split())


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(names if more <= 1 else names[:_SHOWN])
    return shown if more <= 1 else f"{shown} and {more} more"


def _read(path: Path) -> dict[str, Any] | None:
    """The content of a settings file; None if it is no JSON object, which is carried as it is."""
    try:
        return read_any_object(path, BaseModelError, REMEDY)
    except BaseModelError:
        return None


def _states_size(content: dict[str, Any]) -> bool:
    inner = [value for value in content.values() if isinstance(value, dict)]
    return any(_SIZES & set(part) for part in (content, *inner))


def _modules(directory: Path, left_out: dict[str, str]) -> tuple[_Module, ...]:
    """The modules of sentence-transformers; none without a modules.json whose folders are all there."""
    path = directory / _MODULES
    if not path.is_file():
        return ()
    try:
        found = json.loads(path.read_bytes())
        modules = fit(path, {"modules": found}, _Modules, BaseModelError, REMEDY).modules
    except (ValueError, RecursionError, BaseModelError):
        left_out[_MODULES] = "damaged"
        return ()
    for module in modules:
        place = PurePosixPath(module.path)
        if place.is_absolute() or ".." in place.parts:
            raise BaseModelError(f"{path} points outside its directory: do not trust this model")
        if module.path and not (directory / place).is_dir() and not module.type.endswith(_EMPTY):
            left_out[_MODULES] = f"names {module.path}, which is missing"
            return ()
    return modules


def _files_of(directory: Path, module: _Module, rows: int) -> Iterator[str]:
    """The files of a module of sentence-transformers."""
    folder = directory / module.path
    if not module.path or not folder.is_dir():
        return
    for path in files_in(directory, folder, BaseModelError):
        holds = path.suffix == ".safetensors" and any(
            rows in entry.shape for entry in (read_header(path).tensors.values() if rows else ())
        )
        if path.name == "tokenizer.json" or holds:
            raise BaseModelError(
                f"{directory}: the module {module.path} of sentence-transformers depends on the vocabulary: "
                "vocabx cannot extend it, pass a base without it"
            )
        yield path.relative_to(directory).as_posix()


def _code_of(content: dict[str, Any]) -> list[str]:
    """The files of code in the directory that `auto_map` names, without those of other repositories."""
    named = content.get("auto_map")
    values = named.values() if isinstance(named, dict) else ()
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    local = {one for one in flat if isinstance(one, str) and "--" not in one and "." in one}
    return sorted(f"{one.partition('.')[0]}.py" for one in local)


def _absent(directory: Path, wanted: list[str]) -> list[str]:
    return sorted(file for file in _with_imports(directory, set(wanted)) if not (directory / file).is_file())


def _with_imports(directory: Path, wanted: set[str]) -> set[str]:
    """Files of code with those that they import from beside them."""
    found: set[str] = set()
    while new := wanted - found:
        found |= new
        for name in new:
            if (directory / name).is_file():
                text = (directory / name).read_text(encoding="utf-8", errors="replace")
                wanted |= {f"{one or other}.py" for one, other in _IMPORT.findall(text)}
    return found
