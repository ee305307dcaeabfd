"""Recipes that have run, and that have not."""

from pathlib import Path

import pytest
from small_recipe import make_world


@pytest.fixture(scope="module")
def finished(small_extended, tmp_path_factory):
    """A recipe that has run, and its result."""
    from vocabx import RunOptions, run

    recipe = make_world(tmp_path_factory.mktemp("finished"), small_extended)
    return recipe, run(RunOptions(recipe=recipe))


@pytest.fixture
def recipe(small_extended, tmp_path) -> Path:
    """A recipe that has not run."""
    return make_world(tmp_path, small_extended)
