"""What the benchmark of split tables trains: the shapes of models, and one way to train one of them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama before its vocabulary grew."""

    width: int
    layers: int
    inner: int
    heads: int
    key_heads: int
    vocabulary: int
    tied: bool


SHAPES = {
    # For a trial of the script.
    "tiny": Shape(32, 2, 64, 2, 1, 300, True),
    "small": Shape(512, 4, 1536, 8, 4, 32_000, True),
    "smollm2-135m": Shape(576, 30, 1536, 9, 3, 49_152, True),
    "llama-1b": Shape(2048, 16, 8192, 32, 8, 128_256, True),
    "llama-3b": Shape(3072, 28, 8192, 24, 8, 128_256, True),
    "llama-7b": Shape(4096, 32, 11_008, 32, 32, 32_000, False),
}
VARIANTS = ("split", "modules-to-save", "modules-to-save-bf16", "token-indices")


@dataclass(frozen=True)
class Case:
    """One model to train in one way; `layers` may be fewer than the shape has."""

    shape: str
    method: Literal["lora", "qlora"]
    tied: bool
    layers: int
    new_tokens: int
    sequence: int
    batch: int
    steps: int
    rank: int
    checkpointing: bool
    threads: int
    variant: str = ""

    @property
    def rows(self) -> int:
        """Height of the grown table."""
        return SHAPES[self.shape].vocabulary + self.new_tokens

    @property
    def whole(self) -> bool:
        """Whether it has all layers of its shape."""
        return self.layers == SHAPES[self.shape].layers

    @property
    def label(self) -> str:
        """What names the case among the results."""
        layers = "" if self.whole else f", {self.layers} of {SHAPES[self.shape].layers} layers"
        again = ", gradient checkpointing" if self.checkpointing else ""
        batch = f"{self.batch} x {self.sequence} tokens"
        tied = "tied" if self.tied else "untied"
        return f"{self.shape} {self.method}, {self.new_tokens:,} new tokens, {tied}{layers}, {batch}{again}"
