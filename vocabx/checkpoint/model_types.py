"""The model types that transformers knows, each with what an extension resizes: a record of a run.

Made by benchmarks/architectures.py. It is for reading: what is resized follows from a model's own
configuration (`find_architecture`).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

FILE = "model_types.json"
# The maps of transformers that are recorded, in their order, and what their models are called.
MAPS = {
    "CAUSAL_LM": "Language models",
    "SEQ_TO_SEQ_CAUSAL_LM": "Encoder-decoders",
    "MASKED_LM": "Encoders",
    "IMAGE_TEXT_TO_TEXT": "Multimodal models",
}


class ModelType(msgspec.Struct, frozen=True, kw_only=True):
    """One model type with one class of transformers.

    Attributes:
        type: the model_type of config.json.
        name: the class.
        map: the map of transformers that lists it.
        verdict: "extended": proven on a small model; "refused", with the reason; "unproven": no small model
            could be made; "no text": its ids are no tokens of a text.
        reason: why not, or "".
        input, output, biases, copies, lookups, choices: names of the tensors that are resized; "tied" for an
            output that is the input's matrix.
        settings: of config.json, which state the size.
        needs: a further package that transformers needs to build the class, or "".
        difference: the largest difference of logits in the proof, float32 on a CPU; 0 for none at all.
    """

    type: str
    name: str = msgspec.field(name="class")
    map: str
    verdict: str
    reason: str = ""
    input: str = ""
    output: str = ""
    biases: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    needs: str = ""
    difference: float = 0.0

    @property
    def content(self) -> dict[str, Any]:
        """Its fields, as JSON can hold them."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    @property
    def resized(self) -> str:
        """What is resized, in one line."""
        if self.verdict != "extended":
            return self.reason
        head = "tied" if self.output == "tied" else self.output
        parts = (self.input, head, *self.biases, *self.copies, *self.lookups, *self.choices)
        return ", ".join(filter(None, parts)) + (f" (with {self.needs} installed)" if self.needs else "")


@dataclass(frozen=True)
class Recorded:
    """The record of a run: the version of transformers, and its types."""

    transformers: str
    types: tuple[ModelType, ...]

    @property
    def share(self) -> tuple[int, int]:
        """How many of the types with a text vocabulary are extended, and how many there are."""
        text = [one for one in self.types if one.verdict != "no text"]
        return sum(one.verdict == "extended" for one in text), len(text)


_INTRODUCTION = """\
# Model types

What of each model type of transformers {version} an extension resizes, by a run of
`benchmarks/architectures.py`: a small random model of the type is saved by transformers, extended, loaded,
saved and loaded again. Of {total} pairs of type and class with a text vocabulary, {extended} are extended
({share:.1%}): logits of old tokens do not change, and a new token that copies an old one acts as it does. A
difference of logits is stated where there is one; elsewhere they are equal bit for bit, in float32 on a CPU.
`vocabx bases --types` lists the same. How the tensors are found:
[checkpoint.md](checkpoint.md#which-tensors-are-the-embedding-matrices). A model whose class comes with it is
of no type listed here: `--trust-remote-code` lets its own code tell,
[in a process of its own](checkpoint.md#classes-that-come-with-the-model)."""


@cache
def recorded_types() -> Recorded:
    """The record in the package."""
    content: dict[str, Any] = msgspec.json.decode((files("vocabx.assets") / FILE).read_bytes())
    return Recorded(content["transformers"], tuple(msgspec.convert(content["types"], list[ModelType])))


def model_types_page() -> str:
    """The page docs/models.md."""
    recorded_types.cache_clear()
    record = recorded_types()
    extended, total = record.share
    share = extended / max(1, total)
    lines = [_INTRODUCTION.format(version=record.transformers, extended=extended, total=total, share=share)]
    for name, title in MAPS.items():
        lines += ["", f"## {title}", "", "| type | class | resized, or why not |", "|---|---|---|"]
        for one in sorted((one for one in record.types if one.map == name), key=lambda one: one.type):
            verdict = "" if one.verdict == "extended" else f"**{one.verdict}**: "
            stated = f" (logits within {one.difference:.0e})" if one.difference else ""
            lines.append(f"| {one.type} | {one.name} | {verdict}{_escaped(one.resized)}{stated} |")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
