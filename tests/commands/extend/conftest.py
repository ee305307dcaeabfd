"""What several tests of extend share."""

import pytest

FEW = (
    "--lang", "zh-Hant", "--new-tokens", 40, "--heldout-bytes", 3000, "--adversarial", 20, "--no-evaluate",
)  # fmt: skip


@pytest.fixture
def extend(vocabx, chinese_file, english_file, tmp_path):
    """A function that extends a base by a few tokens into tmp_path / "out"."""

    def run(base, *more, out="out"):
        texts = ("--corpus", chinese_file, "--base-text", english_file)
        return vocabx("extend", "--base", base, *texts, *FEW, *more, "--out", tmp_path / out)

    return run
