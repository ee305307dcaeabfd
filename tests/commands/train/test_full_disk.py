"""A disk that fills up during `train`: one sentence, and nothing under the final name."""

import pytest

from vocabx.checkpoint.staging import reason_of
from vocabx.commands.train.workspace import run_directory
from vocabx.errors import OutputError

# As safetensors and torch raise them on a full disk.
FULL = {
    "python": OSError(28, "No space left on device"),
    "safetensors": RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    "torch": RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 7360 vs 7252"),
    "torch, within a tensor": RuntimeError(
        "PytorchStreamWriter failed writing file data/0: file write failed"
    ),
}


@pytest.mark.parametrize("error", FULL.values(), ids=FULL)
def test_a_full_disk_before_the_first_checkpoint_leaves_nothing(tmp_path, error):
    with pytest.raises(OutputError) as caught, run_directory(tmp_path / "out", resume=False) as scratch:
        (scratch / "text").write_bytes(bytes(100))
        raise error
    told = str(caught.value)
    assert told.startswith(f"writing {tmp_path / 'out'} failed: ") and "\n" not in told
    assert told.endswith("; no files were left behind, make room or choose another --out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("os error 2"), KeyboardInterrupt("os error 28")]
)
def test_other_errors_are_not_taken_for_a_full_disk(tmp_path, error):
    assert reason_of(error) == ""
    with pytest.raises(type(error)), run_directory(tmp_path / "out", resume=False):
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["text", "page"])
def test_the_command_ends_in_one_line(vocabx, small_extended, tmp_path, monkeypatch, step):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    name = {"text": "gather_texts", "page": "render_training_page"}[step]
    monkeypatch.setattr(f"vocabx.commands.train.run.{name}", full)
    texts = small_extended.texts
    run = vocabx(
        "train", small_extended(), "--method", "rows", "--dtype", "float32", "--corpus", texts / "zh.jsonl",
        "--replay", texts / "en.txt", "--sequence-length", 48, "--step-sequences", 2, "--max-steps", 2,
        "--heldout-bytes", 1000, "--save-every", 1, "--out", tmp_path / "out",
    )  # fmt: skip
    errors = [line for line in run.err.splitlines() if line.startswith("error: ")]
    assert run.code == 2 and len(errors) == 1 and "No space left on device" in errors[0]
    assert not (tmp_path / "out").exists()
    assert ("--resume continues it" in errors[0]) == (step == "page")
