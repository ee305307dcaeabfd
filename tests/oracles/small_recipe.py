"""A small base, its texts, and a recipe from text to a merged model."""

import shutil
from pathlib import Path

RECIPE = """\
base = "base"
lang = "zh-Hant"
out = "runs/small"

[text]
corpus = ["texts/zh.jsonl"]
base_text = ["texts/en.txt"]
replay = ["texts/en.txt"]

[extend]
new_tokens = 40
adversarial = 50
heldout_bytes = 2000
evaluate = false

[train]
method = "lora"
dtype = "float32"
sequence_length = 48
step_sequences = 4
max_steps = 12
heldout_bytes = 1000
lora_rank = 4
save_every = 3
evaluate_every = 4

[merge]
compare = false
"""


def make_world(directory: Path, small_extended) -> Path:
    """A directory with a base, texts and small.toml."""
    extended = small_extended()
    base = extended.with_name(extended.name.removesuffix("-extended"))
    shutil.copytree(base, directory / "base")
    shutil.copytree(small_extended.texts, directory / "texts")
    recipe = directory / "small.toml"
    recipe.write_text(RECIPE, "utf-8")
    return recipe


def line_of(text: str, begins: str) -> int:
    """The line that begins so, counted from 1."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(begins))
