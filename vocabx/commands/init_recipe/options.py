"""The options of `vocabx init-recipe`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import MODEL, OUTPUT


@options
class InitRecipeOptions:
    """Options of `init-recipe`; each has its own help text."""

    base: str = option(
        "Base model: an alias, a hub id, a directory or a .gguf file.", default="smollm2", panel=MODEL
    )
    lang: str = option("Language of the new tokens, a BCP 47 tag.", default="zh-Hant", panel=MODEL)
    out: Path = option("The file to write; must not exist.", default=Path("recipe.toml"), panel=OUTPUT)
