"""The examples of docs/api.md, run in order in one namespace: each print shows what its comment says."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
_PRINTS = re.compile(r"^\s*print\(.*\)  # (?P<shown>.+)$")


def test_the_examples_of_the_parts_print_what_they_say(tmp_path, monkeypatch, capsys):
    blocks = re.findall(
        r"^```python\n(.*?)^```", (DOCS / "api.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(blocks) > 8
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/api.md, example {number + 1}", "exec"), namespace)
        said = [found["shown"] for line in block.splitlines() if (found := _PRINTS.match(line))]
        assert len(said) == block.count("print("), block
        assert capsys.readouterr().out.splitlines() == said
