"""A recipe that is killed again and again ends with the bytes of one that was left alone."""

import pytest
from recipes import finish, kill_at_random, lasting
from small_recipe import make_world

KILLS = 20
EVALUATE = """
[evaluate]
corpus = ["texts/zh.jsonl"]
base_text = ["texts/en.txt"]
heldout_bytes = 2000
samples = 1
generate_tokens = 4

[export]
gguf = "small.gguf"
"""


@pytest.mark.slow
def test_a_recipe_killed_at_random_moments_ends_with_the_same_bytes(small_extended, tmp_path):
    whole, killed = (make_world(tmp_path / name, small_extended) for name in ("whole", "killed"))
    for recipe in (whole, killed):
        recipe.write_text(recipe.read_text("utf-8") + EVALUATE, "utf-8")
    took, _ = finish(whole)
    expected = lasting(whole.parent / "runs" / "steps")
    assert any(name.endswith(".gguf") for name in expected)
    assert sum(name.endswith(".safetensors") for name in expected) > 2
    found = kill_at_random(killed, killed.parent / "runs", KILLS, took, expected)
    assert sum(found["killed"].values()) == KILLS
    assert found["different"] == 0
