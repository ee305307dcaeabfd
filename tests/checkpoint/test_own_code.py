"""Models whose class comes with them: refused, or asked in another process; what is recorded of it."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from architectures_models import small_model
from architectures_proof import prove_saved
from own_code_model import AUTO_MAP, INPUT, OUTPUT, save_own_code_model
from safetensors.torch import load_file

from vocabx import ExtendOptions, VerifyOptions, extend, verify
from vocabx.checkpoint.base import find_base
from vocabx.checkpoint.built_architecture import Shapes
from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.own_code import Limits, ask_own_code
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.recorded import require_base_directory
from vocabx.commands.evaluate.model import read_evaluated_model
from vocabx.commands.train.trained_checkpoint import trained_checkpoint
from vocabx.errors import BaseModelError, InitializerError
from vocabx.progress import Quiet

ROWS = 600
CODE = {"configuration_oddly.py", "modeling_oddly.py"}


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def tied(request) -> bool:
    return request.param


@pytest.fixture
def base(tmp_path) -> Path:
    save_own_code_model(tmp_path / "base", ROWS, tied=True)
    return tmp_path / "base"


def refusal(directory: Path, **how) -> str:
    with pytest.raises(BaseModelError) as caught:
        read_checkpoint(directory, **how)
    return one_sentence(caught.value, directory)


def one_sentence(error: Exception, directory: Path) -> str:
    message = str(error)
    assert "\n" not in message and len(message) <= 300 + len(str(directory))
    return message


def test_a_class_that_comes_with_the_model_is_extended_with_the_proof(tmp_path, tied):
    made = save_own_code_model(tmp_path / "base", ROWS, tied)
    checkpoint = read_checkpoint(tmp_path / "base", trust=True)
    assert [table.name for table in checkpoint.tables] == ([INPUT] if tied else [INPUT, OUTPUT])
    assert checkpoint.tied is tied and checkpoint.generates
    proof = prove_saved(made, checkpoint, tmp_path)
    assert proof.old == proof.copy == proof.again == 0
    assert proof.generated and not proof.lost


def test_the_code_runs_in_another_process_and_what_it_prints_is_not_heard(base, capfd):
    path = base / "modeling_oddly.py"
    noise = f"import os\nopen({str(base / 'ran')!r}, 'w').write(str(os.getpid()))\nprint('noise' * 1000000)\n"
    path.write_text(noise + path.read_text())
    before = set(sys.modules)
    assert "only be built by code of its own" in refusal(base) and not (base / "ran").exists()
    assert read_checkpoint(base, trust=True).input.name == INPUT
    assert (base / "ran").read_text() != str(os.getpid())
    assert not {name for name in set(sys.modules) - before if "oddly" in name}
    assert "noise" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("code", "said"), [
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "which died of SIGSEGV"),
    pytest.param("import os; os._exit(3)", "which ended with exit code 3", marks=pytest.mark.slow),
    ("import os; os._exit(0)", "which gave no answer that could be read"),
    ("raise SystemExit('enough')", "which fails (SystemExit: enough)"),
    pytest.param("raise ValueError('two\\nlines')", "two lines", marks=pytest.mark.slow),
    pytest.param("import no_such_package_of_anyone", "no_such_package", marks=pytest.mark.slow),
    ("x = bytearray(1 << 40)", "which fails (MemoryError)"),
    ("class OddlyForCausalLM: pass", "which is no PreTrainedModel of transformers"),
])  # fmt: skip
def test_code_that_crashes_ends_or_fails_is_one_sentence(base, code, said):
    (base / "modeling_oddly.py").write_text(f"{code}\n")
    assert said in refusal(base, trust=True)


@pytest.mark.parametrize("code", ["import time; time.sleep(600)", "while True: print('noise')"])
def test_code_that_hangs_or_prints_without_end_is_stopped(base, code):
    (base / "configuration_oddly.py").write_text(f"{code}\n")
    config = json.loads((base / "config.json").read_text())
    with pytest.raises(BaseModelError) as caught:
        ask_own_code(config, Shapes({INPUT: (ROWS, 32)}), base, Limits(seconds=3))
    assert "which took longer than 3 seconds" in one_sentence(caught.value, base)


def test_code_of_a_class_that_transformers_has_is_not_run_even_if_it_is_trusted(tmp_path):
    small_model("lfm2", "Lfm2ForCausalLM").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    named = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Lfm2ForCausalLM"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": named}))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    assert not read_checkpoint(tmp_path, trust=True).architecture.own_code
    assert not (tmp_path / "ran").exists()


def test_code_that_computes_without_end_is_stopped(base):
    (base / "configuration_oddly.py").write_text("while True: pass\n")
    config = json.loads((base / "config.json").read_text())
    with pytest.raises(BaseModelError, match="took longer than 1 seconds of processor time"):
        ask_own_code(config, Shapes({INPUT: (ROWS, 32)}), base, Limits(processor=1))


def test_code_that_is_missing_or_lies_elsewhere_is_named(base):
    path = base / "config.json"
    config = json.loads(path.read_text())
    (base / "configuration_oddly.py").unlink()
    assert "of which it lacks configuration_oddly.py" in refusal(base, trust=True)
    elsewhere = {key: f"someone/else--{value}" for key, value in AUTO_MAP.items()}
    path.write_text(json.dumps({**config, "auto_map": elsewhere}))
    assert "of which it lacks every file" in refusal(base, trust=True)


def test_bin_weights_of_such_a_model_are_converted_if_its_code_is_trusted(base, tmp_path, monkeypatch):
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path / "cache"))
    weights = base / "model.safetensors"
    torch.save(load_file(weights), base / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(BaseModelError, match="--trust-remote-code"):
        find_base(str(base), Quiet())
    found = find_base(str(base), Quiet(), trust=True)
    assert read_checkpoint(found.directory, trust=True).input.rows == ROWS


@pytest.fixture(scope="module")
def extended(tmp_path_factory, small_tokenizer, small_extended) -> tuple[Path, Path]:
    """An untied model of its own code, and the same extended by the command."""
    directory = tmp_path_factory.mktemp("oddly")
    base, out = directory / "base", directory / "out"
    save_own_code_model(base, ROWS, True, small_tokenizer)
    assert extend(options(base, out, small_extended.texts, trust_remote_code=True)).certificate.passed
    return base, out


def options(base: Path, out: Path, texts: Path, **more) -> ExtendOptions:
    return ExtendOptions(
        base=str(base), lang="zh-Hant", out=out, corpus=(str(texts / "zh.jsonl"),), new_tokens=20,
        base_text=(str(texts / "en.txt"),), adversarial=10, heldout_bytes=1000, **more,
    )  # fmt: skip


def loaded(directory: Path):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(directory, trust_remote_code=True, dtype="float32").eval()


def test_the_command_takes_the_code_along_and_records_it(extended):
    base, out = extended
    for name in CODE:
        assert (out / name).read_bytes() == (base / name).read_bytes()
    assert json.loads((out / "config.json").read_text())["auto_map"] == AUTO_MAP
    recorded = read_manifest(out).remote_code
    assert set(recorded.files) == CODE and recorded.architecture.inputs == (INPUT,)
    assert "trust_remote_code=True" in (out / "README.md").read_text()
    assert "vocabx train" not in (out / "report.html").read_text()
    ids = torch.tensor([[5, 300, 9, ROWS - 1]])
    with torch.no_grad():
        before, after = (loaded(one)(ids).logits for one in (base, out))
    assert torch.equal(before, after[..., :ROWS]) and after.shape[-1] >= ROWS + 20


def test_what_it_wrote_is_read_by_its_record_without_running_the_code(extended):
    base, out = extended
    assert read_checkpoint(out).input.name == INPUT
    require_base_directory(out, base)
    assert verify(VerifyOptions(directory=out, records=True)).certificate.passed


def test_commands_that_compute_with_the_model_refuse_it_in_one_sentence(extended, small_extended, tmp_path):
    base, out = extended
    for work, call in {
        "training": lambda: trained_checkpoint(out),
        "an evaluation": lambda: read_evaluated_model("it", out),
        "distill": lambda: extend(
            options(base, tmp_path / "out", small_extended.texts, trust_remote_code=True, init="distill")
        ),
    }.items():
        with pytest.raises((BaseModelError, InitializerError)) as caught:
            call()
        assert f"{work} needs the model" in one_sentence(caught.value, base)
    assert not (tmp_path / "out").exists()


def test_code_that_was_changed_since_is_not_what_was_recorded(extended, tmp_path):
    shutil.copytree(extended[1], tmp_path / "out")
    with (tmp_path / "out" / "modeling_oddly.py").open("a") as file:
        file.write("# changed\n")
    assert "only be built by code of its own" in refusal(tmp_path / "out")
    found = verify(VerifyOptions(directory=tmp_path / "out", records=True))
    failed = {claim.name for claim in found.certificate.claims if claim.failed}
    assert "remote-code" in failed


def test_a_damaged_record_of_code_is_named(extended, tmp_path):
    shutil.copytree(extended[1], tmp_path / "out")
    path = tmp_path / "out" / "vocabx.json"
    content = json.loads(path.read_text())
    content["remote_code"]["architecture"]["inputs"] = 5
    path.write_text(json.dumps(content))
    assert "damaged at remote_code.architecture.inputs" in refusal(tmp_path / "out")
