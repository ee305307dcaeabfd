import json
import os
import signal
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from vocabx import ExtendOptions, extend
from vocabx.errors import OutputError
from vocabx.progress import Quiet

STAGES = (
    "Reading text",
    "Reading text of the base's language",
    "Tokenizing the text with the base",
    "Learning tokens",
    "Selecting tokens",
    "Verifying",
    "Writing the checkpoint",
    "Scoring the base model",
    "Scoring the extended model",
    "Composing the report",
    "Hashing",
)


class InterruptedAt(Quiet):
    """Raises KeyboardInterrupt in the middle of a stage, or at its end."""

    def __init__(self, title):
        self.title = title
        self.seen = []

    @contextmanager
    def stage(self, title, total=None, unit=""):
        self.seen.append(title)

        def advance(amount):
            if title == self.title:
                raise KeyboardInterrupt

        yield advance
        if title == self.title:
            raise KeyboardInterrupt


# Four stages cover all cases: before anything is written, while it is written, and two after it.
_OFTEN = ("Reading text", "Writing the checkpoint", "Scoring the extended model", "Hashing")
# From here on the weights are complete, and worth keeping.
_KEPT = STAGES[STAGES.index("Writing the checkpoint") + 1 :]


# Options of another job, refused before anything is read.
OTHERS = [
    ({"new_tokens": 60}, "with --new-tokens 50, and this command is with --new-tokens 60"),
    ({"untie": True}, "without --untie, and this command is with --untie"),
    ({"init": "mean"}, "with --init zip-tie, and this command is with --init mean"),
]


@pytest.mark.parametrize(
    "stage", [s if s in _OFTEN else pytest.param(s, marks=pytest.mark.slow) for s in STAGES]
)
def test_ctrl_c_leaves_nothing_or_what_resume_finishes(
    stage, small_model, chinese_file, english_file, tmp_path
):
    out = tmp_path / "runs" / "out"
    options = ExtendOptions(
        base=str(small_model()),
        lang="zh-Hant",
        corpus=(str(chinese_file),),
        base_text=(str(english_file),),
        out=out,
        new_tokens=50,
        heldout_bytes=3000,
        adversarial=100,
    )
    progress = InterruptedAt(stage)
    with pytest.raises(KeyboardInterrupt) as caught:
        extend(options, progress)
    assert progress.seen[-1] == stage
    if stage not in _KEPT:
        assert not out.parent.exists()
        return
    assert not out.exists()
    assert any("out.unfinished holds the finished files" in note for note in caught.value.__notes__)
    with pytest.raises(OutputError, match="pass --resume to continue it"):
        extend(options)
    seen = InterruptedAt("")
    for other, words in OTHERS:
        with pytest.raises(OutputError, match=f"was begun {words}: pass the same as before, or remove it"):
            extend(replace(options, resume=True, **other), seen)
    assert seen.seen == []
    extend(replace(options, resume=True, evaluate=False, corpus=(os.path.relpath(chinese_file),)))
    extend(replace(options, out=tmp_path / "undisturbed"))
    assert not out.with_name("out.unfinished").exists()
    assert lasting(out) == lasting(tmp_path / "undisturbed")


def lasting(directory):
    """The files of a result, without what records the run: times, and documents that quote them."""
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    manifest = json.loads(files.pop("vocabx.json"))
    del manifest["run"]
    documents = {"README.md", "report.json", "report.html"}
    return manifest, {name: content for name, content in files.items() if name not in documents}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["starting", "writing"])
def test_a_signal_ends_the_command_with_one_line_and_130(
    start_vocabx, tiny_model, chinese_file, tmp_path, number, moment
):
    out = tmp_path / "runs" / "out"
    process = start_vocabx(
        "extend", "--base", tiny_model(), "--lang", "zh-Hant", "--corpus", chinese_file, "--out", out,
        "--new-tokens", 2000, "--heldout-bytes", 20_000,
    )  # fmt: skip
    if moment == "starting":
        time.sleep(1.0)
    else:
        while not list(tmp_path.glob("runs/out.unfinished")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted: nothing was written"
    assert not out.parent.exists()


def test_a_signal_after_the_weights_are_complete_says_how_to_resume(
    start_vocabx, small_model, chinese_file, english_file, tmp_path
):
    out = tmp_path / "out"
    arguments = (
        "extend", "--base", small_model(), "--lang", "zh-Hant", "--corpus", chinese_file, "--out", out,
        "--base-text", english_file, "--new-tokens", 100, "--heldout-bytes", 20_000, "--adversarial", 100,
    )  # fmt: skip
    process = start_vocabx(*arguments)
    journal = tmp_path / "out.unfinished" / "unfinished.jsonl"
    while not journal.exists() or "model.safetensors" not in journal.read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    # The line is there before it is synced to the disk, and counts from then on; scoring takes seconds.
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    last = err.splitlines()[-1]
    assert last.startswith("interrupted: ")
    assert "out.unfinished holds the finished files; the same command with --resume continues it" in last
    resumed = start_vocabx(*arguments, "--resume", "--no-evaluate")
    _, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    assert out.is_dir() and not list(tmp_path.glob("out.unfinished"))
