"""Reading a recipe: what reads what, and bad input, each with its line and its step."""

import dataclasses
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from vocabx import RecipeError
from vocabx.commands.run.kinds import KINDS, option_names, options_class
from vocabx.commands.run.recipe import read_recipe

ROOT = Path(__file__).resolve().parents[3]
EXTEND = '[extend]\nlang = "zh-Hant"\n'


def read(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text, "utf-8")
    return read_recipe(path)


def values_of(recipe, name):
    return next(step for step in recipe.steps if step.name == name).values


BAD = {
    "unknown key": (f"{EXTEND}\n[train]\nmax_step = 3\n", 5, "train", "Did you mean max_steps?"),
    "unknown key above": (f'langs = "de"\n{EXTEND}', 1, "", "Did you mean lang?"),
    "unknown key of text": (f'[text]\ncorpora = "x"\n{EXTEND}', 2, "text", "Did you mean corpus?"),
    "unknown step": (f"{EXTEND}\n[trian]\nmax_steps = 3\n", 4, "trian", "Did you mean train?"),
    "unknown command": (f'{EXTEND}\n[second]\ncommand = "trian"\n', 5, "second", "Did you mean train?"),
    "wrong type": (f'{EXTEND}\n[train]\nmax_steps = "many"\n', 5, "train", "max_steps is 'many': pass"),
    "wrong type of a list": (f"{EXTEND}protect = [1]\n", 3, "extend", "protect"),
    "wrong type above": (f"lang = 3\n{EXTEND}", 1, "", "pass a string"),
    "a table for a value": (f"{EXTEND}[train]\n[train.max_steps]\n", 4, "train", "max_steps"),
    "a value for a table": (f"{EXTEND}[train]\n[text]\ncorpus = 3\n", 5, "extend", "corpus is 3"),
    "a list of tables": ("[[extend]]\nlang = 'zh-Hant'\n", 1, "extend", "a table with a name of its own"),
    "out of range": (f"{EXTEND}\n[train]\nlora_rank = 0\n", 5, "train", "lora_rank is 0"),
    "contradiction": (f"{EXTEND}\n[train]\ncontest = true\nmethod = 'rows'\n", 5, "train", "contest trains"),
    "what the run decides": (f"{EXTEND}out = 'x'\n", 3, "extend", "leave it out"),
    "no language": ("[extend]\nnew_tokens = 3\n", 1, "extend", "needs lang"),
    "missing text": (f"{EXTEND}corpus = ['no.txt']\n", 3, "extend", "no such text"),
    "missing shared text": (f"[text]\ncorpus = ['no.txt']\n{EXTEND}", 2, "extend", "no such text"),
    "missing directory": ("[merge]\ndirectory = 'nowhere'\n", 2, "merge", "nowhere is not there"),
    "nothing to read": ("[train]\n", 1, "train", "no step above makes one"),
    "nothing to evaluate": ("[evaluate]\n", 1, "evaluate", "no step above makes one"),
    "a run for a checkpoint": (f"{EXTEND}[train]\n[export]\ngguf = 'x.gguf'\n", 4, "export", "put a merge"),
    "a checkpoint for a run": (f"{EXTEND}[merge]\n", 3, "merge", "extend makes a checkpoint"),
    "no such reference": (f"{EXTEND}[train]\ndirectory = '{{extent}}'\n", 4, "train", "Did you mean extend?"),
    "a cycle of one": (f"{EXTEND}[train]\ndirectory = '{{train}}'\n", 3, "train", "cycle"),
    "a cycle of two": (
        "[one]\ncommand = 'extend'\nlang = 'de'\nbase = '{two}'\n"
        "[two]\ncommand = 'extend'\nlang = 'de'\nbase = '{one}'\n",
        1, "one", "one reads two reads one",
    ),
    "a name of ours": ("[model]\ncommand = 'extend'\nlang = 'de'\n", 1, "model", "name a step"),
    "a name that is a path": ("['../x']\ncommand = 'extend'\nlang = 'de'\n", 1, "../x", "name a step"),
    "a file in a directory": (f"{EXTEND}[export]\ngguf = 'a/b.gguf'\n", 4, "export", "without a directory"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_that_names_line_and_step(tmp_path, case):
    text, line, step, says = BAD[case]
    with pytest.raises(RecipeError) as refused:
        read(tmp_path, text)
    sentence = str(refused.value)
    where = f"recipe.toml, line {line}, step {step}: " if step else f"recipe.toml, line {line}: "
    assert sentence.startswith(where), sentence
    assert says in sentence
    assert "\n" not in sentence and "--" not in sentence


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[extend\n", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "no step"),
        (b"# only a comment\n", "no step"),
        (b"a = " + b"[" * 100_000, "TOML"),
    ],
)
def test_what_is_no_recipe_is_refused_in_one_sentence(tmp_path, content, says):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=re.escape(says)) as refused:
        read_recipe(path)
    assert "\n" not in str(refused.value)


