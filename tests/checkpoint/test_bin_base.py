import json
import os
import pickle
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_models import PLAIN, head_of, tiny_model

from vocabx.checkpoint import bin_base
from vocabx.checkpoint.base import find_base
from vocabx.checkpoint.bin_base import has_only_bin, unpack_bin
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.errors import BaseModelError, OutputError
from vocabx.progress import Quiet

LEGACY = {"_use_new_zipfile_serialization": False}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def bin_model(
    directory: Path, kind: str = "llama", tied: bool | None = None, shards: int = 0, **save
) -> Path:
    """A model as transformers 4 saved it: under all names, so that tied tensors share their bytes."""
    model = tiny_model(kind, 100, tied)
    model.config.save_pretrained(directory)
    (directory / "LICENSE").write_text("as you like")
    state = dict(model.state_dict())
    if not shards:
        torch.save(state, directory / "pytorch_model.bin", **save)
        return directory
    names = sorted(state)
    where = {}
    for n in range(shards):
        file = f"pytorch_model-{n + 1:05}-of-{shards:05}.bin"
        part = {name: state[name] for name in names[n::shards]}
        torch.save(part, directory / file, **save)
        where |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": where}
    (directory / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    return directory


def tensors_of(directory: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in sorted(directory.glob("*.safetensors")) for k, v in load_file(path).items()}


def refusal(directory: Path, cache: Path) -> str:
    with pytest.raises(BaseModelError) as caught:
        find_base(str(directory), Quiet())
    assert "\n" not in str(caught.value)
    assert not cache.exists(), "files were left behind"
    return str(caught.value)


@pytest.mark.parametrize("save", [{}, LEGACY])
@pytest.mark.parametrize("kind", [*PLAIN, "t5", "m2m_100", "llava"])
def test_a_converted_model_equals_what_transformers_reads_from_the_bin(tmp_path, kind, save):
    directory = bin_model(tmp_path / "model", kind, **save)
    base = find_base(str(directory), Quiet()).directory
    state = torch.load(directory / "pytorch_model.bin", weights_only=True)
    found = tensors_of(base)
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.items())
    checkpoint = read_checkpoint(base)
    # Tied tensors are written once.
    left_out = state.keys() - found.keys()
    assert checkpoint.tied == bool(left_out)
    assert all(state[name].data_ptr() == state[checkpoint.input.name].data_ptr() for name in left_out)
    model, info = head_of(kind).from_pretrained(base, local_files_only=True, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


@pytest.mark.parametrize("tied", [True, False])
def test_shards_keep_their_names_and_get_a_matching_index(tmp_path, tied):
    directory = bin_model(tmp_path / "model", tied=tied, shards=3)
    base = find_base(str(directory), Quiet()).directory
    assert {path.name for path in base.glob("*.safetensors")} == {
        f"model-{n:05}-of-00003.safetensors" for n in (1, 2, 3)
    }
    index = json.loads((base / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(t.numel() * 4 for t in tensors_of(base).values())
    assert read_checkpoint(base).tied == tied
    assert (base / "LICENSE").read_text() == "as you like"
    assert not list(base.glob("*.bin*"))


def test_tensors_of_every_dtype_and_layout_are_written_unchanged(tmp_path):
    directory = bin_model(tmp_path / "model")
    state = torch.load(directory / "pytorch_model.bin", weights_only=True)
    whole = torch.randn(6, 8)
    others = {
        "turned": whole.t(), "part": whole[1:3], "strided": whole[:, ::2], "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3), "mask": torch.tensor([True, False]), "ids": torch.arange(5),
        "half": torch.randn(3).half(), "brain": torch.randn(3).bfloat16(), "double": torch.randn(3).double(),
        "eight": torch.randn(5).to(torch.float8_e4m3fn), "bytes": torch.arange(3, dtype=torch.uint8),
        "again": whole,
    }  # fmt: skip
    torch.save({**state, **others}, directory / "pytorch_model.bin")
    found = tensors_of(find_base(str(directory), Quiet()).directory)
    for name, tensor in others.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, name
        assert torch.equal(found[name].float(), tensor.float()), name


def test_the_conversion_is_cached_until_a_file_changes(tmp_path, cache):
    directory = bin_model(tmp_path / "model")
    first = find_base(str(directory), Quiet()).directory
    stamp = (first / "model.safetensors").stat().st_mtime_ns
    assert find_base(str(directory), Quiet()).directory == first
    assert (first / "model.safetensors").stat().st_mtime_ns == stamp
    os.utime(directory / "pytorch_model.bin", ns=(1, 1))
    assert find_base(str(directory), Quiet()).directory != first
    twin = Path(shutil.copytree(directory, tmp_path / "twin"))
    assert find_base(str(twin), Quiet()).directory.parent == cache / "bin"


def test_a_directory_with_safetensors_is_never_converted(tmp_path, cache):
    directory = bin_model(tmp_path / "model")
    (directory / "model.safetensors").write_bytes(b"")
    assert find_base(str(directory), Quiet()).directory == directory
    assert not has_only_bin(directory) and not cache.exists()


def test_a_tokenizer_needs_no_conversion(tmp_path, cache):
    directory = bin_model(tmp_path / "model")
    assert find_base(str(directory), Quiet(), weights=False).directory == directory
    assert not cache.exists()


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (os.system, (f"touch {self.target}",))


@pytest.mark.parametrize("how", ["zip", "legacy", "plain", "beside"])
def test_a_pickle_with_code_is_refused_and_never_run(tmp_path, cache, how):
    directory = bin_model(tmp_path / "model")
    target = tmp_path / "owned"
    path = directory / "pytorch_model.bin"
    content = {"model.embed_tokens.weight": Payload(target)}
    if how == "beside":
        content = {**torch.load(path, weights_only=True), "extra": Payload(target)}
    if how == "plain":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, **(LEGACY if how == "legacy" else {}))
    assert "possibly code: nothing was run" in refusal(directory, cache)
    assert not target.exists()
    # The payload does run if unpickled.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0")
        if how == "plain":
            pickle.loads(path.read_bytes())
        else:
            torch.load(path, weights_only=False)
    assert target.exists()


def test_torchs_switch_for_trusting_everything_is_ignored(tmp_path):
    """TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD only affects callers that do not pass weights_only."""
    directory = bin_model(tmp_path / "model")
    target = tmp_path / "owned"
    torch.save({"a": Payload(target)}, directory / "pytorch_model.bin")
    code = (
        "import sys; from vocabx.checkpoint.base import find_base; from vocabx.progress import Quiet\n"
        "find_base(sys.argv[1], Quiet())"
    )
    environment = {**os.environ, "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(directory)], env=environment, capture_output=True, text=True
    )
    assert done.returncode and not target.exists()


@pytest.mark.parametrize("save", [{}, LEGACY])
@pytest.mark.parametrize("left", [0, 3, 100, 0.3, 0.9, -1])
def test_a_truncated_file_is_refused_in_one_line(tmp_path, cache, save, left):
    directory = bin_model(tmp_path / "model", **save)
    path = directory / "pytorch_model.bin"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left) if isinstance(left, float) else left])
    message = refusal(directory, cache)
    assert str(path) in message and ("download it again" in message or "is damaged" in message)


