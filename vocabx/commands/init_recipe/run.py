"""The story of `vocabx init-recipe`: a recipe whose comments are the help of the commands' own options."""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.options import help_of
from vocabx.commands.init_recipe.options import InitRecipeOptions
from vocabx.commands.run.kinds import options_class
from vocabx.corpus.languages import Language, find_language
from vocabx.corpus.source import learning_source
from vocabx.errors import OutputError, RecipeError, VocabxError
from vocabx.progress import Progress

_WIDTH = 100
_BEGIN = """\
# A recipe, from text to a finished model. `vocabx run {name}` runs every step that is not finished; a second
# time, only what a change concerns. `vocabx run {name} --dry-run` says what it takes.
#
# Each table is a step, named for its command, with the options of that command; `vocabx train --help` lists
# those of [train]. A step reads the result of the one above it. To read another, name it in braces, as in
# directory = "{{extend}}"; a second step of a command has a name of its own: [second], command = "train".
# Paths are relative to this file.
"""


@dataclass(frozen=True)
class InitRecipeResult:
    """The recipe that was written."""

    path: Path


@dataclass(frozen=True)
class _Shown:
    """An option in the recipe: its value, and whether it is in force or commented out."""

    name: str
    value: Any
    on: bool = False


@dataclass(frozen=True)
class _Table:
    """A table of the recipe: its name, the command whose options it holds, a sentence, and some of them."""

    name: str
    command: str
    says: str
    shown: tuple[_Shown, ...] = ()
    on: bool = True


def init_recipe(options: InitRecipeOptions, progress: Progress | None = None) -> InitRecipeResult:
    """Write a commented recipe for a base and a language.

    Args:
        options: see `InitRecipeOptions`.
        progress: receives a note if the language has no text of its own.

    Raises:
        VocabxError: the language is unknown, or the file exists or cannot be written.
    """
    language = find_language(options.lang)
    obstacle = _without_text(language)
    if obstacle and progress is not None:
        progress.note(f"Give corpus in [text] before you run it: {obstacle}.")
    text = recipe_text(options, needs_text=bool(obstacle))
    try:
        with options.out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise RecipeError(f"{options.out} exists: pass another --out, or remove it") from None
    except OSError as error:
        raise OutputError(f"cannot write {options.out}: {error.strerror}; choose another --out") from None
    return InitRecipeResult(options.out)


def recipe_text(options: InitRecipeOptions, needs_text: bool = False) -> str:
    """The content of the recipe.

    Args:
        options: see `InitRecipeOptions`.
        needs_text: whether the language has no default text.
    """
    above = {"base": options.base, "lang": options.lang, "out": f"runs/{options.lang}"}
    says = {
        "base": help_of(options_class("extend"), "base"),
        "lang": help_of(options_class("extend"), "lang"),
        "out": 'Directory for the page and links to the results: "model" is the finished one. The results '
        'themselves are beside it in "steps", which recipes share.',
    }
    parts = [_BEGIN.format(name=options.out.name)]
    parts += [
        f"{_comment(says[name])}{name} = {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in above.items()
    ]
    parts += [_written(table) for table in _tables(options, needs_text)]
    return "\n".join(parts)


def _tables(options: InitRecipeOptions, needs_text: bool) -> tuple[_Table, ...]:
    corpus = _Shown("corpus", ["texts/*.jsonl.gz"], needs_text)
    return (
        _Table("text", "train", "Text for the steps that learn and train and name no corpus of their own.",
               (corpus, _Shown("replay", ["english/*.txt"]), _Shown("text_field", "text"))),
        _Table("extend", "extend", "New tokens, their embeddings, and the proof that nothing else changed.",
               (_Shown("new_tokens", 8000, True), _Shown("init", options_class("extend")().init, True),
                _Shown("untie", True), _Shown("protect", ["english/*.txt"]))),
        _Table("train", "train", "Continued pretraining of the new embeddings, with adapters on the rest.",
               (_Shown("max_minutes", 60, True), _Shown("contest", True), _Shown("method", "lora"),
                _Shown("replay_share", 0.25), _Shown("lora_rank", 64), _Shown("learning_rate", 2e-4))),
        _Table("merge", "merge", "A plain checkpoint of what was trained.", (_Shown("link", True),)),
        _Table("evaluate", "evaluate", "The extension and the trained model beside their base.",
               (_Shown("corpus", ["heldout/*.txt"]), _Shown("samples", 3))),
        _Table("export", "export", "A file for llama.cpp.",
               (_Shown("gguf", f"{options.lang}.gguf"),), on=False),
        _Table("push", "push", "To the hub, with a model card.", (_Shown("to", "me/my-model"),), on=False),
    )  # fmt: skip


def _written(table: _Table) -> str:
    off = "" if table.on else "# "
    lines = [f"{_comment(table.says)}{off}[{table.name}]\n"]
    for one in table.shown:
        value = json.dumps(one.value, ensure_ascii=False)
        mark = off or ("" if one.on else "# ")
        lines.append(
            f"{_comment(help_of(options_class(table.command), one.name))}{mark}{one.name} = {value}\n"
        )
    return "".join(lines)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, _WIDTH, break_long_words=False))


def _without_text(language: Language) -> str:
    """Why there is no text of the language at hand, "" if there is."""
    try:
        learning_source(language)
    except VocabxError as error:
        return str(error)
    return ""
