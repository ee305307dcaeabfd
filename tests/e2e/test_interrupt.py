import signal
import time
from contextlib import contextmanager

import pytest

from vocabx import ExtendOptions, extend
from vocabx.progress import Quiet

STAGES = (
    "Reading text",
    "Reading text of the base's language",
    "Cutting the text with the base",
    "Learning tokens",
    "Choosing the tokens that are used",
    "Verifying",
    "Writing the checkpoint",
    "Scoring the base model",
    "Scoring the extended model",
    "Composing the report",
    "Hashing",
)


class InterruptedAt(Quiet):
    """Ctrl-C when a stage has begun, or in the middle of its work."""

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


# Three of them tell of all: before anything is written, while it is written, and behind it.
_OFTEN = ("Reading text", "Writing the checkpoint", "Hashing")


@pytest.mark.parametrize(
    "stage", [s if s in _OFTEN else pytest.param(s, marks=pytest.mark.slow) for s in STAGES]
)
def test_ctrl_c_in_any_stage_leaves_nothing(stage, tiny_model, chinese_file, tmp_path):
    out = tmp_path / "runs" / "out"
    options = ExtendOptions(
        base=str(tiny_model()),
        lang="zh-Hant",
        corpus=(str(chinese_file),),
        out=out,
        new_tokens=50,
        heldout_bytes=3000,
    )
    progress = InterruptedAt(stage)
    with pytest.raises(KeyboardInterrupt):
        extend(options, progress)
    assert progress.seen[-1] == stage
    assert not out.parent.exists()


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
        while not list(tmp_path.glob("runs/.out.*")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == "interrupted: nothing was written\n"
    assert not out.parent.exists()
