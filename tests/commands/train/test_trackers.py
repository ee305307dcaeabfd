"""What --report-to hands to a tracker: the figures of metrics.jsonl, with their steps."""

from collections import defaultdict
from pathlib import Path

import pytest
from ending import Ending
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

FIGURES = {"loss": "loss", "grad_norm": "grad_norm", "bits_per_byte": "bits_per_byte",
           "tokens_per_second": "tokens_per_second", "heldout_target_bits": "target_bits",
           "heldout_base_bits": "base_bits"}  # fmt: skip


def shown(directory: Path) -> dict[str, dict[int, float]]:
    """The scalars in the event files below a directory: their values by name and step."""
    found = defaultdict(dict)
    for file in sorted(directory.rglob("events.out.tfevents.*")):
        events = EventAccumulator(str(file)).Reload()
        for name in events.Tags()["scalars"]:
            found[name] |= {one.step: one.value for one in events.Scalars(name)}
    return found


def recorded(metrics: list[dict]) -> dict[str, dict[int, float]]:
    """The same of metrics.jsonl, by the names that trackers show."""
    found = defaultdict(dict)
    for entry in metrics:
        for name, ours in FIGURES.items():
            if ours in entry:
                found[f"train/{name}"][entry["step"]] = entry[ours]
        for group, rate in entry.get("rates", {}).items():
            found[f"train/learning_rate_{group}"][entry["step"]] = rate
    return found


def assert_shows_the_same(directory: Path, metrics: list[dict]) -> None:
    there, expected = shown(directory), recorded(metrics)
    assert {"train/learning_rate_rows", "train/learning_rate_others"} < set(expected)
    for name, values in expected.items():
        # Event files hold float32.
        assert there[name] == pytest.approx(values, rel=1e-6), name


def test_a_tracker_gets_the_figures_of_every_step(run_of):
    result = run_of(report_to="tensorboard", max_steps=5, evaluate_every=2)
    assert sorted(shown(result.directory)["train/loss"]) == [1, 2, 3, 4, 5]
    assert_shows_the_same(result.directory, result.metrics)


def test_a_resumed_run_goes_on_in_the_tracker_where_it_ended(run_of, tmp_path):
    with pytest.raises(RuntimeError, match="gone"):
        run_of("broken", report_to="tensorboard", progress=Ending(5))
    result = run_of("broken", report_to="tensorboard", resume=True)
    assert sorted(shown(result.directory)["train/tokens_per_second"]) == list(range(1, 13))
    assert_shows_the_same(result.directory, result.metrics)
