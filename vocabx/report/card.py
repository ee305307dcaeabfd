"""The model card of a checkpoint or tokenizer: README.md with the metadata that the hub reads.

Everything in the card comes from the report, the base or the files written.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vocabx.checkpoint.architectures import Architecture
from vocabx.checkpoint.base import Base
from vocabx.checkpoint.licence import OTHER, Licence
from vocabx.checkpoint.manifest import Ancestor, chain_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.corpus.languages import language_name
from vocabx.gguf.settings import ARCHITECTURES
from vocabx.report.extension_report import Report
from vocabx.report.transfer_report import TransferReport

# The auto classes of transformers by the end of an architecture's name.
_AUTO = {
    "ForCausalLM": "AutoModelForCausalLM",
    "LMHeadModel": "AutoModelForCausalLM",
    "ForMaskedLM": "AutoModelForMaskedLM",
    "ForPreTraining": "AutoModelForPreTraining",
}
_LICENCE_FILES = ("LICENSE*", "NOTICE*", "USE_POLICY*")
# Codes that ISO 639 reserves for private use, which the hub rejects.
_PRIVATE = re.compile(r"q[a-t][a-z]")


@dataclass(frozen=True)
class _Weights:
    """What the card says about the weights of a directory, read from their headers."""

    rows: int
    width: int
    dtype: str
    parameters: int
    bytes: int
    auto_class: str
    exported: bool
    own_code: bool


def write_card(
    directory: Path,
    base: Base,
    report: Report | TransferReport,
    template: str = "card.md",
    repository: str = "",
    like: Architecture | None = None,
) -> None:
    """Write README.md for what `report` describes and `directory` holds.

    Args:
        directory: the checkpoint or tokenizer, complete except for its card.
        base: what it was made from.
        report: its numbers.
        template: file name in the assets.
        repository: its name on the hub if already known, for the code that loads it.
        like: the architecture of the model that a checkpoint was made from; see `read_checkpoint`.
    """
    tokenizer_only = isinstance(report, Report) and not report.initializer
    chain = chain_of(base.directory)
    checkpoint = None if tokenizer_only else read_checkpoint(directory, like=like)
    licence = _licence(base, directory)
    text = (
        card_environment()
        .get_template(template)
        .render(
            metadata=_metadata(base, report, licence, checkpoint is not None, chain),
            report=report,
            earlier=[(language_name(step.language), step) for step in chain],
            factorised=report.factorised if isinstance(report, Report) else None,
            has_page=isinstance(report, Report),
            base=base,
            base_name=without_directories(base.name) or base.directory.resolve().name,
            weights=None if checkpoint is None else _weights(checkpoint),
            licence=licence,
            licence_files=sorted(path.name for pattern in _LICENCE_FILES for path in directory.glob(pattern)),
            repository=repository,
        )
    )
    (directory / "README.md").write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def card_environment() -> Any:
    """The jinja2.Environment for card templates, with their filters."""
    import jinja2

    assets = files("vocabx.assets")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: (assets / name).read_text(encoding="utf-8")),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "md": _escaped,
        "count": "{:,}".format,
        "settings": _settings,
        "files": file_names,
        "shown": without_directories,
        "href": _href,
    }
    return environment


def hub_language(tag: str) -> str:
    """The ISO 639 code that the hub uses for the language of a BCP 47 tag, or "" if it has none.

    The hub accepts only codes of two or three lower-case letters without subtags: "zh" for zh-Hant.
    """
    code = tag.partition("-")[0].lower()
    known = code.isascii() and code.isalpha() and len(code) in (2, 3) and code != "und"
    return code if known and not _PRIVATE.fullmatch(code) else ""


def _metadata(
    base: Base, report: Report | TransferReport, licence: Licence, is_model: bool, chain: Sequence[Ancestor]
) -> str:
    """The YAML that the hub reads, written by its own library, which quotes `no`, the code of Norwegian."""
    from huggingface_hub import ModelCardData

    named = (report.language, *(step.language for step in reversed(chain)))
    spoken = dict.fromkeys(tag for tags in named for tag in tags.split(","))
    codes = [*dict.fromkeys(code for tag in spoken if (code := hub_language(tag)))]
    kind = "vocabulary-extension" if isinstance(report, Report) else "vocabulary-transfer"
    tags = ["vocabx", kind, *([] if is_model else ["tokenizer"])]
    other = licence.id == OTHER
    return ModelCardData(
        language=codes or None,
        license=licence.id or None,
        license_name=(licence.name or None) if other else None,
        license_link=(licence.link or None) if other else None,
        library_name="transformers",
        # A tokenizer is not derived from the base model. `base_model_relation` is left out: none of adapter,
        # merge, quantized and finetune is right before the new embeddings are trained.
        base_model=(base.repository or None) if is_model else None,
        tags=[*tags, *(tag for tag in spoken if tag not in codes)],
    ).to_yaml()


def _licence(base: Base, directory: Path) -> Licence:
    """The base's license with a link that resolves from the card."""
    link = base.licence_link
    if not re.match(r"https?://[^\s()<>]+$", link) and not (link and (directory / link).is_file()):
        # A relative link to another file of the base's repository.
        plain = re.fullmatch(r"[\w.-]+", link) and base.repository
        link = f"https://huggingface.co/{base.repository}/blob/main/{link}" if plain else ""
    return Licence(base.licence, base.licence_name, link)


def _weights(checkpoint: Checkpoint) -> _Weights:
    tensors = [entry for file in checkpoint.files for entry in file.tensors.values()]
    parameters = sum(math.prod(entry.shape) for entry in tensors)
    if checkpoint.tied and checkpoint.output is not None:
        # One matrix, stored twice.
        parameters -= math.prod(checkpoint.output.file.tensors[checkpoint.output.name].shape)
    table = checkpoint.input
    named = str((checkpoint.config.get("architectures") or [""])[0])
    return _Weights(
        rows=table.rows,
        width=table.file.tensors[table.name].shape[1],
        dtype=table.dtype,
        parameters=parameters,
        bytes=checkpoint.weight_bytes,
        auto_class=next((auto for ending, auto in _AUTO.items() if named.endswith(ending)), "AutoModel"),
        exported=checkpoint.config["model_type"] in ARCHITECTURES,
        own_code=bool(checkpoint.architecture.own_code),
    )


def _escaped(text: str) -> str:
    """Text escaped so that Markdown shows it literally, on one line, also in a table."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _href(link: str) -> str:
    """A link that Markdown reads to its end: a URL, or the percent-encoded name of a file."""
    return link if re.match(r"https?://", link) else quote(link)


def without_directories(name: str) -> str:
    """The name a user gave, without its parent directories."""
    is_path = name.count("/") > 1 or name.startswith((".", "/", "~")) or name.endswith("/")
    return Path(name).name if is_path else name


def file_names(text: str) -> str:
    """A description of texts, with paths shortened to file names."""
    return re.sub(r"(?<![^\s(])(?:~|\.{0,2})/(?:[^\s,]*/)?(?=[^\s,])", "", text)


def _settings(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_setting(value)}" for name, value in parameters.items())


def _setting(value: Any) -> str:
    if isinstance(value, str):
        return without_directories(value)
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
