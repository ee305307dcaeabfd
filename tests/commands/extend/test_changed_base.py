import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from vocabx import ExtendOptions, extend
from vocabx.errors import BaseChangedError


class At:
    """Progress that does something when a stage begins."""

    def __init__(self, title: str, act) -> None:
        self.title, self.act = title, act

    @contextmanager
    def stage(self, title, total=None, unit=""):
        if title == self.title:
            self.act()
        yield lambda amount: None

    def note(self, text): ...
    def status(self, text): ...


def overwrite(path: Path, how: str) -> None:
    """Write other numbers over a weight file, as a download or another training does."""
    before = path.stat()
    tensors = {name: tensor + 1 for name, tensor in load_file(path).items()}
    other = path.with_name("other")
    save_file(tensors, other, metadata={"format": "pt"})
    if how == "replaced":
        other.rename(path)
    else:
        path.write_bytes(other.read_bytes())
        other.unlink()
    if how == "unnoticeable by time":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("how", ["replaced", "overwritten", "unnoticeable by time"])
@pytest.mark.parametrize("stage", ["Verifying", "Writing the checkpoint"])
def test_a_base_that_is_overwritten_while_it_is_read_ends_the_run(small_extended, tmp_path, stage, how):
    extended = small_extended()
    base = Path(
        shutil.copytree(extended.with_name(extended.name.removesuffix("-extended")), tmp_path / "base")
    )
    texts = small_extended.texts
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", out=tmp_path / "out", corpus=(str(texts / "zh.jsonl"),),
        base_text=(str(texts / "en.txt"),), new_tokens=20, adversarial=10, heldout_bytes=1000, evaluate=False,
    )  # fmt: skip
    with pytest.raises(
        BaseChangedError, match="changed while it was being read: run the command again"
    ) as caught:
        extend(options, At(stage, lambda: overwrite(base / "model.safetensors", how)))
    assert "\n" not in str(caught.value) and not getattr(caught.value, "__notes__", ())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"]


@pytest.mark.parametrize("touched", [False, True])
def test_a_base_that_stays_the_same_is_not_complained_of(small_model, touched):
    from vocabx.checkpoint.read_checkpoint import read_checkpoint

    base = small_model()
    checkpoint = read_checkpoint(base)
    if touched:
        # --link makes hard links of weight files, and others may read or protect them.
        os.link(base / "model.safetensors", base.parent / "link")
        (base / "model.safetensors").chmod(0o444)
    checkpoint.require_unchanged()
