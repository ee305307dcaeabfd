"""Recipes that differ in how they initialize read and learn once, and end as if each had done it alone."""

import json
from contextlib import contextmanager

import pytest
from small_recipe import RECIPE, make_world

from vocabx import RunOptions, run
from vocabx.progress import Quiet

EXTEND = RECIPE[: RECIPE.index("[train]")].replace('replay = ["texts/en.txt"]\n', "")
MEAN = EXTEND.replace("[extend]\n", '[extend]\ninit = "mean"\n').replace("runs/small", "runs/mean")
# What tells of the run itself, or of the directory that it was in.
_OF_THE_RUN = ("run", "base")


class Heard(Quiet):
    """Keeps the titles of stages."""

    def __init__(self):
        self.titles = []

    @contextmanager
    def stage(self, title, total=None, unit=""):
        self.titles.append(title)
        with super().stage(title, total, unit) as advance:
            yield advance


def made(root, name, text):
    """Run a recipe; the stages that it went through, and the directory of its extension."""
    path = root / f"{name}.toml"
    path.write_text(text, "utf-8")
    heard = Heard()
    run(RunOptions(recipe=path), heard)
    return heard.titles, root / "runs" / name / "extend"


@pytest.fixture(scope="module")
def world(small_extended, tmp_path_factory):
    """A directory in which a recipe has extended the base."""
    root = make_world(tmp_path_factory.mktemp("shared"), small_extended).parent
    titles, _ = made(root, "small", EXTEND)
    assert "Reading text" in titles and "Selecting tokens" in titles
    return root


def test_the_second_initializer_neither_reads_nor_learns_and_ends_with_the_same_bytes(
    world, small_extended, tmp_path
):
    titles, shared = made(world, "mean", MEAN)
    assert not {"Reading text", "Reading text of the base's language", "Selecting tokens"} & {*titles}
    alone_in = make_world(tmp_path, small_extended).parent
    titles, alone = made(alone_in, "mean", MEAN)
    assert "Reading text" in titles
    names = sorted(path.name for path in alone.iterdir())
    assert names == sorted(path.name for path in shared.iterdir())
    for name in names:
        if name in ("report.json", "report.html", "README.md"):
            continue
        mine, theirs = (shared / name).read_bytes(), (alone / name).read_bytes()
        if name == "vocabx.json":
            mine, theirs = (
                {key: value for key, value in json.loads(one).items() if key not in _OF_THE_RUN}
                for one in (mine, theirs)
            )
        assert mine == theirs, name
    mine, theirs = (json.loads((one / "report.json").read_text("utf-8")) for one in (shared, alone))
    for model in ("base", "extended"):
        assert mine["target"][model]["tokens"] == theirs["target"][model]["tokens"]


@pytest.mark.parametrize(
    "change", [("new_tokens = 40", "new_tokens = 30"), ("[extend]\n", "[extend]\nseed = 1\n")]
)
def test_other_tokens_or_texts_are_learned_anew(world, change):
    titles, _ = made(world, "small", EXTEND.replace(*change))
    assert "Selecting tokens" in titles


def test_a_damaged_record_of_tokens_is_made_again(world):
    (kept, *_) = (world / "runs" / "steps" / "learned").iterdir()
    for path in (world / "runs" / "steps" / "learned").iterdir():
        path.write_bytes(kept.read_bytes()[:-20])
    titles, _ = made(world, "univariate", MEAN.replace("mean", "univariate"))
    assert "Selecting tokens" in titles
