"""The examples run as they are, without a network, and say what they promise."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """No hub; what examples write to a temporary directory is removed with the test's."""
    for name, value in (("HF_HUB_OFFLINE", "1"), ("TMPDIR", str(tmp_path)), ("MPLBACKEND", "")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND")


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ)


def test_scripts_are_short_and_each_is_in_the_table():
    table = (EXAMPLES / "README.md").read_text("utf-8")
    assert len(SCRIPTS) == 4
    for path in (*SCRIPTS, EXAMPLES / "tour.ipynb"):
        assert f"({path.name})" in table
    assert all(len(path.read_text("utf-8").splitlines()) < 60 for path in SCRIPTS)


def test_a_model_is_extended_and_loaded(environment, chinese_file):
    ran = run("extend_a_model.py", chinese_file)
    assert ran.returncode == 0, ran.stderr
    assert "of the tokens that it took" in ran.stdout and "before any training" in ran.stdout
    assert "Every token of the base keeps its id" in ran.stdout


def test_initializers_are_compared(environment, chinese_file):
    ran = run("compare_initializers.py", chinese_file)
    assert ran.returncode == 0, ran.stderr
    for method in ("zip-tie", "cw2v", "focus", "mean"):
        assert f"\n{method}: norm " in ran.stdout
    # The mean of all old rows is one row for all new tokens.
    assert "mean: norm" in ran.stdout and "300 rows equal another" in ran.stdout


def test_the_usual_way_to_add_tokens_fails_where_vocabx_passes(environment, smollm2, extension, tmp_path):
    ran = run("verify_two_tokenizers.py")
    assert ran.returncode == 0, ran.stderr
    assert "add_tokens of transformers: failed" in ran.stdout
    assert "add_tokens of vocabx: passed" in ran.stdout
    given = tmp_path / "tokenizer.json"
    given.write_text(json.dumps(extension.tokenizer.spec), "utf-8")
    ran = run("verify_two_tokenizers.py", smollm2, given, "zh-Hant")
    assert (ran.returncode, ran.stdout) == (0, f"{given}: passed\n"), ran.stderr


@pytest.mark.parametrize("name", ["extend_a_model.py", "compare_initializers.py"])
def test_a_mistake_is_one_line(name):
    ran = run(name, "nowhere.txt")
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("error: ") and "nowhere.txt" in ran.stderr


def test_the_notebook_holds_no_outputs_and_runs(environment):
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
    plots = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(plots) == 2
    said = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    assert "True" in said and "bits per byte of held-out text" in said


def test_an_extended_checkpoint_runs_in_onnxruntime_and_openvino(environment, small_extended, tmp_path):
    import onnxruntime
    import openvino
    import torch
    from transformers import AutoModelForCausalLM

    out, file = small_extended(), tmp_path / "extended.onnx"
    ran = run("to_onnx.py", out, file)
    assert ran.returncode == 0, ran.stderr
    rows = json.loads((out / "vocabx.json").read_text())["sizes"]["rows"]
    # Other sizes than those it was made with, padded on the left and on the right.
    ids = np.random.default_rng(0).integers(0, rows, (3, 21))
    mask = np.ones_like(ids)
    mask[1, :5] = mask[2, 15:] = 0
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    inputs = {"input_ids": ids, "attention_mask": mask}
    with torch.no_grad():
        expected = model(**{name: torch.from_numpy(one) for name, one in inputs.items()}).logits.numpy()
    (found,) = onnxruntime.InferenceSession(file).run(["logits"], inputs)
    assert found.shape == (3, 21, rows)
    # On some processors OpenVINO computes with 16 bits by itself.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(openvino.convert_model(file), "CPU", exact)
    for logits in (found, compiled(inputs)["logits"]):
        np.testing.assert_allclose(logits[mask == 1], expected[mask == 1], atol=1e-4)
