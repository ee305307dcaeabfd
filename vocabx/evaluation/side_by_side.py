"""The numbers of several models on the same texts: the content of evaluation.json. Measures nothing."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TextNumbers:
    """One model on one text.

    Attributes:
        bits_per_byte: -log2 p(text) over its UTF-8 bytes.
        bits_per_byte_start: the same over the first 1,000 bytes of each passage.
        tokens: the text's length in the model's tokens.
        characters_per_token: characters (code points) of the text over tokens.
    """

    bits_per_byte: float
    bits_per_byte_start: float
    tokens: int
    characters_per_token: float


@dataclass(frozen=True)
class FromBase:
    """How far a model's predictions are from the base's on text in the base's language.

    Attributes:
        kl: KL(base ‖ model) in nats, the mean over the positions of the passages that were compared; None
            where there was none, or it was not measured.
        passages: how many were compared: those that both cut into the same ids.
        left_out: how many are cut otherwise.
        hull_bound: nats that no KL can exceed, by how the new rows were made; None where nothing bounds it,
            or the rows are no longer those that were made.
    """

    kl: float | None
    passages: int
    left_out: int
    hull_bound: float | None


@dataclass(frozen=True)
class Generated:
    """What a model generates, and how fast.

    Attributes:
        continuations: text after each prompt; bytes that are no whole character as U+FFFD.
        characters: whole characters of it.
        seconds: wall time, on this machine.
    """

    continuations: tuple[str, ...]
    characters: int
    seconds: float

    @property
    def characters_per_second(self) -> float:
        """Whole characters over wall time."""
        return self.characters / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class ModelNumbers:
    """One model.

    Attributes:
        name: of its directory as given, or of the base.
        is_base: whether it is the base that the others are compared with.
        parameters: how many numbers it has; tables that are tied count once.
        dtype: of its weights, as "bfloat16".
        target, base_language: on text in the new language, and in the base's.
        from_base: None for the base itself, and where there is no base to compare with.
        generated: None where nothing was generated.
    """

    name: str
    is_base: bool
    parameters: int
    dtype: str
    target: TextNumbers
    base_language: TextNumbers
    from_base: FromBase | None
    generated: Generated | None


@dataclass(frozen=True)
class MeasuredText:
    """A text that all models were measured on.

    Attributes:
        language: BCP 47 tag, "und" where it is not known.
        name: of the language, in English.
        source: where the text comes from.
        passages, characters, bytes: its size.
        drawn: whether it is what `extend` holds out of the language's own text, and not a text of the user's.
    """

    language: str
    name: str
    source: str
    passages: int
    characters: int
    bytes: int
    drawn: bool


@dataclass(frozen=True)
class Prompt:
    """The beginning of a held-out passage, and how the passage itself goes on."""

    text: str
    continues: str


@dataclass(frozen=True)
class SideBySide:
    """Everything that evaluation.json holds and evaluation.html shows.

    Attributes:
        version: of vocabx.
        command: the command line, or "" from Python.
        base, base_origin: what the base is called, and where it came from; "" where it is not known.
        target, base_language: the texts.
        seed: of what was sampled.
        device: what the models ran on, as "cpu (2 threads)".
        generate_tokens: how many tokens were generated after each prompt.
        prompts: what the models continued.
        models: the base first where it is known, then as they were given.
        seconds: wall time of each stage.
    """

    version: str
    command: str
    base: str
    base_origin: str
    target: MeasuredText
    base_language: MeasuredText
    seed: int
    device: str
    generate_tokens: int
    prompts: tuple[Prompt, ...]
    models: tuple[ModelNumbers, ...]
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain data, ready for JSON."""
        data = dataclasses.asdict(self)
        for model, entry in zip(self.models, data["models"], strict=True):
            if model.generated is not None:
                entry["generated"]["characters_per_second"] = model.generated.characters_per_second
        return data

    def to_json(self) -> str:
        """The content of evaluation.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
