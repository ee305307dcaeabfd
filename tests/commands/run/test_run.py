"""A recipe that runs: what is skipped, shared, refused and lost, with real steps on a small model."""

import fcntl
import json
import os
import shutil

import pytest
from small_recipe import RECIPE, line_of

from vocabx import RecipeError, RunOptions, run
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.run import run as module
from vocabx.commands.run.plan import plan_recipe
from vocabx.errors import OptionError


def again(recipe, **options):
    return run(RunOptions(recipe=recipe, **options))


def ran(result):
    return [step.name for step in result.report.steps if step.ran]


def test_a_recipe_ends_with_a_model_a_page_and_the_figures_of_every_step(finished):
    recipe, result = finished
    assert ran(result) == ["extend", "train", "merge"]
    out = recipe.parent / "runs" / "small"
    assert (out / "model").resolve() == (out / "merge").resolve()
    assert read_checkpoint(out / "model").input.rows > read_checkpoint(recipe.parent / "base").input.rows
    page = (out / "report.html").read_text("utf-8")
    verdict = page.index('class="verdict"')
    for step in result.report.steps:
        assert page.index(f'id="step-{step.name}"') > verdict
        assert all(step.figures) and step.seconds > 0 and step.memory > 1e7 and step.bytes > 0
        assert step.typed.startswith(f"vocabx {step.command} ")
    assert 'href="train/report.html"' in page and (out / "train" / "report.html").is_file()
    assert str(recipe.parent) not in page


def test_nothing_runs_again_where_nothing_changed(finished, monkeypatch):
    recipe, _ = finished
    monkeypatch.setattr(module, "ask", None)
    before = {
        path: path.stat().st_mtime_ns for path in (recipe.parent / "runs" / "steps").rglob("*.safetensors")
    }
    result = again(recipe)
    assert ran(result) == [] and len(result.report.steps) == 3
    # A file with a new time and the same content is the same.
    os.utime(recipe.parent / "texts" / "zh.jsonl")
    os.utime(recipe.parent / "runs" / "small" / "extend" / "config.json")
    assert ran(again(recipe)) == []
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_changed_file_under_a_finished_step_is_named_and_nothing_is_lost(finished):
    recipe, _ = finished
    path = recipe.parent / "runs" / "small" / "extend" / "config.json"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"{", b"{ ", 1))
    try:
        with pytest.raises(
            RecipeError, match=r"config\.json was changed after the step had finished"
        ) as refused:
            again(recipe)
        assert str(refused.value).startswith(f"small.toml, line {line_of(RECIPE, '[extend]')}, step extend: ")
    finally:
        path.write_bytes(content)
    assert ran(again(recipe)) == []


def test_two_runs_in_one_directory_are_refused(finished):
    recipe, _ = finished
    with (recipe.parent / "runs" / "small" / ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(RecipeError, match="another run is working in runs/small") as refused:
            again(recipe)
    assert str(refused.value).startswith(f"small.toml, line {line_of(RECIPE, 'out')}: ")


def test_recipes_share_steps_and_a_failing_one_keeps_what_is_finished(finished):
    recipe, _ = finished
    other = recipe.with_name("other.toml")
    text = RECIPE.replace("runs/small", "runs/other").replace(
        "compare = false", 'compare = false\nbase = "base"'
    )
    other.write_text(text, "utf-8")
    with pytest.raises(RecipeError, match="is not the checkpoint that") as refused:
        again(other)
    assert str(refused.value).startswith(f"other.toml, line {line_of(text, '[merge]')}, step merge: ")
    other.write_text(RECIPE.replace("runs/small", "runs/other"), "utf-8")
    result = again(other)
    assert ran(result) == [] and (recipe.parent / "runs" / "other" / "model").is_dir()


def test_a_plan_says_what_each_step_takes_and_writes_nothing(recipe):
    before = sorted(recipe.parent.rglob("*"))
    plan = plan_recipe(RunOptions(recipe=recipe))
    assert sorted(recipe.parent.rglob("*")) == before
    assert [step.finished for step in plan.steps] == [False] * 3
    for step in plan.steps:
        assert step.seconds and step.memory and step.bytes, step
    assert "12 steps" in plan.steps[1].what
    assert plan.sentence.startswith("3 of 3 steps would run")


def test_only_what_a_change_concerns_would_run(finished):
    recipe, _ = finished
    changed = recipe.with_name("changed.toml")
    changed.write_text(RECIPE.replace("lora_rank = 4", "lora_rank = 8"), "utf-8")
    plan = plan_recipe(RunOptions(recipe=changed))
    assert [step.finished for step in plan.steps] == [True, False, False]
    text = recipe.parent / "texts" / "zh.jsonl"
    content = text.read_bytes()
    text.write_bytes(content + b"\n")
    try:
        assert [step.finished for step in plan_recipe(RunOptions(recipe=recipe)).steps] == [False] * 3
    finally:
        text.write_bytes(content)


def test_steps_to_run_again_must_be_there_and_have_what_they_read(finished, recipe):
    with pytest.raises(RecipeError, match="--from is 'trian'"):
        again(recipe, from_="trian")
    with pytest.raises(RecipeError, match="step merge: it reads train, which is not finished") as refused:
        again(recipe, only="merge")
    assert f"line {line_of(RECIPE, '[merge]')}" in str(refused.value)
    with pytest.raises(OptionError, match="--only"):
        RunOptions(recipe=recipe, from_="train", only="merge")
    whole, _ = finished
    weights = whole.parent / "runs" / "small" / "model" / "model.safetensors"
    content = weights.read_bytes()
    assert ran(again(whole, only="merge")) == ["merge"]
    assert weights.read_bytes() == content


def test_a_training_without_its_stamp_is_not_trained_again(finished, monkeypatch):
    recipe, _ = finished
    place = (recipe.parent / "runs" / "small" / "train").resolve()
    stamp = place.with_name(f"{place.name}.json")
    content = json.loads(stamp.read_text("utf-8"))
    stamp.unlink()
    monkeypatch.setattr(module, "ask", None)
    result = again(recipe)
    assert ran(result) == ["train"]
    found = json.loads(stamp.read_text("utf-8"))
    assert found["told"] == content["told"] and found["files"] == content["files"]


def test_what_is_in_the_way_of_a_link_is_not_overwritten(finished):
    recipe, _ = finished
    link = recipe.parent / "runs" / "small" / "model"
    link.unlink()
    link.mkdir()
    (link / "mine").write_text("x", "utf-8")
    try:
        with pytest.raises(RecipeError, match="is in the way"):
            again(recipe)
        assert (link / "mine").is_file()
    finally:
        shutil.rmtree(link)
    again(recipe)
    assert link.is_symlink()