@pytest.mark.parametrize(
    "content", [[1, 2], {"state_dict": {"a": torch.ones(2)}}, {"a": 1}, {1: torch.ones(2)}, torch.ones(2)]
)
def test_a_file_that_is_not_a_dictionary_of_tensors_is_refused(tmp_path, cache, content):
    directory = bin_model(tmp_path / "model")
    torch.save(content, directory / "pytorch_model.bin")
    assert "is not a dictionary of tensors" in refusal(directory, cache)


@pytest.mark.parametrize("tensor", [torch.ones(2).to_sparse(), torch.ones(2, dtype=torch.complex128)])
def test_a_tensor_that_safetensors_cannot_hold_is_refused(tmp_path, cache, tensor):
    directory = bin_model(tmp_path / "model")
    state = torch.load(directory / "pytorch_model.bin", weights_only=True)
    torch.save({**state, "odd": tensor}, directory / "pytorch_model.bin")
    assert "'odd'" in refusal(directory, cache)


@pytest.mark.parametrize("where", ["../other.bin", "/etc/passwd", "sub/x.bin"])
def test_an_index_that_points_outside_its_directory_is_refused(tmp_path, cache, where):
    directory = bin_model(tmp_path / "model", shards=2)
    path = directory / "pytorch_model.bin.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["lm_head.weight"] = where
    path.write_text(json.dumps(index))
    assert "points outside its directory" in refusal(directory, cache)


@pytest.mark.parametrize("change", ["lacks", "moves"])
def test_an_index_that_its_shards_contradict_is_refused(tmp_path, cache, change):
    directory = bin_model(tmp_path / "model", shards=2)
    path = directory / "pytorch_model.bin.index.json"
    index = json.loads(path.read_text())
    where = index["weight_map"]
    if change == "lacks":
        del where["lm_head.weight"]
    else:
        where["lm_head.weight"] = next(f for f in where.values() if f != where["lm_head.weight"])
    path.write_text(json.dumps(index))
    assert "download both again" in refusal(directory, cache)


def test_a_name_too_many_in_the_index_is_said_and_left_out(tmp_path, cache, monkeypatch):
    directory = bin_model(tmp_path / "model", shards=2)
    path = directory / "pytorch_model.bin.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["model.other"] = index["weight_map"]["lm_head.weight"]
    path.write_text(json.dumps(index))
    notes: list[str] = []
    progress = Quiet()
    monkeypatch.setattr(progress, "note", notes.append, raising=False)
    made = unpack_bin(directory, progress)
    assert [note for note in notes if "is wrong about 'model.other'" in note] == notes != []
    assert "model.other" not in (made / "model.safetensors.index.json").read_text()


def test_models_that_would_be_refused_anyway_are_not_converted(tmp_path, cache):
    quantised = {"quantization_config": {"quant_method": "gptq"}}
    for n, change in enumerate([{"model_type": "fsmt"}, quantised]):
        directory = bin_model(tmp_path / f"model-{n}")
        path = directory / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        if change is quantised:
            state = torch.load(directory / "pytorch_model.bin", weights_only=True)
            state["lm_head.qweight"] = state.pop("lm_head.weight").to(torch.int32)
            torch.save(state, directory / "pytorch_model.bin")
        refusal(directory, cache)


