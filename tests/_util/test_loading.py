import ast
import builtins
import json
import shutil
from pathlib import Path

import pytest

import vocabx
from vocabx import ExtendOptions, VerifyOptions, extend, verify
from vocabx._util.loading import build_auto, load_auto
from vocabx.commands.merge.outline import outline_of
from vocabx.errors import BaseModelError
from vocabx.evaluation.load_model import load_model
from vocabx.training.methods import Method, load

# What code of a directory would do, and the class that transformers would look for in it.
CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import {parent} as Parent
class Own(Parent):
    pass
"""
AUTO = {
    "config.json": {"AutoConfig": "LlamaConfig", "AutoModelForCausalLM": "LlamaForCausalLM"},
    "tokenizer_config.json": {"AutoTokenizer": "PreTrainedTokenizerFast"},
}


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The questions that were put to the user, who would say yes to all of them."""
    questions: list[str] = []

    def answer(question: str = "") -> str:
        questions.append(question)
        return "y"

    monkeypatch.setattr(builtins, "input", answer)
    return questions


def with_code(directory: Path, marker: Path) -> Path:
    for name, classes in AUTO.items():
        content = json.loads((directory / name).read_text())
        named: dict[str, object] = {}
        for auto, parent in classes.items():
            module = f"own_{auto.lower()}"
            (directory / f"{module}.py").write_text(CODE.format(marker=str(marker), parent=parent))
            named[auto] = [None, f"{module}.Own"] if auto == "AutoTokenizer" else f"{module}.Own"
        (directory / name).write_text(json.dumps({**content, "auto_map": named}))
    return directory


@pytest.fixture
def marker(tmp_path) -> Path:
    """The file that the code of a directory would write."""
    return tmp_path / "the code was run"


def test_only_one_module_loads_with_transformers():
    """So that no load can forget to forbid code. A class of ours may load itself, and must forbid it too, as
    must the readers of other programs, which import nothing of vocabx.
    """
    root = Path(vocabx.__file__).parent
    calls = [
        (path.relative_to(root).as_posix(), node)
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("from_pretrained", "from_config")
        and ast.unparse(node.func.value) != "outlines_core.Vocabulary"
    ]
    trusted = [
        keyword.value.value for _, call in calls for keyword in call.keywords
        if keyword.arg == "trust_remote_code"
    ]  # fmt: skip
    quantizer = [name for name, call in calls if "AutoHfQuantizer" in ast.unparse(call.func)]
    assert trusted == [False] * (len(calls) - len(quantizer)) and len(quantizer) == 1
    assert {name for name, _ in calls if not name.startswith("runtimes/readers/")} == {
        "_util/loading.py", "evaluation/load_model.py", "commands/merge/outline.py"
    }  # fmt: skip


def test_no_command_runs_code_or_asks_whether_to(small_extended, tmp_path, asked, marker):
    extended = small_extended()
    base = with_code(shutil.copytree(extended.with_name(extended.name[:-9]), tmp_path / "base"), marker)
    texts = small_extended.texts
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", out=tmp_path / "out", corpus=(str(texts / "zh.jsonl"),),
        base_text=(str(texts / "en.txt"),), new_tokens=20, adversarial=20, heldout_bytes=1000, evaluate=True,
    )  # fmt: skip
    result = extend(options)
    assert result.certificate.passed and result.report.target.base.bits_per_byte is not None
    other = with_code(shutil.copytree(tmp_path / "out", tmp_path / "other"), marker)
    (other / "vocabx.json").unlink()
    verified = VerifyOptions(
        directory=other, against=str(base), lang="zh-Hant", corpus=options.corpus, adversarial=20,
        base_text=options.base_text,
    )  # fmt: skip
    assert verify(verified).certificate.passed
    load_model(other)
    load(other, Method("lora", "float32", 4, 8.0), "cpu")
    outline_of(other, quantised=False)
    assert not asked and not marker.exists()


@pytest.mark.parametrize("kind", ["AutoConfig", "AutoModelForCausalLM", "AutoTokenizer"])
def test_what_only_its_own_code_can_load_is_refused_in_one_line(
    small_extended, tmp_path, asked, marker, kind
):
    directory = with_code(shutil.copytree(small_extended(), tmp_path / "made"), marker)
    for name, change in (
        ("config.json", {"model_type": "unheard-of"}),
        ("tokenizer_config.json", {"tokenizer_class": "UnheardOf"}),
    ):
        path = directory / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BaseModelError, match="by running its own code, which vocabx never does") as caught:
        load_auto(kind, directory, "evaluate")
    assert "\n" not in str(caught.value) and not asked and not marker.exists()


def test_other_errors_of_loading_are_one_sentence_without_advice_on_code(tmp_path):
    with pytest.raises(BaseModelError, match="Unrecognized") as caught:
        build_auto("AutoModelForCausalLM", object(), tmp_path, "evaluate")
    assert "auto_map" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", {"rope_parameters": {"rope_theta": "high", "rope_type": "default"}}),
        ("config.json", {"hidden_size": "16"}),
        ("config.json", {"num_attention_heads": 0}),
        ("tokenizer_config.json", {"tokenizer_class": ["a"]}),
        ("tokenizer_config.json", {"eos_token": 5}),
    ],
)
def test_fields_that_transformers_fails_on_are_one_sentence(tmp_path, small_model, name, change):
    base = small_model()
    content = json.loads((base / name).read_text())
    (base / name).write_text(json.dumps({**content, **change}))
    kind = "AutoTokenizer" if name.startswith("tokenizer") else "AutoModelForCausalLM"
    with pytest.raises(BaseModelError, match=r"transformers cannot load .* repair or replace") as refused:
        load_auto(kind, base, "evaluate")
    assert "\n" not in str(refused.value)
