"""A .gguf file as a base: its weights are dequantized once into a model directory in the user's cache.

transformers dequantizes and renames the tensors. Two flaws of its result are fixed here: the configuration
still claims to be quantized, and the pre-tokenizer is a generic one.
"""

import hashlib
import io
import json
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from vocabx._util.cache import cache_directory
from vocabx._util.extras import Packages, missing, need, require_all
from vocabx._util.loading import load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.model_directory import read_object
from vocabx.checkpoint.staging import make_once
from vocabx.errors import BaseModelError
from vocabx.progress import Progress

PACKAGES: Packages = dict.fromkeys(("gguf", "accelerate", "torch", "transformers"), "gguf")
# Part of the cache key: increase it when the converted files change.
_FORMAT = 1
_WORDS_AND_NUMBERS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}"
    r"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def unpacking_packages(path: Path) -> Packages:
    """The packages that `unpack_gguf` will need: none where the file was unpacked before."""
    # A file of many gigabytes is read for its hash only where that makes a difference.
    return {} if missing(PACKAGES) and _directory(path).is_dir() else PACKAGES


def unpack_gguf(path: Path, progress: Progress) -> Path:
    """Convert a .gguf file to a model directory in bfloat16 on first use, and return the directory.

    Args:
        path: the file; its sha256 is the cache key.
        progress: receives the conversion.

    Raises:
        BaseModelError: if the file is damaged, or its architecture is not supported by transformers.
        MissingPackageError: gguf, accelerate, torch or transformers is not installed.
    """
    directory = _directory(path)
    if not directory.is_dir():
        require_all(PACKAGES)

        def make(scratch: Path) -> None:
            with progress.stage(f"Dequantizing {path.name}, once"):
                _unpack(path, scratch)

        make_once(directory, make, progress)
    return directory


def _directory(path: Path) -> Path:
    """Where the content of a file is or will be, by its sha256."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return cache_directory() / "gguf" / f"{digest[:32]}-{_FORMAT}"


def _unpack(path: Path, target: Path) -> None:
    gguf = need("gguf", "gguf")
    # The bar of the dequantizing loop ignores the settings of transformers.
    with quiet_transformers("gguf"), redirect_stderr(io.StringIO()):
        torch = need("torch", "gguf")
        source = (path.parent, "gguf")
        try:
            fields = gguf.GGUFReader(path).fields
            model = load_auto("AutoModelForCausalLM", *source, dtype=torch.bfloat16, gguf_file=path.name)
            tokenizer = load_auto("AutoTokenizer", *source, gguf_file=path.name)
        except (ValueError, LookupError, OSError, RuntimeError, NotImplementedError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BaseModelError(f"{path} cannot be read as a model: {reason}") from None
        # save_pretrained refuses a model that still claims to be quantized.
        model.hf_quantizer = None
        model.config.__dict__.pop("quantization_config", None)
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
    _repair_config(target)
    kind = fields["tokenizer.ggml.pre"].contents() if "tokenizer.ggml.pre" in fields else ""
    _repair_tokenizer(target, kind)


def _repair_config(directory: Path) -> None:
    """Write the configuration so that both transformers 4 and 5 read it."""
    path = directory / "config.json"
    config = read_object(path)
    config.pop("_model_name_or_path", None)
    config["torch_dtype"] = config.get("dtype", "bfloat16")
    rope = config.get("rope_parameters") or {}
    if "rope_theta" in rope:
        # Version 4 only knows these names, and uses its defaults if they are missing.
        config["rope_theta"] = rope["rope_theta"]
        scaling = {key: value for key, value in rope.items() if key != "rope_theta"}
        config["rope_scaling"] = None if scaling.get("rope_type") == "default" else scaling
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for weights in directory.glob("*.safetensors"):
        weights.chmod(path.stat().st_mode)


def _repair_tokenizer(directory: Path, kind: str) -> None:
    """Restore the pre-tokenizer that the file names, and write a configuration that all versions read."""
    path = directory / "tokenizer.json"
    spec = read_object(path)
    if (known := _pre_tokenizer(kind)) is not None:
        spec["pre_tokenizer"] = known
    path.write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    path = directory / "tokenizer_config.json"
    config = read_object(path)
    for key in ("backend", "is_local", "local_files_only", "gguf_file"):
        config.pop(key, None)
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True), encoding="utf-8")


def _pre_tokenizer(kind: str) -> dict[str, Any] | None:
    """The pre-tokenizer that llama.cpp uses for a name, or None for an unknown name."""

    def byte_level(use_regex: bool) -> dict[str, Any]:
        return {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": use_regex,
        }

    if kind == "gpt-2":
        return byte_level(True)
    if kind == "smollm":
        first: dict[str, Any] = {"type": "Digits", "individual_digits": True}
        return {"type": "Sequence", "pretokenizers": [first, byte_level(True)]}
    if kind in ("llama-bpe", "qwen2"):
        pattern = _WORDS_AND_NUMBERS.format(digits="{1,3}" if kind == "llama-bpe" else "")
        first = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        return {"type": "Sequence", "pretokenizers": [first, byte_level(False)]}
    return None
