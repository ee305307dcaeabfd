"""What transformers makes of a directory, found out here or in a process without torch."""

import json
import shutil
import subprocess
import sys

import pytest

from vocabx.tokenizer.agreement import is_the_same, readers_of
from vocabx.tokenizer.loaded import look
from vocabx.tokenizer.read_tokenizer import read_tokenizer

TEXTS = ["", "the quick", "中文 and 中文", "<|endoftext|> \udcff"[:-1]]
# transformers is not imported there yet.
_ELSEWHERE = """
import sys
from pathlib import Path
from vocabx.tokenizer.loaded import look, looking
directories, texts = [Path(one) for one in {directories!r}], {texts!r}
with looking(directories, texts) as begun:
    found = begun.result()
assert "transformers" not in sys.modules and "torch" not in sys.modules
assert found == [look(directory, texts) for directory in directories], found
assert "torch" in sys.modules
print([one is not None for one in found])
"""


@pytest.fixture
def directory(small_tokenizer, tmp_path):
    """A function that copies the small tokenizer and changes its tokenizer.json and configuration."""

    def copied(change=lambda spec: None, **config):
        made = shutil.copytree(small_tokenizer, tmp_path / "made", dirs_exist_ok=True)
        spec = json.loads((made / "tokenizer.json").read_text("utf-8"))
        change(spec)
        (made / "tokenizer.json").write_text(json.dumps(spec), "utf-8")
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
        (made / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
        return made

    return copied


def test_a_process_without_torch_finds_what_this_one_would(small_tokenizer, tmp_path):
    (tmp_path / "broken").mkdir()
    code = _ELSEWHERE.format(directories=[str(small_tokenizer), str(tmp_path / "broken")], texts=TEXTS)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "[True, False]\n"), ran.stderr


def test_truncation_padding_and_dropout_make_no_other_tokenizer(directory):
    def truncate(spec):
        spec["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
        spec["model"]["dropout"] = 0.9

    made = directory(truncate)
    assert is_the_same(read_tokenizer(made), look(made, TEXTS), TEXTS)


@pytest.mark.parametrize(
    "differ", ["a merge less", "other ids", "special tokens split", "a class of its own"]
)
def test_a_tokenizer_that_may_differ_reads_every_text(directory, small_tokenizer, differ):
    made = directory()
    tokenizer, found = read_tokenizer(made), look(made, TEXTS)
    assert is_the_same(tokenizer, found, TEXTS)
    if differ == "a merge less":
        changed = look(directory(lambda spec: spec["model"]["merges"].pop()), TEXTS)
    elif differ == "other ids":
        changed = type(found)(found.state, found.behavior, [[0], *found.ids[1:]])
    elif differ == "special tokens split":
        changed = look(directory(split_special_tokens=True), TEXTS)
    else:
        changed = look(directory(tokenizer_class="GPT2Tokenizer"), TEXTS)
    same = is_the_same(tokenizer, changed, TEXTS)
    names = [type(one).__name__ for one in readers_of(tokenizer, tokenizer, (made, made), changed, TEXTS)]
    assert not same
    assert names == ["TransformersReader"]