def test_a_recipe_that_is_not_there_or_no_file_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="init-recipe"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="no file"):
        read_recipe(tmp_path)


def test_a_step_reads_what_the_one_above_it_made(tmp_path):
    (tmp_path / "zh.txt").write_text("一", "utf-8")
    recipe = read(
        tmp_path,
        'base = "gpt2"\nlang = "zh-Hant"\n[text]\ncorpus = "zh.txt"\n'
        '[extend]\n[train]\n[merge]\n[evaluate]\n[push]\nto = "a/b"\n',
    )
    assert [step.name for step in recipe.steps] == ["extend", "train", "merge", "evaluate", "push"]
    assert values_of(recipe, "extend")["base"] == "gpt2"
    assert values_of(recipe, "train")["directory"] == "{extend}"
    assert values_of(recipe, "merge")["directory"] == "{train}"
    assert values_of(recipe, "evaluate")["directories"] == ["{extend}", "{merge}"]
    assert values_of(recipe, "push")["directory"] == "{merge}"
    assert values_of(recipe, "train")["corpus"] == "zh.txt"
    assert "corpus" not in values_of(recipe, "evaluate"), "held-out text is not what was trained on"


def test_a_second_language_extends_what_the_first_one_became(tmp_path):
    recipe = read(
        tmp_path,
        'base = "gpt2"\n[extend]\nlang = "zh-Hant"\n[train]\n[merge]\n'
        '[thai]\ncommand = "extend"\nlang = "th"\n[again]\ncommand = "train"\n[merged]\ncommand = "merge"\n'
        '[evaluate]\n',
    )  # fmt: skip
    assert values_of(recipe, "extend")["base"] == "gpt2"
    assert values_of(recipe, "thai")["base"] == "{merge}"
    assert values_of(recipe, "again")["directory"] == "{thai}"
    assert values_of(recipe, "evaluate")["directories"] == ["{thai}", "{merged}"]


def test_steps_run_after_what_they_read_wherever_they_stand(tmp_path):
    recipe = read(
        tmp_path,
        '[verify]\ndirectory = "{extend}"\n[extend]\nlang = "de"\ninit = "{compare}"\n'
        '[compare]\nlang = "de"\nbase = "gpt2"\n',
    )
    assert [step.name for step in recipe.steps] == ["compare", "extend", "verify"]


def test_a_text_of_its_own_is_not_mixed_with_the_shared_one(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x", "utf-8")
    recipe = read(
        tmp_path, f'[text]\ncorpus = "a.txt"\ntext_field = "body"\n{EXTEND}[train]\ncorpus = "b.txt"\n'
    )
    assert values_of(recipe, "extend")["text_field"] == "body"
    assert values_of(recipe, "train")["corpus"] == "b.txt"
    assert "text_field" not in values_of(recipe, "train")


@pytest.mark.parametrize("command", KINDS)
def test_steps_have_the_options_of_the_commands_that_they_name(command):
    kind = options_class(command)
    known = {one.name for one in dataclasses.fields(kind)}
    assert known - {*option_names(command)} <= {"out", "resume", "force", "command"}
    assert KINDS[command].takes in known
    assert {*KINDS[command].needs, *KINDS[command].files} <= known
    assert ("out" in known) == KINDS[command].out
    assert callable(getattr(import_module(f"vocabx.commands.{command}.run"), command))


def test_the_example_is_what_make_trains():
    recipe = read_recipe(ROOT / "examples" / "recipe.toml")
    assert [step.name for step in recipe.steps] == ["extend", "train", "merge", "evaluate"]
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    words = shlex.split(re.search(r"^DEMO_TRAIN := (.*)$", makefile, re.MULTILINE)[1])
    made = {word[2:].replace("-", "_"): value for word, value in zip(words[::2], words[1::2], strict=True)}
    train = {name: value for name, value in values_of(recipe, "train").items() if name in made}
    assert train.keys() == made.keys()
    for name, value in train.items():
        assert type(value)(made[name]) == value, name
