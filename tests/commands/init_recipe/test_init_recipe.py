"""The recipe that init-recipe writes: valid as it is, and with every option that it has commented out."""

import re
import tomllib

import pytest

from vocabx import InitRecipeOptions, LanguageError, RecipeError, init_recipe
from vocabx.commands.run.recipe import read_recipe


def written(tmp_path, **options):
    path = tmp_path / "recipe.toml"
    init_recipe(InitRecipeOptions(out=path, **options))
    return path


def test_what_is_written_can_be_run(tmp_path):
    recipe = read_recipe(written(tmp_path))
    assert [step.name for step in recipe.steps] == ["extend", "train", "merge", "evaluate"]
    assert recipe.steps[0].values["base"] == "smollm2" and recipe.steps[0].values["lang"] == "zh-Hant"


def test_every_option_that_is_commented_out_is_one_of_its_step(tmp_path):
    path = written(tmp_path, base="gpt2", lang="de")
    text = re.sub(
        r'^# (\[\w+\]|[a-z_]+ = (?:".*"|\[.*\]|[\d.e-]+|true))$',
        r"\1",
        path.read_text("utf-8"),
        flags=re.MULTILINE,
    )
    assert len(tomllib.loads(text)) > len(tomllib.loads(path.read_text("utf-8")))
    for name in ("texts/a.jsonl.gz", "english/a.txt", "heldout/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")
    path.write_text(text, "utf-8")
    assert [step.name for step in read_recipe(path).steps][-2:] == ["export", "push"]


def test_a_language_without_text_of_its_own_asks_for_one(tmp_path):
    path = written(tmp_path, lang="tlh")
    assert "corpus" in tomllib.loads(path.read_text("utf-8"))["text"]
    with pytest.raises(RecipeError, match="no such text"):
        read_recipe(path)


def test_nothing_is_overwritten_and_nothing_left_of_a_bad_request(tmp_path):
    path = written(tmp_path)
    content = path.read_bytes()
    with pytest.raises(RecipeError, match="exists"):
        written(tmp_path)
    assert path.read_bytes() == content
    with pytest.raises(LanguageError):
        init_recipe(InitRecipeOptions(out=tmp_path / "other.toml", lang="no such language"))
    assert not (tmp_path / "other.toml").exists()