@pytest.mark.parametrize("shards", [0, 2])
def test_quantized_weights_beside_whole_embeddings_are_converted_bit_for_bit(tmp_path, shards):
    directory = bin_model(tmp_path / "model", tied=False)
    path = directory / "pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    name = "model.layers.0.mlp.up_proj."
    state.pop(name + "weight")
    state |= {
        name + "qweight": torch.randint(-(2**31), 2**31, (4, 32), dtype=torch.int32),
        name + "scales": torch.randn(2, 32).half(),
        name + "fp8": torch.randn(4, 4).to(torch.float8_e4m3fn),
    }
    parts = {"pytorch_model.bin": state}
    if shards:
        names = sorted(state)
        files = [f"pytorch_model-{n + 1:05}-of-00002.bin" for n in range(2)]
        parts = {file: {key: state[key] for key in names[n::2]} for n, file in enumerate(files)}
        where = {key: file for file, part in parts.items() for key in part}
        index = {"metadata": {"total_size": 1}, "weight_map": where}
        (directory / "pytorch_model.bin.index.json").write_text(json.dumps(index))
        path.unlink()
    for file, part in parts.items():
        torch.save(part, directory / file)
    config = directory / "config.json"
    settings = {"quant_method": "gptq", "bits": 4}
    config.write_text(json.dumps({**json.loads(config.read_text()), "quantization_config": settings}))
    made = unpack_bin(directory, Quiet())
    found = tensors_of(made)
    assert found.keys() == state.keys()
    for key, tensor in state.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key].view(torch.uint8), tensor.contiguous().view(torch.uint8)), key
    assert read_checkpoint(made).quantisation == "gptq, 4 bits"


def test_a_pipe_and_a_link_in_place_of_the_weights_are_refused(tmp_path, cache):
    directory = bin_model(tmp_path / "model")
    (directory / "pytorch_model.bin").rename(tmp_path / "elsewhere.bin")
    os.mkfifo(directory / "pytorch_model.bin")
    assert "is not a file" in refusal(directory, cache)
    (directory / "pytorch_model.bin").unlink()
    (directory / "pytorch_model.bin").symlink_to("../elsewhere.bin")
    assert "is a link to a file outside" in refusal(directory, cache)


def test_a_full_cache_is_reported_before_anything_is_read(tmp_path, cache, monkeypatch):
    directory = bin_model(tmp_path / "model")

    def full(target, needed):
        assert needed >= (directory / "pytorch_model.bin").stat().st_size
        raise OutputError(
            "/cache has 0.00 GB free and the result needs 1.00 GB: make room or choose another --out"
        )

    monkeypatch.setattr(bin_base, "check_space", full)
    message = refusal(directory, cache)
    assert message.endswith("needs 1.00 GB: make room, or set VOCABX_CACHE to another directory")


def test_an_interrupted_conversion_leaves_no_files(tmp_path, cache, monkeypatch):
    directory = bin_model(tmp_path / "model", shards=3)

    def broken(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(bin_base, "check_index", broken)
    with pytest.raises(KeyboardInterrupt):
        unpack_bin(directory, Quiet())
    assert not cache.exists()


def test_bin_files_are_downloaded_from_a_repository_without_safetensors(tmp_path, monkeypatch):
    directory = bin_model(tmp_path / "model")
    asked = []

    def fetch(repository, wanted, unwanted):
        asked.append(wanted)
        return directory

    monkeypatch.setattr("vocabx.checkpoint.base.fetch", fetch)
    base = find_base("somebody/model", Quiet())
    assert [("*.safetensors" in wanted, "pytorch_model*.bin" in wanted) for wanted in asked] == [
        (True, False),
        (False, True),
    ]
    assert base.origin == "somebody/model" and read_checkpoint(base.directory).input.rows == 100


class Watching(Quiet):
    """Records the peak of anonymous memory while bytes are written; mapped pages do not count."""

    peak = 0

    @contextmanager
    def stage(self, title, total=None, unit=""):
        yield self.look

    def look(self, done=0.0):
        self.peak = max(self.peak, anonymous())


def anonymous() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssAnon")).split()[1])


def test_a_large_file_is_converted_in_the_memory_of_one_tensor(tmp_path):
    directory = bin_model(tmp_path / "model")
    state = torch.load(directory / "pytorch_model.bin", weights_only=True)
    large = {f"model.layers.{n}.extra": torch.zeros(5_000_000) for n in range(10)}
    turned = {f"model.turned.{n}": torch.zeros(1000, 5000).t() for n in range(3)}
    torch.save({**state, **large, **turned}, directory / "pytorch_model.bin")
    del large, turned
    watching, before = Watching(), anonymous()
    written = unpack_bin(directory, watching)
    assert (written / "model.safetensors").stat().st_size > 260_000_000
    assert watching.peak - before < 60_000_000
