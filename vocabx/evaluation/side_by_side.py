"""The numbers of several models on the same texts: the content of evaluation.json."""

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
        kl: KL(base ‖ model) in nats, the mean over all positions of the compared passages; None if there were
            none, or it was not measured.
        passages: number of passages compared: those that both tokenize into the same ids.
        left_out: number of passages that are tokenized differently.
        hull_bound: upper bound of KL in nats, from how the new embeddings were initialized; None if there is
            none, or the embeddings were changed since.
    """

    kl: float | None
    passages: int
    left_out: int
    hull_bound: float | None


@dataclass(frozen=True)
class Generated:
    """What a model generates, and how fast.

    Attributes:
        continuations: text after each prompt; bytes that are not a whole character as U+FFFD.
        characters: number of whole characters.
        seconds: wall time on this machine.
    """

    continuations: tuple[str, ...]
    characters: int
    seconds: float

    @property
    def characters_per_second(self) -> float:
        """Whole characters per second of wall time."""
        return self.characters / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class ModelNumbers:
    """One model.

    Attributes:
        name: its directory as given, or the name of the base.
        is_base: whether it is the base that the others are compared with.
        parameters: number of parameters; tied embeddings count once.
        dtype: dtype of its weights, such as "bfloat16".
        target, base_language: numbers on text in the new language, and in the base's.
        from_base: divergence from the base; None for the base itself, or without a base.
        generated: None if nothing was generated.
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
        language: BCP 47 tag, "und" if unknown.
        name: English name of the language.
        source: where the text comes from.
        passages, characters, bytes: its size.
        drawn: whether it is the part of the default text that `extend` holds out, rather than a given text.
    """

    language: str
    name: str
    source: str
    passages: int
    characters: int
    bytes: int
    drawn: bool


@dataclass(frozen=True)
class TrainedOn:
    """A model that was trained on some of a text that it is measured on.

    Attributes:
        model: its name.
        language: BCP 47 tag of the text.
        share: the estimated share of the text, by sentences.
        sentences: how many were compared.
    """

    model: str
    language: str
    share: float
    sentences: int

    @property
    def sentence(self) -> str:
        """What that means for the numbers, in one sentence."""
        return (
            f"{self.model} was trained on {self.share:.0%} of the text in {self.language} "
            f"({self.sentences:,} sentences compared): its numbers there are not of held-out text."
        )


@dataclass(frozen=True)
class LearnedFrom(TrainedOn):
    """A model whose new tokens were learned from some of a text, on which its weights were not trained."""

    @property
    def sentence(self) -> str:
        """What that means for the numbers, in one sentence."""
        return (
            f"The tokens of {self.model} were learned from {self.share:.0%} of the text in {self.language} "
            f"({self.sentences:,} sentences compared): its number of tokens there is not of held-out text."
        )


@dataclass(frozen=True)
class Prompt:
    """The beginning of a held-out passage, and the rest of the passage."""

    text: str
    continues: str


@dataclass(frozen=True)
class Contested:
    """What `vocabx train --contest` showed of a model against its base, in sentences."""

    name: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class SideBySide:
    """Everything that evaluation.json holds and evaluation.html shows.

    Attributes:
        version: version of vocabx.
        command: the command line, or "" from Python.
        base, base_origin: name of the base, and where it came from; "" if unknown.
        target, base_language: the texts.
        seed: seed of the sampling.
        device: the device that the models ran on, such as "cpu, 2 threads".
        generate_tokens: number of tokens generated after each prompt.
        prompts: the texts that the models continued.
        models: the base first if known, then the others in the given order.
        seconds: wall time of each stage.
        contests: of the models that were trained with a contest.
        trained_on: the models that were trained on some of these texts, as far as their records tell.
        learned_from: the models whose new tokens were learned from some of these texts, likewise.
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
    contests: tuple[Contested, ...] = ()
    trained_on: tuple[TrainedOn, ...] = ()
    learned_from: tuple[LearnedFrom, ...] = ()

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
